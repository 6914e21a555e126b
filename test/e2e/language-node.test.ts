import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';

const json = (value: unknown): string => JSON.stringify(value, null, 2);

const server = `require('node:http').createServer((_, response) => {
  let built = '';
  try { built = require('./built.json'); } catch {}
  response.end(JSON.stringify({ node: process.version, built }));
}).listen(process.env.PORT);
`;

/** Says with which Node and npm it was built. */
const buildFile = `const { execSync } = require('node:child_process');
require('node:fs').writeFileSync('built.json', JSON.stringify({ node: process.version, npm: execSync('npm --version').toString().trim() }));
`;

interface Said {
  readonly node: string;
  readonly built: { readonly node: string; readonly npm: string };
}

describe('the Node that a project asks for', () => {
  test('is brought with an npm that runs on it, for build and instances, once for all services', async () => {
    await using kapal = await TestKapal.start();
    const files = (engine: string) => ({
      'package.json': json({
        engines: { node: engine },
        scripts: { build: 'node build.js', start: 'node server.js' },
        dependencies: { 'is-number': '7.0.0' },
      }),
      'build.js': buildFile,
      'server.js': server,
    });
    await kapal.deploy(await kapal.project('old', files('12.x || 14.x')));
    const old = JSON.parse((await kapal.visit('old.localhost')).body) as Said;
    assert.match(old.node, /^v14\./);
    assert.deepEqual([old.built.node, old.built.npm.split('.')[0]], [old.node, '9']);
    await kapal.deploy(await kapal.project('same', files('>=14.1 <15')));
    assert.equal((JSON.parse((await kapal.visit('same.localhost')).body) as Said).node, old.node);
    await kapal.deploy(await kapal.project('new', files('>=20')));
    assert.equal((JSON.parse((await kapal.visit('new.localhost')).body) as Said).node, process.version);

    const refused = await kapal.deployFailing(await kapal.project('ancient', files('0.10.x')));
    const [failed] = refused.services;
    assert.equal(failed?.error?.code, 'toolchain_missing');
    assert.match(failed.error.message, /no Node for "0\.10\.x", which engines\.node of package\.json asks for/);
  });

  test('a build with webpack 4, which newer ones end with ERR_OSSL_EVP_UNSUPPORTED, gets the last that it works with', async () => {
    await using kapal = await TestKapal.start();
    const folder = await kapal.project('site', {
      'package.json': json({
        scripts: { build: 'webpack --mode production && cp index.html dist/' },
        devDependencies: { webpack: '4.47.0', 'webpack-cli': '3.3.12' },
      }),
      'src/index.js': 'document.title = "built";',
      'index.html': '<script src="main.js"></script>',
      'kapal.yaml': 'services:\n  - {type: static, name: site, staticPublishPath: dist}\n',
    });
    await kapal.deploy(folder);
    assert.match((await kapal.visit('site.localhost', '/main.js')).body, /document\.title="built"/);
  });
});

describe('an install', () => {
  test('is taken from the last build while its lock file is the same, and made anew when it is not', async () => {
    await using kapal = await TestKapal.start();
    const lock = (version: string, integrity: string) => ({
      'package.json': json({
        scripts: { start: 'node server.js' },
        dependencies: { 'is-number': version },
      }),
      'package-lock.json': json({
        name: 'shop',
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { dependencies: { 'is-number': version } },
          'node_modules/is-number': { version, integrity },
        },
      }),
    });
    const seven = lock(
      '7.0.0',
      'sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==',
    );
    const page = (text: string) => ({
      'server.js': `const version = require('is-number/package.json').version;
require('node:http').createServer((_, response) => response.end(version + ' ${text}')).listen(process.env.PORT);\n`,
    });
    const lines = async (): Promise<string> => (await kapal.run('logs', 'shop')).stdout;
    const taken = /nothing of it changed since it was installed last/g;

    await kapal.deploy(await kapal.project('shop', { ...seven, ...page('one') }));
    assert.equal((await kapal.visit('shop.localhost')).body, '7.0.0 one');
    assert.equal((await lines()).match(taken), null);
    await kapal.deploy(await kapal.project('shop', { ...seven, ...page('two') }));
    assert.equal((await kapal.visit('shop.localhost')).body, '7.0.0 two');
    assert.equal((await lines()).match(taken)?.length, 1);
    await kapal.deploy(
      await kapal.project('shop', {
        ...lock(
          '6.0.0',
          'sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==',
        ),
        ...page('three'),
      }),
    );
    assert.equal((await kapal.visit('shop.localhost')).body, '6.0.0 three');
    assert.equal((await lines()).match(taken)?.length, 1);
  });
});
