import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpBackend, PlaneGround, RawBackend, statusOf } from './edge-plane-fixture.ts';
import { seen } from '../patience.ts';

const host = 'Host: a.test\r\n';
const total = 50 * 1024 * 1024;
const piece = randomBytes(64 * 1024);
/** What the kernel's buffers of two loopback connections may hold besides the edge's own bounded ones. */
const bounded = 30 * 1024 * 1024;

function digest(count: number): string {
  const hash = createHash('sha256');
  for (let i = 0; i < count; i += 1) hash.update(piece);
  return hash.digest('hex');
}

/** Resolves when a counter stands still for 200 ms: whoever writes is held back. */
async function stalled(count: () => number): Promise<number> {
  for (let before = -1; ; ) {
    const now = count();
    if (now > 0 && now === before) return now;
    before = now;
    await pause(200);
  }
}

test('an upload of 50 MB in chunks is held back by a slow backend, and arrives whole', async () => {
  const hash = createHash('sha256');
  let go: (() => void) | undefined;
  await using backend = await HttpBackend.start((request, response) => {
    request.pause();
    go = () => {
      request.on('data', (bytes: Buffer) => hash.update(bytes));
      request.on('end', () => response.end(hash.digest('hex')));
      request.resume();
    };
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.send(`POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n`);
  let sent = 0;
  const sending = (async () => {
    for (let i = 0; i < total / piece.length; i += 1) {
      client.socket.write(`${piece.length.toString(16)}\r\n`);
      client.socket.write(piece);
      if (!client.socket.write('\r\n')) await new Promise((resolve) => client.socket.once('drain', resolve));
      sent += piece.length;
    }
    client.socket.write('0\r\n\r\n');
  })();
  const start = await seen('the request at the backend', () => go);
  const before = process.memoryUsage();
  assert.ok((await stalled(() => sent)) < bounded, `held back, not gathered: ${sent} bytes were taken`);
  assert.ok(process.memoryUsage().arrayBuffers - before.arrayBuffers < bounded);
  start();
  await sending;
  await client.closed();
  assert.ok(client.text.endsWith(digest(total / piece.length)));
});

test('a download of 50 MB in chunks is held back by a slow client, and arrives whole', async () => {
  let written = 0;
  await using backend = await HttpBackend.start((_, response) => {
    void (async () => {
      for (let i = 0; i < total / piece.length; i += 1) {
        if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
        written += piece.length;
      }
      response.end();
    })();
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.socket.removeAllListeners('data');
  const parts: Buffer[] = [];
  client.socket.pause();
  client.send(`GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
  const before = process.memoryUsage();
  assert.ok((await stalled(() => written)) < bounded, `held back, not gathered: ${written} bytes were taken`);
  assert.ok(process.memoryUsage().arrayBuffers - before.arrayBuffers < bounded);
  client.socket.on('data', (bytes: Buffer) => parts.push(bytes));
  client.socket.resume();
  await client.closed();
  const answer = Buffer.concat(parts);
  const hash = createHash('sha256');
  let at = answer.indexOf('\r\n\r\n') + 4;
  for (;;) {
    const end = answer.indexOf('\r\n', at);
    const size = Number.parseInt(answer.toString('latin1', at, end), 16);
    if (size === 0) break;
    hash.update(answer.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
  assert.equal(answer.toString('latin1', at), '0\r\n\r\n');
  assert.equal(hash.digest('hex'), digest(total / piece.length));
});

test('a large upload with a length goes through as it comes, also when the first endpoint is dead', async () => {
  const hash = createHash('sha256');
  await using backend = await HttpBackend.start((request, response) => {
    assert.equal(request.headers['content-length'], String(piece.length * 20));
    assert.equal(request.headers['transfer-encoding'], undefined);
    request.on('data', (bytes: Buffer) => hash.update(bytes));
    request.on('end', () => response.end(hash.digest('hex')));
  });
  await using dead = await RawBackend.start(() => undefined);
  await dead[Symbol.asyncDispose]();
  await using ground = await PlaneGround.start([dead, backend]);
  const client = ground.connect();
  client.send(`POST / HTTP/1.1\r\n${host}Connection: close\r\nContent-Length: ${piece.length * 20}\r\n\r\n`);
  for (let i = 0; i < 20; i += 1) client.socket.write(piece);
  await client.closed();
  assert.equal(statusOf(client.text), 200);
  assert.ok(client.text.endsWith(digest(20)));
  assert.equal((await ground.lastEntry()).attempts, 2);
});

test('a chunked body that is here at once is sent with its length; one that is not, in chunks', async () => {
  await using backend = await HttpBackend.start((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString()));
    request.on('end', () =>
      response.end(
        `[${request.headers['content-length']}|${request.headers['transfer-encoding']}|${body}|${JSON.stringify(request.trailers)}]`,
      ),
    );
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  const head = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
  client.send(`${head}2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-Trailer: dropped\r\n\r\n`);
  await client.until('[5|undefined|abcde|{}]');
  client.take();
  client.send(`${head}2\r\nab\r\n`);
  await pause(50);
  client.send('3\r\ncde\r\n');
  await pause(50);
  client.send('0\r\n\r\n');
  await client.until('[undefined|chunked|abcde|{}]');
  client.socket.destroy();
});

test('server-sent events arrive while the answer goes on', async () => {
  let say: ((text: string) => void) | undefined;
  await using backend = await HttpBackend.start((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    say = (text) => response.write(`data: ${text}\n\n`);
    response.on('close', () => (say = undefined));
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.send(`GET /events HTTP/1.1\r\n${host}\r\n`);
  await client.until('text/event-stream');
  for (const word of ['one', 'two', 'three']) {
    say?.(word);
    // Nothing comes after it that could push it out.
    await client.until(`data: ${word}`);
  }
  assert.deepEqual([...ground.plane.inFlight()], [['e1', 1]]);
  client.socket.destroy();
  await seen('the backend hears of it', () => say === undefined);
  await seen('nothing is under way', () => ground.plane.inFlight().size === 0);
  assert.equal((await ground.lastEntry()).outcome, 'client-gone');
});

test('a client that leaves ends its request at the endpoint', async () => {
  let ended = 0;
  await using backend = await HttpBackend.start((request, response) => {
    request.resume();
    response.on('close', () => (ended += 1));
  });
  await using ground = await PlaneGround.start([backend]);
  for (const message of [
    `GET / HTTP/1.1\r\n${host}\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 1000000\r\n\r\nabc`,
  ]) {
    const before = { ended, requests: backend.requests };
    const client = ground.connect();
    client.send(message);
    await seen('the request at the backend', () => backend.requests > before.requests);
    client.socket.destroy();
    await seen('its end', () => ended > before.ended);
    const entry = await seen('its entry', () => ground.log[before.requests]);
    assert.deepEqual([entry.outcome, entry.status], ['client-gone', 0]);
  }
  assert.equal(ground.plane.inFlight().size, 0);
});

test('an answer that breaks off never looks whole', async () => {
  const beginnings: Record<string, string> = {
    '/length': `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'a'.repeat(1000)}`,
    '/chunks': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    '/bad-chunk': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
  };
  await using backend = await RawBackend.start((socket, text) => {
    const path = / (\/\S*) /.exec(text)?.[1] ?? '';
    socket.write(beginnings[path] ?? '');
    setTimeout(() => (path === '/bad-chunk' ? socket.write('zz\r\n') : socket.destroy()), 200);
  });
  await using ground = await PlaneGround.start([backend]);
  for (const [path, version] of [
    ['/length', '1.1'],
    ['/chunks', '1.1'],
    ['/chunks', '1.0'],
    ['/bad-chunk', '1.1'],
  ] as const) {
    const client = ground.connect();
    client.send(`GET ${path} HTTP/${version}\r\n${host}\r\n`);
    await client.until('200 OK');
    await client.closed();
    assert.equal(client.failed, 'ECONNRESET', `${path} to HTTP/${version}`);
    assert.doesNotMatch(client.text, /\r\n0\r\n/);
    const entry = await seen('its entry', () => ground.log.shift());
    assert.equal(entry.outcome, 'upstream-gone');
  }
});

test('an answer that ends with its connection is whole', async () => {
  await using backend = await RawBackend.start((socket) => {
    socket.write('HTTP/1.0 200 OK\r\n\r\nfirst,');
    setTimeout(() => socket.end('second'), 50);
  });
  await using ground = await PlaneGround.start([backend]);
  const answer = await ground.get();
  assert.match(answer, /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n\r\n6\r\nfirst,\r\n6\r\nsecond\r\n0\r\n\r\n$/);
  assert.match(await ground.exchange(`GET / HTTP/1.0\r\n${host}\r\n`), /\r\n\r\nfirst,second$/);
});

test('a backend that answers before it has read the body', async () => {
  await using backend = await HttpBackend.start((request, response) => {
    request.on('error', () => undefined);
    response.writeHead(403).end('no');
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.send(`POST / HTTP/1.1\r\n${host}Content-Length: ${100 * piece.length}\r\n\r\n`);
  for (let i = 0; i < 40; i += 1) client.socket.write(piece);
  await client.until('no');
  await client.closed();
  assert.equal(statusOf(client.text), 403);
  assert.match(client.text, /Connection: close/);
});

test('WebSocket: bytes in both directions, counted until its end', async () => {
  await using backend = await RawBackend.start((socket, text) => {
    if (!text.includes('\r\n\r\n')) return;
    socket.removeAllListeners('data');
    assert.match(text, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nwelcome`,
    );
    socket.write(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
    socket.pipe(socket);
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.send(
    `GET /ws HTTP/1.1\r\n${host}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nearly`,
  );
  const opening = await client.until('early');
  assert.match(
    opening,
    /^HTTP\/1\.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nwelcomeearly$/,
  );
  client.take();
  for (let i = 0; i < 50; i += 1) client.socket.write(piece);
  await seen('the echo', () => client.text.length === 50 * piece.length);
  assert.equal(client.text.slice(0, piece.length), piece.toString('latin1'));
  assert.deepEqual([...ground.plane.inFlight()], [['e1', 1]]);
  client.socket.end();
  await client.closed();
  await seen('it is not counted any more', () => ground.plane.inFlight().size === 0);
  const entry = await ground.lastEntry();
  assert.deepEqual(
    [entry.status, entry.outcome, entry.bytesIn, entry.bytesOut],
    [101, 'complete', 50 * piece.length + 5, 50 * piece.length + 12],
  );
});

test('an upgrade that the backend declines is an answer like others; silence ends a tunnel', async () => {
  await using backend = await RawBackend.start((socket, text) => {
    if (text.split('GET ').at(-1)?.startsWith('/no'))
      socket.write('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno');
    else socket.write('HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  });
  await using ground = await PlaneGround.start([backend], { pool: { idleTimeout: 300 } });
  const client = ground.connect();
  const asks = `${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  client.send(`GET /no HTTP/1.1\r\n${asks}`);
  assert.equal(statusOf(await client.until('no')), 426);
  client.take();
  client.send(`GET /yes HTTP/1.1\r\n${asks}`);
  await client.until('101');
  await client.closed();
  assert.equal(ground.plane.inFlight().size, 0);
});
