import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { ExaminedSource } from '../../../src/cli/host.ts';
import { run } from './running.ts';

/** A folder of these files, named `shop`. */
async function source(files: Readonly<Record<string, string>>): Promise<{ path: string } & AsyncDisposable> {
  const top = await mkdtemp(join(tmpdir(), 'kapal-detect-'));
  const path = join(top, 'shop');
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(top, { recursive: true, force: true }) };
}

const nest = JSON.stringify({
  scripts: { build: 'nest build', start: 'nest start', 'start:prod': 'node dist/main' },
  dependencies: { '@nestjs/core': '11' },
  engines: { node: '16.x' },
});

describe('kapal detect', () => {
  test('says what was found, which file said so, and what would run; without a daemon', async () => {
    await using shop = await source({ 'package.json': nest, 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" });
    const { code, out, err } = await run(['detect', shop.path]);
    assert.deepEqual([code, err], [0, '']);
    assert.equal(
      out,
      [
        'shop, seen from package.json (its script start:prod)',
        '',
        '  shop  web, node',
        '    needs  Node 16.x (engines.node of package.json)',
        '    needs  pnpm 9.15.9',
        '    build  pnpm install --frozen-lockfile --prod=false',
        '    build  pnpm run build',
        '    start  pnpm run start:prod',
        '',
      ].join('\n'),
    );
  });

  test('what Procfile and app.json say stands with its line', async () => {
    await using shop = await source({
      Procfile: 'web: node server.js\nrelease: node migrate.js\n',
      'app.json': JSON.stringify({
        env: { KEY: { generator: 'secret' }, TOKEN: {} },
        formation: { web: { quantity: 2 } },
        cron: [{ command: 'node job.js', schedule: '@daily' }],
        scripts: { postdeploy: 'node seed.js' },
        healthchecks: { web: [{ path: '/up', content: 'ok' }] },
      }),
    });
    const { out } = await run(['detect', shop.path]);
    assert.equal(
      out,
      [
        'shop, seen from Procfile (its processes web)',
        '',
        '  shop  web, node',
        '    before traffic  node migrate.js  (Procfile:2)',
        '    once, at first  node seed.js  (app.json:1)',
        '    start           node server.js  (Procfile:1)',
        '    health check    /up, with "ok" in the body  (app.json:1)',
        '    instances       2  (app.json:1)',
        '    variable        KEY, made once and kept  (app.json:1)',
        '    variable        TOKEN, from kapal env set  (app.json:1)',
        '',
        '  cron  cron, node',
        '    start     node job.js  (app.json:1)',
        '    schedule  @daily  (app.json:1)',
        '    variable  KEY, made once and kept  (app.json:1)',
        '    variable  TOKEN, from kapal env set  (app.json:1)',
        '',
      ].join('\n'),
    );
  });

  test('--json is one document', async () => {
    await using shop = await source({
      'package.json': JSON.stringify({ private: true, workspaces: ['packages/*'] }),
      'packages/api/package.json': JSON.stringify({ scripts: { start: 'node .' } }),
      'packages/lib/package.json': '{}',
    });
    const { out } = await run(['detect', '--json', shop.path]);
    const found = JSON.parse(out) as ExaminedSource;
    assert.deepEqual(found.origin, { kind: 'detected', file: 'packages/api/package.json', why: 'its start script' });
    const [service] = found.services;
    assert.deepEqual(
      [found.project, service?.service, service?.rootDir, service?.start, service?.evidence],
      ['shop', 'shop', 'packages/api', 'npm start', 'packages/api/package.json'],
    );
  });

  test('reads a declaration as a deploy does, and says where it is wrong', async () => {
    await using shop = await source({ 'kapal.yaml': 'services:\n  - {type: web, name: api, startComand: x}\n' });
    const { code, err } = await run(['detect', shop.path]);
    assert.equal(code, 2);
    assert.match(err, /kapal\.yaml:2:28: services\[0\]\.startComand: unknown field, did you mean startCommand\?/);
    assert.equal((await run(['detect', join(shop.path, 'gone')])).code, 2);
  });

  test('warns of a start that is made for people at work', async () => {
    await using shop = await source({
      'package.json': JSON.stringify({ scripts: { start: 'vite' }, dependencies: { express: '5', vite: '7' } }),
    });
    assert.match((await run(['detect', shop.path])).out, /note: The start script \(vite\) runs a development server/);
  });
});
