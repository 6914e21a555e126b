import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  DATA,
  END_STREAM,
  FrameClient,
  getFields,
  GOAWAY,
  HEADERS,
  PING,
  postFields,
  RST_STREAM,
  SETTINGS,
  ACK,
  uint32,
  WINDOW_UPDATE,
} from '../conformance/edge-h2-client.ts';
import { hang, until } from '../patience.ts';
import { HttpBackend, RawBackend } from './edge-plane-fixture.ts';
import { SecurePlane } from './edge-tls-fixture.ts';

const mebibyte = 1 << 20;
const chunk = Buffer.alloc(65_536, 'x');

describe('HTTP/2 of the embedded edge', () => {
  test('a client that takes nothing does not make the edge keep an endless answer', async () => {
    let given = 0;
    await using backend = await HttpBackend.start((_, response) => {
      const give = (): void => {
        while (response.write(chunk)) given += chunk.length;
        given += chunk.length;
        response.once('drain', give);
      };
      give();
    });
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure, [[4, 65_535]]);
    for (let stream = 1; stream < 20; stream += 2) client.headers(stream, getFields());
    await client.until(() => [...client.bodies.values()].reduce((sum, bytes) => sum + bytes, 0) >= 65_535);
    const settled = await stands(() => given);
    // For each of ten streams: what the kernel keeps between backend and edge, and one read.
    assert.ok(settled < 100 * mebibyte, `${settled} bytes`);
    assert.deepEqual(secure.faults, []);
  });

  test('a body that its endpoint does not read is held back, and a client that goes on breaks the rules', async () => {
    await using backend = await RawBackend.start((socket) => socket.pause());
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure);
    client.headers(1, postFields(), 0);
    const piece = Buffer.alloc(16_384);
    const deadline = performance.now() + hang;
    let sent = 0;
    while (!client.closed && performance.now() < deadline && !client.frames.some(({ type }) => type === GOAWAY)) {
      client.send([DATA, 0, 1], piece);
      sent += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
      if (client.frames.some(({ type, stream }) => type === RST_STREAM && stream === 1)) break;
    }
    assert.equal(await client.outcome(1), 'reset 3');
    const granted = client.frames
      .filter(({ type, stream }) => type === WINDOW_UPDATE && stream === 1)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
    assert.ok(sent > granted && granted < 64 * mebibyte, `${sent} sent, ${granted} granted`);
    assert.deepEqual(secure.faults, []);
  });

  test('a held body goes on when its endpoint reads again', async () => {
    let received = 0;
    let release = (): void => undefined;
    await using backend = await HttpBackend.start((request, response) => {
      request.pause();
      release = () => request.resume();
      request.on('data', (part: Buffer) => (received += part.length));
      request.on('end', () => response.end(String(received)));
      request.pause();
    });
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure);
    client.headers(1, postFields(), 0);
    const total = 24 * mebibyte;
    let window = 131_072;
    let connection = 524_288;
    let seen = 0;
    let sent = 0;
    let released = false;
    const deadline = performance.now() + hang;
    while (sent < total && performance.now() < deadline) {
      for (; seen < client.frames.length; seen += 1) {
        const frame = client.frames[seen];
        if (frame?.type !== WINDOW_UPDATE) continue;
        if (frame.stream === 1) window += frame.payload.readUInt32BE(0);
        else if (seen > 1) connection += frame.payload.readUInt32BE(0);
      }
      const size = Math.min(16_384, window, connection, total - sent);
      if (size > 0) {
        client.send([DATA, sent + size === total ? END_STREAM : 0, 1], Buffer.alloc(size));
        sent += size;
        window -= size;
        connection -= size;
      }
      await new Promise((resolve) => setTimeout(resolve, size > 0 ? 0 : 5));
      if (size === 0 && !released && (await stands(() => client.frames.length)) > 0) {
        released = true;
        release();
      }
    }
    assert.equal(released, true, 'the body was held back');
    assert.equal(await client.outcome(1), 'status 200');
    assert.equal(received, total);
  });

  test('a stream that the client resets ends the request at its endpoint', async () => {
    let gone = 0;
    await using backend = await HttpBackend.start((request) => void request.on('close', () => (gone += 1)));
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure);
    client.headers(1, getFields());
    await until('the request', () => backend.requests === 1);
    client.send([RST_STREAM, 0, 1], uint32(8));
    await until('its end', () => gone === 1);
    await until('its entry', () => secure.log.length === 1);
    assert.deepEqual([secure.log[0]?.outcome, secure.log[0]?.protocol], ['client-gone', 'HTTP/2.0']);
    assert.equal(secure.plane.inFlight().size, 0);
  });

  test('an answer that breaks off ends in RST_STREAM, and the connection goes on', async () => {
    await using backend = await RawBackend.start((socket, text) => {
      if (text.includes('/whole')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello');
        setTimeout(() => socket.resetAndDestroy(), 200);
      }
    });
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure);
    client.headers(1, postFields());
    const reset = await client.until(({ type, stream }) => type === RST_STREAM && stream === 1);
    assert.equal(reset?.payload.readUInt32BE(0), 2);
    client.headers(3, getFields({ ':path': '/whole' }));
    assert.equal(await client.outcome(3), 'status 200');
  });

  test('a body beyond the limit of its pool gets 413, and the rest is not wanted', async () => {
    await using backend = await HttpBackend.start((_, response) => response.end('ok'));
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure);
    client.headers(1, postFields([['content-length', String(2 ** 31)]]), 0);
    client.send([DATA, 0, 1], 'abc');
    await client.until(({ type, stream }) => type === RST_STREAM && stream === 1);
    assert.equal(client.statuses.get(1), '413');
    const reset = client.frames.find(({ type }) => type === RST_STREAM);
    assert.equal(reset?.payload.readUInt32BE(0), 0, 'NO_ERROR');
    // What was on its way is taken without a word (5.1).
    client.send([DATA, 0, 1], 'abc');
    client.headers(3, getFields());
    assert.equal(await client.outcome(3), 'status 200');
  });

  test('100 and 103 go ahead of the answer', async () => {
    await using backend = await HttpBackend.start((request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      request.resume();
      request.on('end', () => response.end('ok'));
    });
    await using secure = await SecurePlane.start([backend.port]);
    using client = await FrameClient.open(secure);
    const fields = postFields([
      ['expect', '100-continue'],
      ['content-length', '3'],
    ]);
    client.headers(1, fields, 0);
    await client.until(({ type }) => type === HEADERS);
    assert.equal(client.statuses.get(1), undefined, 'no answer yet');
    client.send([DATA, END_STREAM, 1], 'abc');
    assert.equal(await client.outcome(1), 'status 200');
    assert.equal(client.frames.filter(({ type }) => type === HEADERS).length, 3);
  });

  test('while it drains, what is under way ends and nothing new is taken', async () => {
    const held: (() => void)[] = [];
    await using backend = await HttpBackend.start((_, response) => void held.push(() => response.end('late')));
    await using secure = await SecurePlane.start([backend.port], { drainIdleTimeout: 5000 });
    using client = await FrameClient.open(secure);
    client.headers(1, getFields());
    await until('the request', () => held.length === 1);
    const drained = secure.plane.drain();
    const first = await client.until(({ type }) => type === GOAWAY);
    assert.deepEqual([first?.payload.readUInt32BE(0), first?.payload.readUInt32BE(4)], [0x7fff_ffff, 0]);
    // Sent before the client knew: taken as well.
    client.headers(3, getFields());
    await until('the second request', () => held.length === 2);
    const ping = await client.until(({ type, flags }) => type === PING && flags === 0);
    client.send([PING, ACK, 0], ping?.payload);
    const last = await client.until(({ type, payload }) => type === GOAWAY && payload.readUInt32BE(0) !== 0x7fff_ffff);
    assert.deepEqual([last?.payload.readUInt32BE(0), last?.payload.readUInt32BE(4)], [3, 0]);
    client.headers(5, getFields());
    const refused = await client.until(({ type, stream }) => type === RST_STREAM && stream === 5);
    assert.equal(refused?.payload.readUInt32BE(0), 7);
    for (const finish of held) finish();
    assert.deepEqual([await client.outcome(1), await client.outcome(3)], ['status 200', 'status 200']);
    await until('its end', () => client.closed);
    await drained;
  });

  test('a client that does not answer the drain is left after a while', async () => {
    await using secure = await SecurePlane.start([], { drainIdleTimeout: 300 });
    using client = await FrameClient.open(secure);
    await Promise.all([secure.plane.drain(), once(client.socket, 'close')]);
  });

  test('a connection without requests is ended politely', async () => {
    await using secure = await SecurePlane.start([], { keepAliveTimeout: 300 });
    using client = await FrameClient.open(secure);
    const goodbye = await client.until(({ type }) => type === GOAWAY);
    assert.equal(goodbye?.payload.readUInt32BE(4), 0);
    await until('its end', () => client.closed);
  });

  test('a preface, and a header block, that do not come are not waited for', async () => {
    await using secure = await SecurePlane.start([], { headTimeout: 300 });
    using mute = new FrameClient(secure);
    await until('the end of the mute one', () => mute.closed);
    using slow = await FrameClient.open(secure);
    slow.send([HEADERS, END_STREAM, 1], 'a');
    await until('the end of the slow one', () => slow.closed);
  });

  test('a body that does not come gets 408', async () => {
    await using backend = await HttpBackend.start((request, response) => {
      request.resume();
      request.on('end', () => response.end('ok'));
    });
    await using secure = await SecurePlane.start([backend.port], { bodyTimeout: 300 });
    using client = await FrameClient.open(secure);
    client.headers(1, postFields([['content-length', '10']]), 0);
    client.send([DATA, 0, 1], 'abc');
    assert.equal(await client.outcome(1), 'status 408');
  });

  test('a client that takes no more of an answer loses its stream', async () => {
    await using backend = await HttpBackend.start((_, response) => response.end(Buffer.alloc(mebibyte)));
    await using secure = await SecurePlane.start([backend.port], { bodyTimeout: 300 });
    using client = await FrameClient.open(secure, [[4, 10]]);
    client.headers(1, getFields());
    const reset = await client.until(({ type, stream }) => type === RST_STREAM && stream === 1);
    assert.equal(reset?.payload.readUInt32BE(0), 8);
    assert.equal(client.closed, false);
  });

  test('the settings of the edge say what it takes, and no extended CONNECT', async () => {
    await using secure = await SecurePlane.start([]);
    using client = await FrameClient.open(secure);
    const [settings] = client.frames;
    assert.equal(settings?.type, SETTINGS);
    const told = new Map<number, number>();
    for (let at = 0; at < (settings?.payload.length ?? 0); at += 6) {
      told.set(settings?.payload.readUInt16BE(at) ?? 0, settings?.payload.readUInt32BE(at + 2) ?? 0);
    }
    assert.deepEqual(
      [...told],
      [
        [2, 0],
        [3, 128],
        [4, 131_072],
        [6, 32_768],
      ],
    );
  });
});

/** The value once it has not changed for half a second. */
async function stands(value: () => number): Promise<number> {
  let before = -1;
  let since = performance.now();
  await until('something to come to rest', () => {
    if (value() !== before) {
      before = value();
      since = performance.now();
    }
    return performance.now() - since >= 500;
  });
  return before;
}
