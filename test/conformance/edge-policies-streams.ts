import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { constants, gunzipSync } from 'node:zlib';
import type { Policy } from '../../src/edge/policy.ts';
import { until } from '../patience.ts';
import type { Seen, Want } from './edge-policies-backend.ts';
import { basic, user } from './edge-policies-case.ts';
import { ask, headerOf, open, requestText } from './edge-policies-client.ts';
import { PolicyGround } from './edge-policies-ground.ts';
import type { EngineKind } from './engines.ts';

/** What lasts under a policy: streams, and connections that were upgraded. */
export function streamConformance(kind: EngineKind): void {
  describe(`streams under policies: ${kind.name}`, () => {
    let ground: PolicyGround;
    before(async () => {
      ground = await PolicyGround.start(kind);
      const plain = Object.keys(policies).map((name) => ({
        host: `${name}.test`,
        path: '/',
        pool: 'app',
        policy: name,
      }));
      const large = { host: 'large.test', path: '/', pool: 'other', policy: 'upload' } as const;
      const files = { host: 'files.test', path: '/', pool: 'files', policy: 'gzip' } as const;
      const below = { host: 'below.test', path: '/live', pool: 'app', stripPath: true } as const;
      await ground.apply({
        routes: [...plain, large, files, below],
        policies: Object.entries(policies).map(([id, policy]) => ({ id, ...policy })),
      });
    });
    after(() => ground[Symbol.asyncDispose]());
    streams(() => ground);
    uploads(() => ground);
    upgrades(() => ground);
  });
}

const policies = {
  gzip: { gzip: true },
  guarded: {
    basicAuth: { realm: 'staff', users: [user('ann', 'secret')] },
    responseHeaders: [{ name: 'x-under', value: 'yes' }],
  },
  upload: { basicAuth: { realm: 'staff', users: [user('ann', 'first'), user('bob', 'second')] } },
  closed: { maintenance: { retryAfter: 3 } },
  led: { rules: [{ kind: 'rewrite', source: '/ws/*', destination: '/socket/*' }] },
} satisfies Record<string, Omit<Policy, 'id'>>;

