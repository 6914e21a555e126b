import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Policy } from '../../src/edge/policy.ts';
import { until } from '../patience.ts';
import { basic, forwardedFor, here, user } from './edge-policies-case.ts';
import { type Answer, ask, headerOf, open, requestText } from './edge-policies-client.ts';
import { PolicyGround } from './edge-policies-ground.ts';
import type { EngineKind } from './engines.ts';

/** Limits hold over all workers, which may know of each other a quarter of a second late: what is asserted leaves them that. */
const workers = 2;

/** Rates and connections over one engine. */
export function limitConformance(kind: EngineKind): void {
  describe(`limits: ${kind.name}`, () => {
    let ground: PolicyGround;
    before(async () => {
      ground = await PolicyGround.start(kind);
      await ground.apply({
        routes: Object.keys(policies).map((name) => ({ host: `${name}.test`, path: '/', pool: 'app', policy: name })),
        policies: Object.entries(policies).map(([id, policy]) => ({ id, ...policy })),
      });
    });
    after(() => ground[Symbol.asyncDispose]());
    rates(() => ground);
    connections(() => ground);
  });
}

const policies = {
  burst: { rateLimits: [{ requestsPerSecond: 0.01, burst: 20, key: { kind: 'ip' } }] },
  steady: { rateLimits: [{ requestsPerSecond: 20, burst: 2, key: { kind: 'ip' } }] },
  soon: { rateLimits: [{ requestsPerSecond: 0.5, burst: 1, key: { kind: 'ip' } }] },
  header: { rateLimits: [{ requestsPerSecond: 0.01, burst: 3, key: { kind: 'header', name: 'x-key' } }] },
  network: { trustedProxies: [here], rateLimits: [{ requestsPerSecond: 0.01, burst: 2, key: { kind: 'ip' } }] },
  several: {
    rateLimits: [
      { requestsPerSecond: 0.01, burst: 100, key: { kind: 'ip' } },
      { requestsPerSecond: 0.01, burst: 2, key: { kind: 'header', name: 'x-key' } },
    ],
  },
  guarded: {
    rateLimits: [{ requestsPerSecond: 0.01, burst: 2, key: { kind: 'ip' } }],
    basicAuth: { realm: 'staff', users: [user('ann', 'secret')] },
  },
  open: {
    connectionLimit: { connections: 3, key: { kind: 'ip' } },
    responseHeaders: [{ name: 'x-under', value: 'yes' }],
  },
  each: { connectionLimit: { connections: 1, key: { kind: 'header', name: 'x-key' } } },
  sockets: { connectionLimit: { connections: 1, key: { kind: 'ip' } } },
} satisfies Record<string, Omit<Policy, 'id'>>;

