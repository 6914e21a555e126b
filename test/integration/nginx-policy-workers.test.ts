import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Policy } from '../../src/edge/policy.ts';
import type { Edge } from '../../src/edge/port.ts';
import { proxyPool } from '../conformance/edge.ts';
import { get, startBackend, workersOf } from './edge-fixture.ts';
import { until } from '../patience.ts';
import { complaintsOf, NginxGround } from './nginx-ground.ts';

describe('policies over the workers of nginx', () => {
  test('a bucket is one for all workers, to the request', async () => {
    await using backend = await startBackend((_, response) => response.end('ok'));
    await using ground = await NginxGround.make();
    const policy = { id: 'p', rateLimits: [{ requestsPerSecond: 0.001, burst: 30, key: { kind: 'ip' } }] } as const;
    await serve(ground.edge(), backend.port, [policy]);
    const answers = await Promise.all(
      Array.from({ length: 120 }, () => get(ground.port, '/', { headers: { host: 'p.test' } })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 30);
    assert.equal(answers.filter(({ status }) => status === 429).length, 90);
  });

  test('workers that are killed leave no place taken', async () => {
    const held: ServerResponse[] = [];
    await using backend = await startBackend((_, response) => held.push(response));
    await using ground = await NginxGround.make();
    const edge = ground.edge();
    await serve(edge, backend.port, [{ id: 'p', connectionLimit: { connections: 3, key: { kind: 'ip' } } }]);
    using first = new Holders(ground.port, 3);
    await until('all places taken', () => held.length === 3);
    const asked = (): Promise<number> =>
      get(ground.port, '/', { headers: { host: 'p.test' } }).then(({ status }) => status);
    assert.equal(await asked(), 429);

    const before = await workersOf(edge);
    for (const { pid } of before) process.kill(pid, 'SIGKILL');
    await until(
      'other workers',
      async () =>
        (await workersOf(edge)).filter(({ pid }) => before.every((old) => old.pid !== pid)).length === before.length,
    );
    await until('the end of what they held', () => first.closed === 3);
    using second = new Holders(ground.port, 3);
    await until('places for three more', () => held.length === 6);
    assert.equal(second.closed, 0);
    assert.equal(await asked(), 429);
  });

  test('a password that is dear to check holds up nobody else', async () => {
    await using backend = await startBackend((_, response) => response.end('ok'));
    await using ground = await NginxGround.make();
    const iterations = 3_000_000;
    const salt = 'a1b2c3d4e5f60718';
    const digest = pbkdf2Sync('secret', Buffer.from(salt, 'hex'), iterations, 32, 'sha256').toString('hex');
    const policy: Policy = { id: 'p', basicAuth: { realm: 'r', users: [{ name: 'ann', salt, iterations, digest }] } };
    await serve(ground.edge({ workers: 1 }), backend.port, [policy]);
    const order: string[] = [];
    const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    const checked = get(ground.port, '/', { headers: { host: 'p.test', authorization } }).then(({ status }) => {
      order.push('checked');
      return status;
    });
    for (let turn = 0; turn < 10; turn += 1) {
      assert.equal((await get(ground.port, '/', { headers: { host: 'open.test' } })).status, 200);
      order.push('open');
    }
    assert.equal(await checked, 200);
    assert.deepEqual(order, [...Array.from({ length: 10 }, () => 'open'), 'checked']);
    assert.deepEqual(complaintsOf(ground.folder), []);
  });

  test('thousands of clients under a limit fill no memory for good, and the edge serves on', async () => {
    await using backend = await startBackend((_, response) => response.end('ok'));
    await using ground = await NginxGround.make();
    const policy = {
      id: 'p',
      rateLimits: [{ requestsPerSecond: 1, burst: 1, key: { kind: 'header', name: 'x-key' } }],
    } as const;
    await serve(ground.edge(), backend.port, [policy]);
    let left = 3000;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const key = `${left}-${'k'.repeat(2000)}`;
        assert.equal((await get(ground.port, '/', { headers: { host: 'p.test', 'x-key': key } })).status, 200);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    assert.deepEqual(complaintsOf(ground.folder), []);
  });
});

/** `ID.test` for each policy, and `open.test` without one. */
async function serve(edge: Edge, port: number, policies: readonly Policy[]): Promise<void> {
  await edge.ensure();
  await edge.apply({
    version: 1,
    routes: [
      { host: 'open.test', path: '/', pool: 'b' },
      ...policies.map(({ id }) => ({ host: `${id}.test`, path: '/', pool: 'b', policy: id })),
    ],
    policies,
    pools: [{ ...proxyPool('b', [port]), responseTimeout: 60_000 }],
    streams: [],
  });
}

/** Requests that wait for an answer. POST: what was sent is not sent again elsewhere. */
class Holders implements Disposable {
  readonly #sockets: Socket[];
  closed = 0;

  constructor(port: number, count: number) {
    this.#sockets = Array.from({ length: count }, () => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => undefined);
      socket.on('close', () => (this.closed += 1));
      socket.resume();
      socket.write('POST /hold HTTP/1.1\r\nHost: p.test\r\nContent-Length: 0\r\n\r\n');
      return socket;
    });
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
