import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { createCombinedEdge } from '../../src/edge/combined/driver.ts';
import type { Edge, RouteTable } from '../../src/edge/port.ts';
import { proxyPool } from '../conformance/edge.ts';
import { EdgeGround, get, processesNaming, startBackend, tableTo } from './edge-fixture.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';
import { NginxGround } from './nginx-ground.ts';

interface Combined extends AsyncDisposable {
  readonly edge: Edge;
  readonly http: NginxGround;
  readonly streams: EdgeGround;
  again(): Edge;
}

async function combined(): Promise<Combined> {
  const http = await NginxGround.make();
  const streams = await EdgeGround.make();
  const again = (): Edge =>
    createCombinedEdge({ http: http.edge(), streams: streams.edge({ http: null, https: null, workers: 1 }) });
  return {
    edge: again(),
    http,
    streams,
    again,
    [Symbol.asyncDispose]: async () => {
      await http[Symbol.asyncDispose]();
      await streams[Symbol.asyncDispose]();
    },
  };
}

/** The public table, with a private port to a pool of its own. */
function withStream(table: RouteTable, port: number, to: number): RouteTable {
  return { ...table, pools: [...table.pools, proxyPool('s', [to])], streams: [{ port, pool: 's' }] };
}

/** What a listener says to who connects, then the connection ends. */
async function greeting(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  await once(socket, 'close');
  return text;
}

async function greeter(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((socket) => socket.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('nginx for the public, another engine for private streams', () => {
  test('the second engine starts with the first stream and ends after the last', async () => {
    await using under = await combined();
    await using backend = await startBackend((_, response) => response.end('ok'));
    await using private_ = await greeter();
    const { edge, http, streams } = under;
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    assert.deepEqual(processesNaming(streams.folder), []);
    assert.equal((await get(http.port)).body, 'ok');

    const port = await freePort();
    await edge.apply(withStream(tableTo(2, [backend.port]), port, private_.port));
    assert.equal(await greeting(port), 'hello');
    assert.equal((await get(http.port)).body, 'ok');
    assert.deepEqual(new Set((await edge.status()).workers.map(({ version }) => version)), new Set([2]));
    assert.match(await edge.describe(), new RegExp(`127\\.0\\.0\\.1:${port} -> s`));
    assert.deepEqual((await edge.counters()).map(({ pool }) => pool).toSorted(), ['p', 's']);

    await edge.apply(tableTo(3, [backend.port]));
    await assert.rejects(greeting(port), { code: 'ECONNREFUSED' });
    await edge.ensure();
    await until('the second engine to end', () => processesNaming(streams.folder).length === 0);
    assert.equal((await get(http.port)).body, 'ok');
  });

  test('a restarted daemon keeps the streams that run, and a killed second engine comes back', async () => {
    await using under = await combined();
    await using private_ = await greeter();
    const { edge, streams } = under;
    const port = await freePort();
    const table = withStream(tableTo(1, []), port, private_.port);
    await edge.ensure();
    await edge.apply(table);
    const next = under.again();
    await next.ensure();
    assert.equal(await greeting(port), 'hello');
    await next.apply({ ...table, version: 2 });
    for (const pid of processesNaming(streams.folder)) process.kill(pid, 'SIGKILL');
    await until('the second engine to be gone', () => processesNaming(streams.folder).length === 0);
    await next.ensure();
    assert.equal(await greeting(port), 'hello');
  });

  test('check finds what is wrong in either part', async () => {
    await using under = await combined();
    const { edge } = under;
    await edge.ensure();
    assert.deepEqual(await edge.check(withStream(tableTo(1, []), 20_001, 9)), []);
    const problems = await edge.check({ ...tableTo(1, []), streams: [{ port: 9, pool: 'gone' }] });
    assert.ok(problems.some((problem) => problem.includes('gone')));
  });
});