function rates(ground: () => PolicyGround): void {
  test('a burst over many connections: as many as the bucket holds, then 429 with Retry-After', async () => {
    const answers = await Promise.all(Array.from({ length: 120 }, () => get(ground(), 'burst')));
    const passed = answers.filter(({ status }) => status === 200).length;
    assert.ok(passed >= 20 && passed <= 20 * workers, `${passed} of a burst of 20 came through`);
    const others = answers.filter(({ status }) => status !== 200);
    assert.deepEqual(new Set(others.map(({ status }) => status)), new Set([429]));
    for (const refused of others) assert.match(headerOf(refused, 'retry-after') ?? '', /^[1-9]\d*$/);
    assert.equal(ground().asked('burst.test'), passed);
  });

  test('what comes steadily is let through at the rate, by all workers together', async () => {
    const begun = performance.now();
    const count = { passed: 0, refused: 0 };
    const lane = async (): Promise<void> => {
      while (performance.now() - begun < 3000) {
        const { status } = await get(ground(), 'steady');
        if (status === 200) count.passed += 1;
        else count.refused += 1;
        await pause(5);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    const seconds = (performance.now() - begun) / 1000;
    // Each worker's burst, and what the others let through before they heard of it.
    const most = 20 * seconds + workers * 2 + workers * 20 * 0.35;
    assert.ok(count.passed <= most, `${count.passed} in ${seconds} s, at most ${most}`);
    assert.ok(count.passed >= 20, `${count.passed} came through`);
    assert.ok(count.refused > 0);
  });

  test('after Retry-After it is let through', async () => {
    const refused = await untilStatus(ground(), { name: 'soon', status: 429 });
    const seconds = Number(headerOf(refused, 'retry-after'));
    // Two seconds for one request, and as much again for what another worker let through.
    assert.ok(seconds >= 1 && seconds <= 2 * workers, `Retry-After: ${seconds}`);
    await untilStatus(ground(), { name: 'soon', status: 200 });
  });

  test('by a header, and by the address where it is not sent', async () => {
    await untilStatus(ground(), { name: 'header', status: 429, headers: [['X-Key', 'a']] });
    for (let turn = 0; turn < 3; turn += 1)
      assert.equal((await get(ground(), 'header', [['X-Key', 'b']])).status, 200, `request ${turn + 1} of another`);
    assert.equal((await get(ground(), 'header')).status, 200);
    await untilStatus(ground(), { name: 'header', status: 429 });
    await untilStatus(ground(), { name: 'header', status: 429, headers: [['X-Key', 'long '.repeat(100)]] });
    assert.equal((await get(ground(), 'header', [['X-Key', `${'long '.repeat(100)}x`]])).status, 200);
  });

  test('a client of IPv6 is its /64, one of IPv4 its address', async () => {
    await untilStatus(ground(), { name: 'network', status: 429, headers: [forwardedFor('2001:db8:0:1::1')] });
    await untilStatus(ground(), { name: 'network', status: 429, headers: [forwardedFor('2001:db8:0:1:ffff::2')] });
    assert.equal((await get(ground(), 'network', [forwardedFor('2001:db8:0:2::1')])).status, 200);
    await untilStatus(ground(), { name: 'network', status: 429, headers: [forwardedFor('203.0.113.1')] });
    assert.equal((await get(ground(), 'network', [forwardedFor('203.0.113.2')])).status, 200);
  });

  test('of several limits all hold', async () => {
    await untilStatus(ground(), { name: 'several', status: 429, headers: [['X-Key', 'a']] });
    assert.equal((await get(ground(), 'several', [['X-Key', 'b']])).status, 200);
  });

  test('rates come before passwords: guesses are counted', async () => {
    await untilStatus(ground(), { name: 'guarded', status: 429, headers: [basic('ann', 'wrong')] });
    await untilStatus(ground(), { name: 'guarded', status: 429, headers: [basic('ann', 'secret')] });
  });
}

function connections(ground: () => PolicyGround): void {
  test('requests that are held take places; their clients leave, and the places are free', async () => {
    const held = await hold(ground(), { name: 'open', count: 12 });
    assert.ok(held.kept >= 3 && held.kept <= 3 * workers, `${held.kept} were let in of at most 3`);
    const refused = await untilStatus(ground(), { name: 'open', status: 429 });
    assert.match(headerOf(refused, 'retry-after') ?? '', /^[1-9]\d*$/);
    assert.equal(headerOf(refused, 'x-under'), 'yes');
    for (const socket of held.sockets) socket.destroy();
    await until('the application hears that they left', () => ground().app.holding === 0);
    await untilStatus(ground(), { name: 'open', status: 200 });
  });

  test('requests that are answered give their places back', async () => {
    const held = await hold(ground(), { name: 'open', count: 8 });
    await untilStatus(ground(), { name: 'open', status: 429 });
    ground().app.release();
    await untilStatus(ground(), { name: 'open', status: 200 });
    for (const socket of held.sockets) socket.destroy();
    await until('all are let in again', async () => {
      for (let turn = 0; turn < 20; turn += 1) if ((await get(ground(), 'open')).status !== 200) return false;
      return true;
    });
  });

  test('each client has its own places', async () => {
    const held = await hold(ground(), { name: 'each', count: 4, headers: [['X-Key', 'a']] });
    await untilStatus(ground(), { name: 'each', status: 429, headers: [['X-Key', 'a']] });
    assert.equal((await get(ground(), 'each', [['X-Key', 'b']])).status, 200);
    for (const socket of held.sockets) socket.destroy();
    await untilStatus(ground(), { name: 'each', status: 200, headers: [['X-Key', 'a']] });
    ground().app.release();
  });

  test('an upgraded connection takes a place as long as it is open', async () => {
    const { engine } = ground();
    const socket = open({ port: engine.http, host: 'sockets.test' });
    socket.on('error', () => undefined);
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: sockets.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    const text = received(socket);
    await until('the upgrade', () => text().includes('101 Switching'));
    // Many in a row, that no worker is left out: the one that does not hold the connection has to hear of it.
    await until('all others are refused', async () => {
      for (let turn = 0; turn < 60; turn += 1) {
        const answers = await Promise.all([1, 2, 3, 4].map(() => get(ground(), 'sockets')));
        if (answers.some(({ status }) => status !== 429)) return false;
      }
      return true;
    });
    socket.write('hello');
    await until('the echo', () => text().endsWith('>hello'));
    socket.destroy();
    await untilStatus(ground(), { name: 'sockets', status: 200 });
  });
}

type Headers = readonly (readonly [string, string])[];

function get(ground: PolicyGround, name: string, headers: Headers = []): Promise<Answer> {
  return ask({ port: ground.engine.http, host: `${name}.test`, target: '/', headers });
}

/**
 * Asks until the answer is 200; or until many at once, of which every worker gets some, are all refused. Answers the last.
 */
async function untilStatus(
  ground: PolicyGround,
  { name, status, headers = [] }: { readonly name: string; readonly status: 200 | 429; readonly headers?: Headers },
): Promise<Answer> {
  let last: readonly Answer[] = [];
  await until(`${status} from ${name}.test`, async () => {
    last = await Promise.all(Array.from({ length: status === 200 ? 1 : 24 }, () => get(ground, name, headers)));
    return last.every((answer) => answer.status === status);
  });
  const [answer] = last;
  if (answer === undefined) throw new Error('nothing was asked');
  return answer;
}

/** Opens so many requests at once that wait at the application; resolves when each waits there or has been refused. */
async function hold(
  ground: PolicyGround,
  { name, count, headers = [] }: { readonly name: string; readonly count: number; readonly headers?: Headers },
): Promise<{ readonly sockets: readonly Socket[]; readonly kept: number }> {
  const wanted = { port: ground.engine.http, host: `${name}.test`, target: '/hold', headers };
  const sockets = Array.from({ length: count }, () => open(wanted));
  const texts = sockets.map((socket) => {
    socket.on('error', () => undefined);
    socket.write(requestText(wanted));
    return received(socket);
  });
  const refused = (): number => texts.filter((text) => text().startsWith('HTTP/1.1 429')).length;
  await until('each is held or refused', () => refused() + ground.app.holding === count);
  return { sockets, kept: ground.app.holding };
}

function received(socket: Socket): () => string {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
  return () => text;
}
