import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorLog, nginxNow, reloadsOf, startWithNginx } from './nginx.ts';
import { shop } from './survival.ts';
import { Visitors } from './visitors.ts';

describe('a day of changes behind nginx', () => {
  test('deploys, scales, a rollback, a restart, variables and domains: no visitor notices, no process of nginx changes', async () => {
    await using kapal = await startWithNginx();
    const files = shop('shop', ['numInstances: 2']);
    await kapal.deploy(await kapal.project('shop', files));
    const before = nginxNow(kapal);
    assert.equal(before.workers.length, 2);
    const visitors = new Visitors({ port: kapal.http, host: 'shop.localhost' });

    const changed = { ...files, 'server.js': `${files['server.js']}// second\n` };
    const { services } = await kapal.deploy(await kapal.project('shop', changed));
    assert.deepEqual([services[0]?.outcome, services[0]?.release], ['live', 2]);
    await kapal.json(['scale', 'shop=4']);
    await kapal.json(['scale', 'shop=1']);
    await kapal.json(['rollback', 'shop']);
    await kapal.json(['restart', 'shop']);
    await kapal.json(['env', 'set', 'shop', 'MODE=quick']);
    await kapal.json(['domain', 'add', 'shop', 'shop.example.com']);
    assert.equal((await kapal.visit('shop.example.com')).status, 200);
    await kapal.json(['domain', 'remove', 'shop', 'shop.example.com']);
    assert.equal((await kapal.visit('shop.example.com')).status, 404);

    const { requests, failed } = await visitors.stop();
    assert.deepEqual(failed, []);
    assert.ok(requests > 100, `${requests} requests`);
    assert.deepEqual(nginxNow(kapal), before, 'the same processes');
    assert.deepEqual(reloadsOf(kapal), []);
    assert.doesNotMatch(errorLog(kapal), /\[(?:error|crit|alert|emerg)\]/);
  });
});
