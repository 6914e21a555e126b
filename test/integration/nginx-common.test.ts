import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, get as getSecurely } from 'node:https';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Edge, RouteTable } from '../../src/edge/port.ts';
import { askStatus } from '../../src/edge/nginx/status.ts';
import { edgeFolder } from '../../src/edge/nginx/folder.ts';
import { proxyPool } from '../conformance/edge.ts';
import { until } from '../patience.ts';
import { type Backend, get, type Reply, startBackend, tableTo } from './edge-fixture.ts';
import { makeCertificate } from './nginx-certificates.ts';
import { NginxGround } from './nginx-ground.ts';

async function serving(ground: NginxGround, table: RouteTable): Promise<Edge> {
  const edge = ground.edge({ workers: 1 });
  await edge.ensure();
  await edge.apply(table);
  return edge;
}

/** Requests that took the short way. */
async function common(ground: NginxGround): Promise<number> {
  const status = await askStatus(edgeFolder(ground.folder));
  assert.ok(status);
  return status.workers.reduce((sum, { common: count }) => sum + count, 0);
}

/** Asks until requests take the short way: the worker has learnt nginx's layout, and its endpoints have proved themselves. */
async function warmUp(ground: NginxGround): Promise<void> {
  await until('common requests', async () => {
    for (let count = 0; count < 8; count += 1) assert.equal((await get(ground.port)).status, 200);
    return (await common(ground)) > 0;
  });
}

/** How many of some requests took the short way. Asks again where none did: of each endpoint one in a second is looked at closely anyway. */
async function shortOf(ground: NginxGround, ask: () => Promise<unknown>): Promise<number> {
  const before = await common(ground);
  for (let turn = 0; turn < 3; turn += 1) {
    await ask();
    const count = (await common(ground)) - before;
    if (count > 0) return count;
  }
  return 0;
}

/** A request whose client can leave. */
function leave(port: number, path: string): { destroy(): void } {
  const asked = request({ host: '127.0.0.1', port, path, headers: { host: 'a.localhost' }, agent: false });
  asked.on('error', () => undefined).end();
  return { destroy: () => void asked.destroy() };
}

/** An endpoint that says which fields came. */
function mirror(): Promise<Backend> {
  return startBackend((asked, response) => {
    asked.resume().on('end', () => response.end(JSON.stringify([asked.method, asked.url, asked.rawHeaders])));
  });
}

/** An endpoint that answers in HTTP (`no`) while it is sound, and does as told when it is not. */
async function startFickle(
  unsound: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number; isSound: boolean }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      if (fickle.isSound) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno');
      else unsound(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fickle = {
    port: (server.address() as AddressInfo).port,
    isSound: true,
    [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))),
  };
  return fickle;
}

