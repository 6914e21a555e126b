import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { StatusDocument } from '../../src/api/contract/types.ts';
import { crashingApp, type Files, webApp } from './apps.ts';
import { groupOf, TestKapal, until } from './kapal.ts';
import { errorLog, nginxOf, reloadsOf } from './nginx.ts';
import { ask } from './survival.ts';
import { hang } from '../patience.ts';
import { OpenConnection, Visitors } from './visitors.ts';

/** Deploys while visitors are there: nobody notices. */
for (const engine of ['embedded', 'nginx'] as const)
  describe(`visitors during deploys ${engine}`, () => {
    let kapal: TestKapal;
    let serving: readonly number[];
    before(async () => {
      kapal = await TestKapal.prepare();
      kapal.edge = engine;
      await kapal.up();
      await kapal.deploy(await shop(webApp('v1')));
      await until('both workers serve', async () => (serving = await workers()).length === 2);
    });
    after(async () => {
      await kapal[Symbol.asyncDispose]();
    });

    // Beside nginx the relay of private streams has workers of its own.
    const workers = async () =>
      engine === 'nginx'
        ? (nginxOf(kapal)?.workers ?? [])
        : ((await ask(kapal, '/status')).body as StatusDocument).edge.workers
            .map(({ pid }) => pid)
            .toSorted((one, other) => one - other);
    const shop = (files: Files, fields: Readonly<Record<string, unknown>> = {}) => {
      const service = {
        type: 'web',
        name: 'shop',
        runtime: 'node',
        startCommand: 'node server.js',
        numInstances: 2,
        startTimeoutSeconds: 60,
        ...fields,
      };
      return kapal.project('shop', {
        ...files,
        'kapal.yaml': JSON.stringify({ project: 'shop', services: [service] }),
      });
    };
    const upgrade = [
      'GET /socket HTTP/1.1',
      'Host: shop.localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];

    test('no request fails over good deploys, a crash, a bad health check, a scale, a restart, a rollback, a variable and a domain', async (t) => {
      await using visitors = new Visitors({ port: kapal.http, host: 'shop.localhost' });
      await until('they are there', async () => visitors.count.requests > 50);
      await kapal.deploy(await shop(webApp('v2')));
      await kapal.deployFailing(await shop(crashingApp(1)));
      await kapal.deployFailing(
        await shop(
          {
            'server.js': "require('node:http').createServer((_, r) => r.writeHead(500).end()).listen(process.env.PORT)",
          },
          { healthCheckPath: '/', startTimeoutSeconds: 1 },
        ),
      );
      await kapal.deploy(await shop(webApp('v3')), '--json');
      await kapal.json(['scale', 'shop=4']);
      await kapal.json(['scale', 'shop=2']);
      await kapal.json(['restart', 'shop']);
      await kapal.json(['rollback', 'shop', '2']);
      await kapal.json(['env', 'set', 'shop', 'COLOUR=blue']);
      await kapal.json(['domain', 'add', 'shop', 'shop.example.com']);
      assert.equal((await kapal.visit('shop.example.com')).status, 200);
      await kapal.json(['domain', 'remove', 'shop', 'shop.example.com']);
      assert.equal((await kapal.visit('shop.example.com')).status, 404);
      const count = await visitors.stop();
      t.diagnostic(`${count.requests} requests, ${count.failed.length} failed`);
      assert.deepEqual(count.failed, []);
      assert.deepEqual([...count.answers.keys()].sort(), ['v1', 'v2', 'v3']);
      assert.equal((await kapal.visit('shop.localhost')).body, 'v2');
    });

    test('who is told that a deploy is live gets the new release with every request from then on', async () => {
      for (const version of ['a', 'b']) {
        await kapal.deploy(await shop(webApp(version)));
        const answers = await Promise.all(Array.from({ length: 20 }, () => kapal.visit('shop.localhost')));
        assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set([version]));
      }
    });

    test('a request under way is answered by the release that took it', async () => {
      const before = (await kapal.visit('shop.localhost')).body;
      const slow = kapal.visit('shop.localhost', '/slow?ms=2000');
      await kapal.deploy(await shop(webApp('quick')));
      assert.equal((await kapal.visit('shop.localhost')).body, 'quick');
      assert.deepEqual([(await slow).status, (await slow).body], [200, before]);
    });

    test('a WebSocket stays open until its client leaves, and the old instance with it', async () => {
      using socket = await OpenConnection.open(kapal.http, upgrade);
      await until('it is upgraded', async () => socket.text.startsWith('HTTP/1.1 101 '));
      socket.send('before the deploy;');
      await until('it echoes', async () => socket.text.endsWith('before the deploy;'));
      const old = (await kapal.service('shop')).instances.map(({ id }) => id);
      await kapal.deploy(await shop(webApp('while it is open')));
      assert.equal((await kapal.visit('shop.localhost')).body, 'while it is open');
      socket.send('after the deploy;');
      await until('it still echoes', async () => socket.text.endsWith('after the deploy;'));
      const draining = await kapal.serviceOnce('shop', ({ instances }) => instances.length === 3);
      const kept = draining.instances.find(({ state }) => state === 'draining');
      assert.ok(kept !== undefined && old.includes(kept.id), JSON.stringify(draining.instances));
      socket[Symbol.dispose]();
      await kapal.serviceOnce('shop', ({ instances }) => instances.length === 2);
      assert.deepEqual(await groupOf(kept.pid ?? 0), []);
    });

    test('a WebSocket that nobody closes is ended after maxShutdownDelaySeconds', async () => {
      await kapal.deploy(await shop(webApp('patient'), { maxShutdownDelaySeconds: 2 }));
      using socket = await OpenConnection.open(kapal.http, upgrade);
      await until('it is upgraded', async () => socket.text.startsWith('HTTP/1.1 101 '));
      await kapal.deploy(await shop(webApp('less patient'), { maxShutdownDelaySeconds: 2 }));
      const told = performance.now();
      socket.send('still here;');
      await until('it still echoes', async () => socket.text.endsWith('still here;'));
      await until('it is closed', async () => socket.isClosed);
      const took = performance.now() - told;
      assert.ok(took > 1_000 && took < hang, `closed after ${took} ms`);
      await kapal.serviceOnce('shop', ({ instances }) => instances.length === 2);
    });

    test('server-sent events arrive as they are sent, on a stream that outlives a deploy', async () => {
      using stream = await OpenConnection.open(kapal.http, [
        'GET /events HTTP/1.1',
        'Host: shop.localhost',
        'Accept: text/event-stream',
      ]);
      await until('the first event', async () => stream.text.includes('data: first'));
      assert.match(stream.text, /content-type: text\/event-stream/i);
      for (const word of ['one', 'two']) {
        await until(
          'said to the stream',
          async () => (await kapal.visit('shop.localhost', `/say?word=${word}`)).body === 'said to 1',
        );
        await until(`the event ${word}`, async () => stream.text.includes(`data: ${word}`));
      }
      await kapal.deploy(await shop(webApp('after the stream'), { maxShutdownDelaySeconds: 2 }));
      assert.equal(stream.isClosed, false);
      await until(
        'the old release ends the stream',
        async () => stream.isClosed || stream.text.endsWith('\r\n0\r\n\r\n'),
      );
    });

    test('all of it was served by the same processes, without a reload', async () => {
      assert.deepEqual(await workers(), serving);
      assert.deepEqual(reloadsOf(kapal), []);
      assert.doesNotMatch(errorLog(kapal), /\[(?:crit|alert|emerg)\]/);
    });
  });
