import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument, PlanDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { TestKapal } from './kapal.ts';

const manifest = { 'package.json': '{"name": "shop", "scripts": {"start": "node server.js"}}' };

describe('somebody moves here', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  test('from PM2: look, write, deploy, visit', async () => {
    const folder = await kapal.project('fromPm2', {
      ...manifest,
      ...webApp('moved'),
      'ecosystem.config.js': `const path = require('node:path');
module.exports = { apps: [{ name: 'moved', script: path.join(__dirname, 'server.js'), instances: 2, exec_mode: 'cluster',
  kill_timeout: 5000, watch: true, env: { PORT: 3000 }, env_production: { NODE_ENV: 'production' } }] };\n`,
    });
    const looked = await kapal.run('import', 'pm2', folder);
    assert.equal(looked.code, 0, looked.stderr);
    assert.match(looked.stderr, /^refused: ecosystem\.config\.js:3:\d+: apps\[0\]\.watch: /m);
    assert.ok(!existsSync(join(folder, 'kapal.yaml')));
    assert.equal((await kapal.run('import', 'pm2', folder, '--write')).code, 0);
    assert.equal(readFileSync(join(folder, 'kapal.yaml'), 'utf8'), looked.stdout);
    const plan = await kapal.json<PlanDocument>(['plan', folder]);
    assert.deepEqual([plan.origin, plan.warnings], ['kapal.yaml', []]);
    assert.deepEqual(
      (await kapal.deploy(folder)).services.map(({ service, outcome }) => [service, outcome]),
      [['moved', 'live']],
    );
    assert.equal((await kapal.service('moved')).instances.length, 2);
    assert.equal((await kapal.visit('moved.localhost', '/env/NODE_ENV')).body, 'production');
  });

  test('from Heroku: what has no value yet stops the deploy, with the command that gives it', async () => {
    const folder = await kapal.project('store', {
      ...manifest,
      ...webApp('store'),
      Procfile: 'web: node server.js\nrelease: echo migrated > migrated\n',
      'app.json': JSON.stringify({
        name: 'store',
        env: { SESSION_KEY: { generator: 'secret' }, LEVEL: 'info' },
        addons: ['heroku-postgresql:mini'],
      }),
    });
    assert.equal((await kapal.run('import', 'heroku', folder, '--write')).code, 0);
    const { error } = await kapal.json<FailureDocument>(['deploy', folder], 2);
    assert.deepEqual([error.code, /store DATABASE_URL/.test(error.message)], ['variable_missing', true]);
    const set = await kapal.run('env', 'set', 'store', 'DATABASE_URL=postgres://db', '--project', 'store');
    assert.equal(set.code, 0, set.stderr);
    const [service] = (await kapal.deploy(folder)).services;
    assert.deepEqual([service?.service, service?.outcome], ['store', 'live']);
    assert.equal((await kapal.visit('store.localhost', '/env/DATABASE_URL')).body, 'postgres://db');
    assert.equal((await kapal.visit('store.localhost', '/env/LEVEL')).body, 'info');
    assert.match((await kapal.visit('store.localhost', '/env/SESSION_KEY')).body, /^[\w+/=-]{40,}$/);
  });
});