/** What comes for these bytes, to the end. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => undefined).on('data', (part: Buffer) => (answer += part.toString('latin1')));
  socket.end(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

function fieldsOf({ body }: Reply): readonly string[] {
  const [, , raw] = JSON.parse(body) as [string, string, string[]];
  return raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
}

describe('common requests', () => {
  test('take the short way, and say the same as others who asks and for what', async () => {
    await using ground = await NginxGround.make();
    await using backend = await mirror();
    await serving(ground, tableTo(1, [backend.port]));
    const first = await get(ground.port, '/a?b=1', { headers: { 'x-request-id': 'the-same-for-both' } });
    await warmUp(ground);
    const again = await get(ground.port, '/a?b=1', { headers: { 'x-request-id': 'the-same-for-both' } });
    assert.deepEqual(JSON.parse(again.body), JSON.parse(first.body));
    const without = ({ headers }: Reply): object => ({ ...headers, date: '' });
    assert.deepEqual(without(again), without(first));
    assert.equal(await shortOf(ground, () => get(ground.port, '/a?b=1')), 1);
    assert.equal(await shortOf(ground, () => get(ground.port, '/%2e%2e/')), 0);
    for (const [host, port, short] of [
      ['a.localhost', '80', 1],
      [`a.localhost:${ground.port}`, String(ground.port), 1],
      ['a.localhost:81', '81', 0],
      [`a.localhost:${ground.httpsPort}`, String(ground.httpsPort), 0],
      ['A.localhost', '80', 0],
    ] as const) {
      let seen = '';
      const count = await shortOf(
        ground,
        async () => (seen = (await get(ground.port, '/', { headers: { host } })).body),
      );
      const [, , raw] = JSON.parse(seen) as [string, string, string[]];
      const at = raw.findIndex((name) => name.toLowerCase() === 'x-forwarded-port');
      assert.deepEqual([raw[at + 1], count], [port, short], host);
    }
  });

  // A small head is looked at by one expression, a larger one field by field.
  for (const { size, length } of [
    { size: 'small', length: 1 },
    { size: 'large', length: 200 },
    // More than one of nginx's buffers.
    { size: 'huge', length: 3_000 },
  ])
    test(`fields that need a closer look are found in a ${size} head, and handled as ever`, async () => {
      await using ground = await NginxGround.make();
      await using backend = await mirror();
      await serving(ground, tableTo(1, [backend.port]));
      await warmUp(ground);
      const asked = async (headers: Record<string, string | string[]>): Promise<[number, Reply]> => {
        let reply: Reply | undefined;
        const more = { accept: 'x'.repeat(length), ...headers } as Record<string, string>;
        const short = await shortOf(ground, async () => (reply = await get(ground.port, '/', { headers: more })));
        assert.ok(reply);
        return [short, reply];
      };
      for (const [name, value] of [
        ['Proxy', '127.0.0.1:1'],
        ['proxy-connection', 'keep-alive'],
        ['X-Forwarded-User', 'root'],
        ['Connection', 'close, x-secret'],
      ] as const) {
        const [short, reply] = await asked({ [name]: value, 'x-secret': '1' });
        assert.equal(short, 0, name);
        const named = name === 'Connection' ? 'x-secret' : name.toLowerCase();
        assert.ok(!fieldsOf(reply).includes(named), `${name} is taken off`);
      }
      const [plain] = await asked({ 'x-forwarded-for': '10.0.0.1', 'x-secret': 'proxy' });
      assert.equal(plain, length === 1 ? 1 : 0, 'of X-Forwarded-For the expression knows that nginx replaces it');
      const [usual] = await asked({ 'x-secret': 'proxy', connection: 'Keep-Alive' });
      assert.equal(usual, 1);
      for (const expected of [{ 'content-length': '0' }, { expect: '100-continue' }]) {
        const [closely] = await asked(expected);
        assert.equal(closely, 0, JSON.stringify(expected));
      }
      for (const line of ['X-Note: a\u0001b', 'host: b.localhost', 'X-Note: a\u007fb']) {
        const text = `GET / HTTP/1.1\r\nHost: a.localhost\r\nAccept: ${'x'.repeat(length)}\r\n${line}\r\n\r\n`;
        let answer = '';
        const short = await shortOf(ground, async () => (answer = await exchange(ground.port, text)));
        assert.equal(short, 0, line);
        assert.match(answer, /^HTTP\/1\.1 400 /, line);
      }
    });

  test('a policy, a limit or another pool is seen at the next request', async () => {
    await using ground = await NginxGround.make();
    await using one = await mirror();
    await using other = await startBackend((_, response) => response.end('other'));
    const edge = await serving(ground, tableTo(1, [one.port]));
    await warmUp(ground);
    await edge.apply(tableTo(2, [other.port]));
    assert.equal((await get(ground.port)).body, 'other');
    const policy = { id: 'shut', allow: ['192.0.2.0/24'] };
    const routes = [{ host: 'a.localhost', path: '/', pool: 'p', policy: 'shut' }];
    await edge.apply({ ...tableTo(3, [other.port]), routes, policies: [policy] } as unknown as RouteTable);
    assert.equal((await get(ground.port)).status, 403);
  });

  test('a silent stream neither stalls its endpoint nor is forgotten', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((asked, response) => {
      if (asked.url === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
      } else response.end('quick');
    });
    const edge = await serving(ground, tableTo(1, [backend.port]));
    await warmUp(ground);
    using agent = Object.assign(new Agent(), { [Symbol.dispose]: () => agent.destroy() });
    const endpoint = proxyPool('p', [backend.port]).endpoints[0]?.id ?? '';
    const short = await shortOf(ground, async () => {
      agent.destroy();
      await until('no stream', async () => ((await edge.inFlight()).get(endpoint) ?? 0) === 0);
      const asked = request({
        host: '127.0.0.1',
        port: ground.port,
        path: '/events',
        agent,
        headers: { host: 'a.localhost' },
      });
      asked.end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.on('error', () => undefined).resume();
    });
    assert.equal(short, 1);
    const began = performance.now();
    await until('a second of silence', async () => {
      const counts = await edge.inFlight();
      assert.equal(counts.get(endpoint), 1);
      assert.deepEqual(await edge.stalled(), []);
      return performance.now() - began > 1_000;
    });
    agent.destroy();
    await until('the stream is over', async () => ((await edge.inFlight()).get(endpoint) ?? 0) === 0);
  });

  test('one of two endpoints that ends is passed over without a failure', async () => {
    await using ground = await NginxGround.make();
    await using one = await mirror();
    const other = await mirror();
    await serving(ground, tableTo(1, [one.port, other.port]));
    await warmUp(ground);
    await other[Symbol.asyncDispose]();
    for (let count = 0; count < 20; count += 1) assert.equal((await get(ground.port)).status, 200);
  });

  test('an endpoint that stops speaking HTTP is looked at again', async () => {
    await using ground = await NginxGround.make();
    await using fickle = await startFickle((socket) => socket.end('no HTTP at all\n'));
    await serving(ground, tableTo(1, [fickle.port]));
    await warmUp(ground);
    fickle.isSound = false;
    // nginx itself takes such an answer for one of HTTP/0.9, until one is looked at: that is one in a second.
    await until(
      'a page instead of what is no HTTP',
      async () => (await get(ground.port).catch(() => null))?.status === 502,
    );
    for (let count = 0; count < 20; count += 1) assert.equal((await get(ground.port)).status, 502);
  });

  test('what is under way is known while it lasts, and not after, also where clients leave', async () => {
    await using ground = await NginxGround.make();
    const held: (() => void)[] = [];
    await using backend = await startBackend((asked, response) => {
      if (asked.url === '/hold') held.push(() => void response.end('held'));
      else response.end('quick');
    });
    const edge = await serving(ground, tableTo(1, [backend.port]));
    await warmUp(ground);
    const endpoint = proxyPool('p', [backend.port]).endpoints[0]?.id ?? '';
    const underWay = async (): Promise<number> => (await edge.inFlight()).get(endpoint) ?? 0;
    // More than one look's worth, on connections of their own, with others that come and go between.
    const staying = Array.from({ length: 40 }, () => get(ground.port, '/hold'));
    const leaving = Array.from({ length: 40 }, () => leave(ground.port, '/hold'));
    await until('eighty that wait', async () => (await underWay()) === 80 && held.length === 80);
    const short = await shortOf(ground, async () => {
      await Promise.all(Array.from({ length: 60 }, () => get(ground.port)));
    });
    assert.ok(short > 0);
    assert.equal(await underWay(), 80);
    for (const client of leaving) client.destroy();
    await until('forty that wait', async () => (await underWay()) === 40);
    for (const release of held) release();
    for (const { status, body } of await Promise.all(staying)) assert.deepEqual([status, body], [200, 'held']);
    await until('none', async () => (await underWay()) === 0);
  });

  test('what fails at its endpoint goes to another one, and is written down as two attempts', async () => {
    await using ground = await NginxGround.make();
    await using fickle = await startFickle((socket) => socket.destroy());
    await using sound = await startBackend((_asked, response) => response.end('ok'));
    const edge = await serving(ground, tableTo(1, [fickle.port, sound.port]));
    await warmUp(ground);
    await until('both in turn', async () => (await shortOf(ground, () => get(ground.port))) === 1);
    fickle.isSound = false;
    for (let count = 0; count < 30; count += 1) {
      const { status, body } = await get(ground.port);
      assert.deepEqual([status, body], [200, 'ok']);
    }
    const [counters] = await edge.counters();
    assert.ok((counters?.retries ?? 0) > 0);
    assert.ok((counters?.ejections ?? 0) > 0);
    assert.equal((await edge.inFlight()).size, 0);
    fickle.isSound = true;
    // Each of the tables that requests use again.
    for (let turn = 0; turn < 5; turn += 1) {
      const bodies = new Set<string>();
      await until('it is used again', async () => bodies.add((await get(ground.port)).body).size === 2);
    }
    await until('the line of a repeat', () =>
      readFileSync(join(ground.folder, 'log/access.log'), 'utf8').includes(' 2","requestId"'),
    );
  });

  test('HSTS is said once, by the edge or by the application', async () => {
    await using ground = await NginxGround.make();
    await using silent = await mirror();
    await using own = await startBackend((_, response) =>
      response.writeHead(200, { 'strict-transport-security': 'max-age=7' }).end(),
    );
    const hosts = { 'a.example.com': silent.port, 'b.example.com': own.port };
    const pools = Object.entries(hosts).map(([host, port]) => proxyPool(host, [port]));
    const routes = Object.keys(hosts).map((host) => ({
      host,
      path: '/',
      pool: host,
      redirectToHttps: true as const,
      hsts: 60,
    }));
    const edge = await serving(ground, { version: 1, routes, pools, streams: [] });
    await edge.present([await makeCertificate(Object.keys(hosts))]);
    const agent = new SecureAgent({ keepAlive: true, rejectUnauthorized: false });
    const fields = async (host: string): Promise<readonly string[]> => {
      const asked = getSecurely({
        host: '127.0.0.1',
        port: ground.httpsPort,
        servername: host,
        headers: { host },
        agent,
      });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      return response.headersDistinct['strict-transport-security'] ?? [];
    };
    for (const [host, said] of [
      ['a.example.com', 'max-age=60'],
      ['b.example.com', 'max-age=7'],
    ] as const) {
      const asked = async (): Promise<void> => assert.deepEqual(await fields(host), [said]);
      await until('a common request', async () => (await shortOf(ground, asked)) > 0);
    }
    agent.destroy();
    assert.equal((await get(ground.port, '/', { headers: { host: 'a.example.com' } })).status, 301);
  });
});
