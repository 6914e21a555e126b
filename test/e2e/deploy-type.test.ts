import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files } from './apps.ts';
import { until } from '../patience.ts';
import { TestKapal } from './kapal.ts';

const server = (said: string): Files => ({
  'package.json': '{"name": "toko", "scripts": {"start": "node server.js"}}',
  'server.js': `require('node:http')
  .createServer((request, response) => setTimeout(() => response.end(request.url === '/server.js' ? 'no such page' : '${said}'), 20))
  .listen(process.env.PORT, process.env.HOST);\n`,
});
const site = (said: string): Files => ({ 'index.html': `${said}\n` });

/** What people do with a first page: it becomes a program, and perhaps a page again. */
for (const edge of ['embedded', 'nginx'] as const) {
  test(`a site becomes a server and a site again, under the same name; visitors notice nothing (${edge})`, async () => {
    await using kapal = await TestKapal.prepare();
    await kapal.up(['--edge', edge]);
    const deploy = async (files: Files): Promise<string | undefined> =>
      (await kapal.deploy(await kapal.project('toko', files))).services[0]?.outcome;
    const answer = async (path = '/'): Promise<string> => (await kapal.visit('toko.localhost', path)).body.trim();

    assert.equal(await deploy(site('page one')), 'live');
    assert.equal(await answer(), 'page one');
    const seen: string[] = [];
    let watching = true;
    const watched = (async () => {
      while (watching) {
        const { status, body } = await kapal.visit('toko.localhost');
        seen.push(`${status} ${body.trim()}`);
        const code = await kapal.visit('toko.localhost', '/server.js');
        if (code.body.includes('createServer')) seen.push('the source of the server');
      }
    })();
    assert.equal(await deploy(server('server one')), 'live');
    assert.equal(await answer(), 'server one');
    assert.equal((await kapal.service('toko')).type, 'web');

    const broken = { ...server('never'), 'server.js': 'process.exit(3);\n' };
    const failed = await kapal.deployFailing(await kapal.project('toko', broken));
    assert.equal(failed.services[0]?.error?.code, 'boot_crashed');
    assert.equal(await answer(), 'server one');

    assert.equal(await deploy(site('page two')), 'live');
    assert.equal(await answer(), 'page two');
    await until('the last page has been seen', () => seen.at(-1) === '200 page two');
    watching = false;
    await watched;
    const order = ['200 page one', '200 server one', '200 page two'];
    assert.deepEqual([...new Set(seen)], order);
    await kapal.serviceOnce('toko', ({ type, instances }) => type === 'static' && instances.length === 0);

    assert.equal(
      (await kapal.deployFailing(await kapal.project('toko', broken))).services[0]?.error?.code,
      'boot_crashed',
    );
    assert.equal(await answer(), 'page two');
    const { code } = await kapal.run('rollback', 'toko', '2');
    assert.equal(code, 0);
    assert.equal(await answer(), 'server one');
  });
}

test('a worker becomes a server: it gets a name, and is reached', async () => {
  await using kapal = await TestKapal.start();
  const declared = (type: string) =>
    `project: toko\nservices:\n  - {type: ${type}, name: toko, runtime: node, startCommand: node server.js}\n`;
  await kapal.deploy(await kapal.project('toko', { ...server('worked'), 'kapal.yaml': declared('worker') }));
  await kapal.deploy(await kapal.project('toko', { ...server('serves'), 'kapal.yaml': declared('web') }));
  assert.equal((await kapal.visit('toko.localhost')).body, 'serves');
  await kapal.deploy(await kapal.project('toko', { ...server('works'), 'kapal.yaml': declared('worker') }));
  assert.equal((await kapal.visit('toko.localhost')).status, 404);
  const { instances } = await kapal.service('toko');
  assert.deepEqual(
    instances.filter(({ release }) => release === 3).map(({ state }) => state),
    ['ready'],
  );
});
