import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';

const json = (value: unknown): string => JSON.stringify(value, null, 2);

const next = {
  'package.json': json({
    private: true,
    scripts: { dev: 'next dev', build: 'next build', start: 'next start' },
    dependencies: { next: '15.5.4', react: '19.1.1', 'react-dom': '19.1.1' },
    devDependencies: { prettier: '3.6.2' },
  }),
  'app/layout.js': 'export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n',
  'app/page.js': 'export default function Page() { return <h1>Halaman depan</h1>; }\n',
};

const astro = {
  'package.json': json({
    private: true,
    type: 'module',
    scripts: { dev: 'astro dev', start: 'astro dev', build: 'astro build', preview: 'astro preview' },
    dependencies: { astro: '5.14.1' },
  }),
  'src/pages/index.astro': '<html><body><h1>Halaman depan</h1></body></html>\n',
  'src/pages/tentang.astro': '<html><body><h1>Tentang kami</h1></body></html>\n',
};

/** The same framework writes files, or a server: its settings tell which. */
describe('a framework that can do both', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const typeOf = async (name: string) => {
    const { type, instances } = await kapal.service(name);
    return [type, instances.length];
  };

  test('Next with its server', async () => {
    const api = "export function GET(request) { return Response.json({ host: request.headers.get('host') }); }\n";
    await kapal.deploy(
      await kapal.project('next-server', {
        ...next,
        'app/api/route.js': `export const dynamic = 'force-dynamic';\n${api}`,
      }),
    );
    assert.match((await kapal.visit('next-server.localhost')).body, /Halaman depan/);
    assert.deepEqual(JSON.parse((await kapal.visit('next-server.localhost', '/api')).body), {
      host: 'next-server.localhost',
    });
    assert.deepEqual(await typeOf('next-server'), ['web', 1]);
    assert.match(
      (await kapal.run('logs', 'next-server', '--lines', '1000')).stdout,
      /Removing development dependencies/,
    );
  });

  test("Next with output: 'export'", async () => {
    await kapal.deploy(
      await kapal.project('next-export', { ...next, 'next.config.mjs': "export default { output: 'export' };\n" }),
    );
    assert.match((await kapal.visit('next-export.localhost')).body, /Halaman depan/);
    assert.equal((await kapal.visit('next-export.localhost', '/nowhere')).status, 404);
    assert.deepEqual(await typeOf('next-export'), ['static', 0]);
  });

  test('Astro that writes pages', async () => {
    await kapal.deploy(await kapal.project('astro-site', astro));
    assert.match((await kapal.visit('astro-site.localhost')).body, /Halaman depan/);
    assert.match((await kapal.visit('astro-site.localhost', '/tentang/')).body, /Tentang kami/);
    assert.equal((await kapal.visit('astro-site.localhost', '/nowhere')).status, 404);
    assert.deepEqual(await typeOf('astro-site'), ['static', 0]);
  });

  test('Astro with its adapter for Node', async () => {
    const manifest = json({
      ...(JSON.parse(astro['package.json']) as object),
      dependencies: { astro: '5.14.1', '@astrojs/node': '9.4.4' },
    });
    const config = `import { defineConfig } from 'astro/config';
import node from '@astrojs/node';
export default defineConfig({ output: 'server', adapter: node({ mode: 'standalone' }) });
`;
    const page = '---\nconst asked = Astro.url.pathname;\n---\n<html><body><h1>Halaman {asked}</h1></body></html>\n';
    await kapal.deploy(
      await kapal.project('astro-server', {
        ...astro,
        'package.json': manifest,
        'astro.config.mjs': config,
        'src/pages/[slug].astro': page,
      }),
    );
    assert.match((await kapal.visit('astro-server.localhost', '/harga')).body, /Halaman \/harga/);
    assert.deepEqual(await typeOf('astro-server'), ['web', 1]);
  });
});
