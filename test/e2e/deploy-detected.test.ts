import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument, LogDocument, PlanDocument } from '../../src/api/contract/types.ts';
import { webApp, workerScript } from './apps.ts';
import { TestKapal, until } from './kapal.ts';

/** Sources that say nothing of Kapal. */
describe('without a declaration', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  test('a folder with an index.html is a site', async () => {
    const folder = await kapal.project('Halaman Kita', {
      'index.html': '<h1>Selamat datang</h1>',
      'about/index.html': '<h1>About</h1>',
      'style.css': 'body { margin: 0 }',
      'assets/index-B3kx9aQz.js': 'export {};',
      '.secret': 'no',
    });
    const document = await kapal.deploy(folder);
    assert.equal(document.project, 'halaman-kita');
    assert.equal(document.services[0]?.outcome, 'live');
    assert.equal((await kapal.visit('halaman-kita.localhost')).body, '<h1>Selamat datang</h1>');
    assert.equal((await kapal.visit('halaman-kita.localhost', '/about/')).body, '<h1>About</h1>');
    assert.match(
      String((await kapal.visit('halaman-kita.localhost', '/style.css')).headers['content-type']),
      /text\/css/,
    );
    const kept = await kapal.visit('halaman-kita.localhost', '/assets/index-B3kx9aQz.js');
    assert.match(String(kept.headers['cache-control']), /immutable/, 'a name that changes with its content is kept');
    assert.equal((await kapal.visit('halaman-kita.localhost')).headers['cache-control'], 'no-cache');
    assert.equal((await kapal.visit('halaman-kita.localhost', '/.secret')).status, 404);
    assert.equal(
      (await kapal.visit('halaman-kita.localhost', '/nowhere')).status,
      404,
      'no single-page app, so no fallback',
    );
    assert.equal((await kapal.visit('halaman-kita.localhost', '/', { method: 'POST' })).status, 405);
  });

  test('a new version of a site replaces it at once', async () => {
    const folder = await kapal.project('Halaman Kita', { 'index.html': '<h1>Baru</h1>' });
    const [service] = (await kapal.deploy(folder)).services;
    assert.deepEqual([service?.release, service?.outcome], [2, 'live']);
    assert.equal((await kapal.visit('halaman-kita.localhost')).body, '<h1>Baru</h1>');
    assert.equal((await kapal.visit('halaman-kita.localhost', '/about/')).status, 404);
  });

  test('a Procfile: web answers, worker runs, release runs once before', async () => {
    const folder = await kapal.project('antrian', {
      ...webApp('antrian'),
      Procfile:
        'web: node server.js\nworker: node worker.js\nrelease: node -e "console.log(\'migrated \' + process.env.KAPAL_RELEASE)"\n',
      'worker.js': workerScript,
    });
    const plan = await kapal.json<PlanDocument>(['plan', folder]);
    assert.deepEqual(plan.changes.map(({ service, action }) => `${action} ${service}`).sort(), [
      'create antrian',
      'create worker',
    ]);
    assert.match(plan.origin, /Procfile/);
    const document = await kapal.deploy(folder);
    assert.deepEqual(
      document.services.map(({ outcome }) => outcome),
      ['live', 'live'],
    );
    assert.equal((await kapal.visit('antrian.localhost')).body, 'antrian');
    const worker = await kapal.service('worker');
    assert.deepEqual([worker.type, worker.status, worker.urls.length], ['worker', 'running', 0]);
    assert.equal(worker.instances[0]?.address, null);
    await until('the worker beats', async () =>
      (await lines('worker')).some(({ text }) => text.startsWith('beat of worker')),
    );
    const migrated = (await lines('antrian')).filter(({ kind }) => kind === 'predeploy').map(({ text }) => text);
    assert.deepEqual(migrated, ['migrated 1']);
  });

  test('what cannot be told is refused with what was found and what to do', async () => {
    const nothing = await kapal.json<FailureDocument>(
      ['deploy', await kapal.project('notes', { 'notes.txt': 'hello' })],
      2,
    );
    assert.equal(nothing.error.code, 'nothing_to_deploy');
    assert.match(nothing.error.hint ?? '', /Procfile.*package\.json/);
    const elixir = await kapal.json<FailureDocument>(['deploy', await kapal.project('phoenix', { 'mix.exs': '' })], 2);
    assert.match(elixir.error.message, /mix\.exs \(Elixir\)/);
    const library = { 'package.json': '{"name":"library","version":"1.0.0"}' };
    const startless = await kapal.json<FailureDocument>(['deploy', await kapal.project('library', library)], 2);
    assert.match(startless.error.hint ?? '', /start script/);
    assert.ok((await kapal.ps()).every(({ project }) => !['notes', 'phoenix', 'library'].includes(project)));
  });

  async function lines(service: string): Promise<readonly LogDocument[]> {
    return kapal.json<readonly LogDocument[]>(['logs', service]);
  }
});
