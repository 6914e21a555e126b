import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Edge, RouteTable } from '../../src/edge/port.ts';
import { proxyPool } from '../conformance/edge.ts';
import { type Backend, get, startBackend, tableTo } from './edge-fixture.ts';
import { hang, until } from '../patience.ts';
import { NginxGround } from './nginx-ground.ts';

/** Answers what it was asked: method, target, Host, prefix and length of the body. */
function echo(): Promise<Backend> {
  return startBackend((asked, response) => {
    let length = 0;
    asked.on('data', (part: Buffer) => (length += part.length));
    asked.on('end', () => {
      const { host, 'x-forwarded-prefix': prefix } = asked.headers;
      response.end(JSON.stringify({ method: asked.method, target: asked.url, host, prefix, length }));
    });
  });
}

/** As src/edge/nginx/config/access-log.ts says. */
interface LogLine {
  readonly ended: number;
  readonly requestId: string;
  readonly durationMs: number;
  readonly status: number;
  readonly to: string;
  readonly userAgent: string;
}

interface Asking {
  readonly method: string;
  readonly body: Buffer;
  readonly chunked?: boolean;
}

/** A request with a body to `a.localhost`; the status. */
function send(port: number, { method, body, chunked = false }: Asking): Promise<number> {
  return new Promise((resolve, reject) => {
    const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length };
    const asked = request({
      host: '127.0.0.1',
      port,
      method,
      agent: false,
      headers: { host: 'a.localhost', ...framing },
    });
    asked.once('error', reject);
    asked.once('response', (response: IncomingMessage) => {
      asked.removeAllListeners('error');
      asked.on('error', () => undefined);
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.end(body);
  });
}

async function serving(ground: NginxGround, table: RouteTable): Promise<Edge> {
  const edge = ground.edge();
  await edge.ensure();
  await edge.apply(table);
  return edge;
}

describe('requests through nginx', () => {
  test('the target goes on as it was sent, without the path of a route that takes its path off', async () => {
    await using ground = await NginxGround.make();
    await using backend = await echo();
    await serving(
      ground,
      tableTo(1, [backend.port], {
        routes: [
          { host: 'a.localhost', path: '/', pool: 'p' },
          { host: 'a.localhost', path: '/api', pool: 'p', stripPath: true },
        ],
      }),
    );
    const cases = [
      ['/x%2Fy//z?q=%20a', '/x%2Fy//z?q=%20a', undefined],
      ['/api', '/', '/api'],
      ['/api?q=1', '/?q=1', '/api'],
      ['/api/x%2Fy?q=1', '/x%2Fy?q=1', '/api'],
      ['/apis/x', '/apis/x', undefined],
      ['/%61pi/x%20y', '/x%20y', '/api'],
    ] as const;
    for (const [asked, target, prefix] of cases) {
      const seen = JSON.parse((await get(ground.port, asked)).body) as { target: string; prefix?: string };
      assert.deepEqual([seen.target, seen.prefix], [target, prefix], asked);
    }
    assert.equal((await get(ground.port, '/%')).status, 400);
  });

  test('an exact host comes before a wildcard, which has the paths that the exact one has not', async () => {
    await using ground = await NginxGround.make();
    await using one = await startBackend((_, response) => response.end('one'));
    await using other = await startBackend((_, response) => response.end('other'));
    const edge = await serving(ground, {
      version: 1,
      routes: [
        { host: 'a.localhost', path: '/only', pool: 'p' },
        { host: '*.localhost', path: '/', pool: 'q' },
      ],
      pools: [proxyPool('p', [one.port]), proxyPool('q', [other.port])],
      streams: [],
    });
    const body = async (path: string, host: string): Promise<string> =>
      (await get(ground.port, path, { headers: { host } })).body;
    assert.equal(await body('/only/x', 'A.localhost.:80'), 'one');
    assert.equal(await body('/else', 'a.localhost'), 'other');
    assert.equal(await body('/only', 'b.localhost'), 'other');
    assert.equal((await get(ground.port, '/', { headers: { host: 'a.b.localhost' } })).status, 404);
    await edge.apply({
      version: 2,
      routes: [{ host: '*.localhost', path: '/', pool: 'p' }],
      pools: [proxyPool('p', [one.port])],
      streams: [],
    });
    assert.equal(await body('/else', 'b.localhost'), 'one');
  });

  test('the size of a body is looked at exactly where it is told, and up to the next prepared size where it is not', async () => {
    await using ground = await NginxGround.make();
    await using backend = await echo();
    const limitedTo = (version: number, maxBodySize: number): RouteTable =>
      tableTo(version, [], { pools: [{ ...proxyPool('p', [backend.port]), maxBodySize }] });
    const limit = 5 << 20;
    const edge = await serving(ground, limitedTo(1, limit));
    for (const method of ['POST', 'PUT', 'GET']) {
      assert.equal(await send(ground.port, { method, body: Buffer.alloc(limit) }), 200, method);
      assert.equal(await send(ground.port, { method, body: Buffer.alloc(limit + 1) }), 413, method);
    }
    const untold = (length: number): Promise<number> =>
      send(ground.port, { method: 'POST', body: Buffer.alloc(length), chunked: true });
    // What is allowed, what nginx allows beyond it, and what it refuses.
    for (const [i, [allowed, most]] of [
      [limit, limit],
      [7 << 20, 8 << 20],
      [1000, 1024],
      [65_536, 65_536],
    ].entries()) {
      await edge.apply(limitedTo(2 + i, allowed ?? 0));
      assert.deepEqual(
        [await untold(allowed ?? 0), await untold(most ?? 0), await untold((most ?? 0) + 1)],
        [200, 200, 413],
        `${allowed}`,
      );
    }
    await edge.apply(limitedTo(9, 2 ** 40));
    assert.equal(await untold(limit), 200);
  });

  test('an endpoint that wants its own address as Host is told it, at a repeat the next one', async () => {
    await using ground = await NginxGround.make();
    await using failing = await startBackend((asked) => void asked.socket.destroy());
    await using backend = await echo();
    const pool = { ...proxyPool('p', [failing.port, backend.port]), rewriteHost: true };
    await serving(ground, tableTo(1, [], { pools: [pool] }));
    for (let i = 0; i < 6; i += 1) {
      const seen = JSON.parse((await get(ground.port)).body) as { host: string };
      assert.equal(seen.host, `127.0.0.1:${backend.port}`);
    }
  });

  test('the access log says in one line of JSON who asked, who answered, and how it went', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((asked, response) =>
      asked.resume().on('end', () => response.end('hello')),
    );
    await serving(ground, tableTo(1, [backend.port]));
    const before = Date.now();
    assert.equal(await send(ground.port, { method: 'POST', body: Buffer.from('abc') }), 200);
    await get(ground.port, '/nowhere?q="', { headers: { host: 'b.localhost', 'user-agent': 'a "quoted" one' } });
    const path = join(ground.folder, 'log', 'access.log');
    const lines = (): string[] =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    await until('two lines', () => lines().length === 2);
    // Each worker writes its own lines, when it comes to it.
    const logged = lines().map((line) => JSON.parse(line) as LogLine);
    const [served, unknown] = logged.toSorted((a, b) => a.status - b.status);
    assert.ok(served !== undefined && unknown !== undefined);
    const { ended, requestId, durationMs, ...rest } = served;
    assert.ok(Math.abs(ended * 1_000 - before) < hang, String(ended));
    assert.ok(requestId.length >= 8 && durationMs >= 0 && durationMs < hang);
    assert.deepEqual(rest, {
      to: `${proxyPool('p', []).service} p ${proxyPool('p', [backend.port]).endpoints[0]?.id}`,
      remote: '127.0.0.1',
      host: 'a.localhost',
      request: 'POST / HTTP/1.1',
      status: 200,
      bytesIn: 3,
      bytesOut: 5,
      userAgent: '',
      referer: '',
      completion: 'OK',
    });
    assert.deepEqual([unknown.status, unknown.to, unknown.userAgent], [404, '', 'a "quoted" one']);
  });
});