function streams(ground: () => PolicyGround): void {
  test('events reach the client as they come, and are not coded', async () => {
    const want = { pieces: ['data: one\n\n', 'data: two\n\n'], headers: { 'content-type': 'text/event-stream' } };
    const { socket, bytes } = begin(ground(), want);
    await until('the first event', () => bytes().includes('data: one'));
    assert.ok(!bytes().includes('data: two'));
    assert.doesNotMatch(bytes().toString('latin1'), /content-encoding/i);
    ground().app.release();
    await until('the second event', () => bytes().includes('data: two'));
    ground().app.release();
    await until('the end', () => bytes().includes('0\r\n\r\n'));
    socket.destroy();
  });

  test('a coded stream is not held back', async () => {
    const want = { pieces: ['<p>one</p>', '<p>two</p>'], headers: { 'content-type': 'text/html' } };
    const { socket, bytes } = begin(ground(), want);
    await until('the first piece', () => textOf(bytes()).includes('<p>one</p>'));
    assert.ok(!textOf(bytes()).includes('two'));
    assert.match(bytes().toString('latin1'), /content-encoding: gzip/i);
    ground().app.release();
    await until('the second piece', () => textOf(bytes()) === '<p>one</p><p>two</p>');
    ground().app.release();
    await until('the end', () => bytes().includes('0\r\n\r\n'));
    socket.destroy();
  });

  test('a coded answer that breaks off is not taken for whole', async () => {
    const want = { pieces: ['<p>one</p>'], cut: true, headers: { 'content-type': 'text/html' } } as const;
    const { bytes, ended } = begin(ground(), want);
    await until('the first piece', () => textOf(bytes()).includes('<p>one</p>'));
    ground().app.release();
    await until('the end of the connection', ended);
    assert.ok(!bytes().includes('\r\n0\r\n\r\n'), 'the last chunk came');
  });

  test('the tag of a coded file is good for asking again', async () => {
    const asked = { port: ground().engine.http, host: 'files.test', target: '/big.html' };
    const first = await ask({ ...asked, headers: [['Accept-Encoding', 'gzip']] });
    const tag = headerOf(first, 'etag') ?? '';
    assert.match(tag, /^W\/"/);
    for (const value of [tag, tag.slice(2), `"other", ${tag}`, '*']) {
      const again = await ask({
        ...asked,
        headers: [
          ['Accept-Encoding', 'gzip'],
          ['If-None-Match', value],
        ],
      });
      assert.equal(again.status, 304, value);
      assert.equal(headerOf(again, 'content-encoding'), undefined);
    }
  });

  test('clients that leave a coded stream harm nobody', async () => {
    const want = { pieces: ['<p>one</p>', '<p>two</p>'], headers: { 'content-type': 'text/html' } };
    const begun = Array.from({ length: 20 }, () => begin(ground(), want));
    await until('all have begun', () => begun.every(({ bytes }) => bytes().length > 0));
    for (const { socket } of begun) socket.destroy();
    ground().app.release();
    ground().app.release();
    const answer = await ask({ port: ground().engine.http, host: 'gzip.test', target: '/' });
    assert.equal(answer.status, 200);
  });
}

function uploads(ground: () => PolicyGround): void {
  test('a body that comes while a password is looked at arrives whole', async () => {
    const body = 'x'.repeat(900_000);
    const asked = { port: ground().engine.http, host: 'large.test', target: '/', method: 'POST', body };
    const found = await ask({ ...asked, headers: [basic('ann', 'first')] });
    assert.equal(found.status, 200);
    assert.equal((JSON.parse(found.body.toString()) as Seen).body.length, body.length);
    const again = await ask({ ...asked, headers: [basic('ann', 'first')] });
    assert.equal(again.status, 200);
  });

  test('who waits for 100 Continue and is let in gets it', async () => {
    const expecting = (password: string): string =>
      requestText({
        port: 0,
        host: 'large.test',
        target: '/',
        method: 'POST',
        headers: [basic('bob', password), ['Expect', '100-continue'], ['Content-Length', '5']],
      });
    const wanted = { port: ground().engine.http, host: 'large.test' };
    const before = ground().asked('large.test');
    const refused = receive(open(wanted), expecting('wrong'));
    // nginx says 100 even before a refusal, which it may (RFC 9110 10.1.1); what counts is the answer.
    await until('the refusal', () => /^HTTP\/1\.1 401 /m.test(refused.bytes().toString()));
    assert.equal(ground().asked('large.test'), before);
    refused.socket.destroy();
    const welcome = receive(open(wanted), expecting('second'));
    await until('100', () => welcome.bytes().includes('\r\n\r\n'));
    assert.match(welcome.bytes().toString(), /^HTTP\/1\.1 100 /);
    welcome.socket.write('hello');
    await until('the answer', () => welcome.bytes().includes('"body":"hello"'));
    welcome.socket.destroy();
  });
}

function upgrades(ground: () => PolicyGround): void {
  test('an upgrade needs the password too, and its answer has the headers', async () => {
    const refused = await ask({ ...upgrade(ground(), 'guarded'), target: '/ws' });
    assert.equal(refused.status, 401);
    assert.equal(ground().asked('guarded.test'), 0);
    const { socket, bytes } = await upgraded(ground(), {
      name: 'guarded',
      target: '/ws',
      headers: [basic('ann', 'secret')],
    });
    assert.match(bytes().toString(), /^x-under: yes\r$/im);
    socket.write('hello');
    await until('the echo', () => bytes().toString().endsWith('>hello'));
    socket.destroy();
  });

  test('an upgrade during maintenance is answered 503', async () => {
    const refused = await ask({ ...upgrade(ground(), 'closed'), target: '/ws' });
    assert.equal(refused.status, 503);
    assert.equal(headerOf(refused, 'retry-after'), '3');
  });

  test('an upgrade goes where a rule leads', async () => {
    const { socket, bytes } = await upgraded(ground(), { name: 'led', target: '/ws/room?x=1' });
    assert.match(bytes().toString(), /^x-seen: \/socket\/room\?x=1\r$/im);
    socket.destroy();
  });

  test('an upgrade below a path that is taken off', async () => {
    const { socket, bytes } = await upgraded(ground(), { name: 'below', target: '/live/ws' });
    assert.match(bytes().toString(), /^x-seen: \/ws\r$/im);
    socket.write('ping');
    await until('the echo', () => bytes().toString().endsWith('>ping'));
    socket.destroy();
  });
}

type Headers = readonly (readonly [string, string])[];

const upgradeHeaders: Headers = [
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
  ['Sec-WebSocket-Version', '13'],
];

function upgrade(ground: PolicyGround, name: string): { port: number; host: string; headers: Headers } {
  return { port: ground.engine.http, host: `${name}.test`, headers: upgradeHeaders };
}

async function upgraded(
  ground: PolicyGround,
  { name, target, headers = [] }: { readonly name: string; readonly target: string; readonly headers?: Headers },
): Promise<Open> {
  const wanted = { ...upgrade(ground, name), target };
  const text = requestText({ ...wanted, headers: [...wanted.headers, ...headers] });
  const opened = receive(open(wanted), text.replace('Connection: close', 'Connection: Upgrade'));
  await until('the upgrade', () => opened.bytes().includes('\r\n\r\n'));
  assert.match(opened.bytes().toString(), /^HTTP\/1\.1 101 /);
  return opened;
}

interface Open {
  readonly socket: Socket;
  readonly bytes: () => Buffer;
  readonly ended: () => boolean;
}

function begin(ground: PolicyGround, want: Want): Open {
  const headers: Headers = [
    ['Accept-Encoding', 'gzip'],
    ['x-want', JSON.stringify(want)],
  ];
  const wanted = { port: ground.engine.http, host: 'gzip.test', target: '/', headers };
  return receive(open(wanted), requestText(wanted));
}

function receive(socket: Socket, text: string): Open {
  const parts: Buffer[] = [];
  let ended = false;
  socket.on('error', () => undefined);
  socket.on('close', () => (ended = true));
  socket.on('end', () => (ended = true));
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.write(text, 'latin1');
  return { socket, bytes: () => Buffer.concat(parts), ended: () => ended };
}

/** The text of a chunked, coded answer as far as it has come. */
function textOf(bytes: Buffer): string {
  const body: Buffer[] = [];
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at > 3 && at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = line === -1 ? 0 : Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (!(size > 0)) break;
    body.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  if (body.length === 0) return '';
  return gunzipSync(Buffer.concat(body), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}
