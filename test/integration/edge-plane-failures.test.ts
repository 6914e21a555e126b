import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, deadPort, fieldOf, HttpBackend, PlaneGround, RawBackend, statusOf } from './edge-plane-fixture.ts';
import { hang, seen } from '../patience.ts';

const host = 'Host: a.test\r\n';
const close = 'Connection: close\r\n';
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('a GET whose endpoint dies before or in the middle of a small answer is answered by another', async () => {
  for (const beginning of [
    '',
    'HTTP/1.1 200 O',
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it',
  ]) {
    await using dying = await RawBackend.start((socket) =>
      socket.write(beginning, () => setTimeout(() => socket.destroy(), 10)),
    );
    await using living = await RawBackend.start((socket) => socket.write(answer));
    await using ground = await PlaneGround.start([dying, living]);
    const answers = await Promise.all(Array.from({ length: 6 }, () => ground.get()));
    for (const text of answers) {
      assert.equal(statusOf(text), 200, beginning);
      assert.equal(bodyOf(text), 'ok', beginning);
    }
    assert.ok(dying.connections > 0, 'it was asked');
    const retried = ground.log.filter(({ attempts }) => attempts === 2);
    assert.ok(retried.length > 0 && retried.every(({ upstream }) => upstream === 'e2'));
    assert.equal(ground.plane.counters()[0]?.retries, retried.length);
    assert.equal(ground.plane.inFlight().size, 0);
  }
});

test('a POST whose endpoint dies is 502, and nobody is asked twice', async () => {
  let asked = 0;
  const die = (socket: { destroy(): void }, text: string): void => {
    if (!text.endsWith('hello')) return;
    asked += 1;
    socket.destroy();
  };
  await using one = await RawBackend.start(die);
  await using other = await RawBackend.start(die);
  await using ground = await PlaneGround.start([one, other]);
  const text = await ground.exchange(`POST / HTTP/1.1\r\n${host}${close}Content-Length: 5\r\n\r\nhello`);
  assert.deepEqual([statusOf(text), asked, (await ground.lastEntry()).attempts], [502, 1, 1]);
  const put = await ground.exchange(`PUT / HTTP/1.1\r\n${host}${close}Content-Length: 5\r\n\r\nhello`);
  assert.deepEqual([statusOf(put), asked], [502, 3], 'PUT may be repeated, once per endpoint');
});

test('a PUT with its body is repeated whole elsewhere', async () => {
  await using dying = await RawBackend.start((socket) => socket.destroy());
  await using living = await HttpBackend.start((request, response) => {
    request.pipe(response);
  });
  await using ground = await PlaneGround.start([dying, living]);
  const body = 'x'.repeat(60_000);
  for (let i = 0; i < 3; i += 1) {
    const text = await ground.exchange(
      `PUT / HTTP/1.1\r\n${host}${close}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.equal(statusOf(text), 200);
    assert.ok(text.includes(body));
  }
  assert.ok(dying.connections > 0);
});

test('an endpoint where nobody listens is passed over, for any method, and then left alone', async () => {
  await using living = await HttpBackend.start((_, response) => response.end('ok'));
  await using ground = await PlaneGround.start([{ port: await deadPort() }, living]);
  for (let i = 0; i < 10; i += 1) {
    const text = await ground.exchange(`POST / HTTP/1.1\r\n${host}${close}Content-Length: 5\r\n\r\nhello`);
    assert.equal(statusOf(text), 200);
  }
  assert.deepEqual(
    ground.log.map(({ attempts }) => attempts).filter((attempts) => attempts > 1),
    [2],
    'ejected after the first refusal',
  );
  assert.equal(ground.plane.counters()[0]?.ejections, 1);
});

test('an endpoint whose address has changed is another endpoint: it is not ejected', async () => {
  const port = await deadPort();
  await using living = await HttpBackend.start((_, response) => response.end('living'));
  await using ground = await PlaneGround.start([{ port }, living]);
  for (let i = 0; i < 3; i += 1) await ground.get();
  assert.equal(ground.plane.counters()[0]?.ejections, 1);
  await using back = await HttpBackend.start((_, response) => response.end('back'));
  ground.route([{ port: back.port }, living]);
  const bodies = new Set<string>();
  for (let i = 0; i < 4; i += 1) bodies.add(bodyOf(await ground.get()));
  assert.deepEqual([...bodies].toSorted(), ['back', 'living']);
});

test('three failures in a row eject, and an ejected endpoint is used where it is the last', async () => {
  let failing = true;
  await using backend = await RawBackend.start((socket) => (failing ? socket.destroy() : socket.write(answer)));
  await using other = await RawBackend.start((socket) => socket.write(answer));
  await using ground = await PlaneGround.start([backend, other]);
  for (let i = 0; i < 12; i += 1) assert.equal(statusOf(await ground.get()), 200);
  assert.equal(backend.connections, 3);
  assert.equal(ground.plane.counters()[0]?.ejections, 1);
  ground.route([backend]);
  failing = false;
  assert.equal(statusOf(await ground.get()), 200, 'the last one is asked all the same');
});

test('no endpoint is 503, no answer 504, refusal everywhere 502', async () => {
  await using silent = await RawBackend.start(() => undefined);
  await using ground = await PlaneGround.start([], { pool: { responseTimeout: 300 } });
  assert.equal(statusOf(await ground.get()), 503);
  ground.route([silent]);
  const late = await ground.get();
  assert.deepEqual([statusOf(late), silent.connections], [504, 1], 'not repeated: it may be working on it');
  await seen('the connection that did not answer is closed', () => silent.sockets.size === 0);
  ground.route([
    { port: await deadPort(), id: 'd1' },
    { port: await deadPort(), id: 'd2' },
  ]);
  assert.equal(statusOf(await ground.get()), 502);
  assert.equal(ground.log.at(-1)?.attempts, 2);
});

test('silence in the middle of an answer ends it where the pool says so', async () => {
  await using backend = await RawBackend.start((socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning'),
  );
  await using ground = await PlaneGround.start([backend], { pool: { idleTimeout: 300 } });
  const client = ground.connect();
  client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await client.until('beginning');
  await client.closed();
  assert.equal(client.failed, 'ECONNRESET');
});

test('an endpoint that closes used connections at will is not at fault', async () => {
  await using backend = await RawBackend.start((socket, text) => {
    if (text.split('GET ').length === 2) socket.write(answer);
    else socket.destroy();
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  for (let i = 0; i < 10; i += 1) {
    client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
    assert.equal(
      statusOf(await client.until('ok')),
      200,
      'asked again on a new connection, also where it is the only endpoint',
    );
    client.take();
  }
  client.socket.destroy();
  assert.equal(ground.plane.counters()[0]?.ejections, 0);
});

test('a slow but small answer is let go after a moment', async () => {
  await using backend = await RawBackend.start((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst');
    setTimeout(() => socket.write('later'), 600);
  });
  await using other = await RawBackend.start((socket) => socket.write(answer));
  await using ground = await PlaneGround.start([backend, other]);
  const client = ground.connect();
  const began = performance.now();
  client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await client.until('first');
  const waited = performance.now() - began;
  assert.ok(waited >= 90 && waited < hang, `${waited} ms`);
  await client.until('firstlater');
  client.socket.destroy();
});

test('an endpoint that left the table gets no new request, and is counted until it is done', async () => {
  let finish: (() => void) | undefined;
  await using old = await HttpBackend.start((_, response) => {
    finish = () => response.end('old');
  });
  await using fresh = await HttpBackend.start((_, response) => response.end('new'));
  await using ground = await PlaneGround.start([]);
  ground.route([{ port: old.port, id: 'old' }]);
  const client = ground.connect();
  client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await seen('the request at the old endpoint', () => finish);
  ground.route([{ port: fresh.port, id: 'new' }]);
  for (let i = 0; i < 10; i += 1) assert.equal(bodyOf(await ground.get()), 'new');
  assert.deepEqual([...ground.plane.inFlight()], [['old', 1]]);
  assert.equal(old.requests, 1);
  finish?.();
  assert.equal(bodyOf(await client.until('old')), 'old');
  assert.equal(ground.plane.inFlight().size, 0);
  await seen('its connection is closed', () => old.open === 0);
  assert.equal(ground.plane.counters()[0]?.requests, 11, 'counters outlive tables');
  client.socket.destroy();
});

test('a request whose pool is replaced while it waits finds the new one', async () => {
  await using dying = await RawBackend.start((socket) => setTimeout(() => socket.destroy(), 300));
  await using fresh = await HttpBackend.start((_, response) => response.end('new'));
  await using ground = await PlaneGround.start([dying, dying, dying]);
  const client = ground.connect();
  client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await seen('the request at the old endpoint', () => dying.connections > 0);
  ground.route([
    { port: fresh.port, id: 'f1' },
    { port: fresh.port, id: 'f2' },
  ]);
  assert.equal(bodyOf(await client.until('new')), 'new');
  client.socket.destroy();
});

test('draining answers what is under way, says so, and ends', async () => {
  let finish: (() => void) | undefined;
  await using backend = await HttpBackend.start((request, response) => {
    if (request.url === '/slow') finish = () => response.end('slow');
    else response.end('quick');
  });
  await using ground = await PlaneGround.start([backend], { limits: { drainIdleTimeout: 500 } });
  const busy = ground.connect();
  const idle = ground.connect();
  const talking = ground.connect();
  busy.send(`GET /slow HTTP/1.1\r\n${host}\r\n`);
  for (const client of [idle, talking]) client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await Promise.all([idle.until('quick'), talking.until('quick')]);
  await seen('the slow request at the backend', () => finish);
  let drained = false;
  const drain = ground.plane.drain().then(() => (drained = true));
  talking.take();
  talking.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  assert.equal(
    fieldOf(await talking.until('quick'), 'connection'),
    'close',
    'a request that crosses the drain is answered',
  );
  await talking.closed();
  await idle.closed();
  assert.equal(drained, false);
  assert.equal(busy.isClosed, false);
  finish?.();
  assert.equal(fieldOf(await busy.until('slow'), 'connection'), 'close');
  await drain;
  assert.equal(ground.plane.connections(), 0);
});

test('an ejected endpoint comes back by a trial', async () => {
  let failing = true;
  let asked = 0;
  await using backend = await RawBackend.start((socket) => {
    asked += 1;
    if (failing) socket.destroy();
    else socket.write(answer);
  });
  await using other = await RawBackend.start((socket) => socket.write(answer));
  await using ground = await PlaneGround.start([backend, other]);
  while (ground.plane.counters()[0]?.ejections !== 1) assert.equal(statusOf(await ground.get()), 200);
  failing = false;
  const before = asked;
  const began = performance.now();
  while (asked === before && performance.now() - began < hang) assert.equal(statusOf(await ground.get()), 200);
  assert.ok(performance.now() - began > 700, 'left alone for about a second');
  for (let i = 0; i < 4; i += 1) await ground.get();
  assert.equal(asked, before + 3, 'in use again, by turns');
});

test('static answers: whole, streamed, without body, and their failures', async () => {
  const { Readable } = await import('node:stream');
  const discarded: string[] = [];
  const large = Buffer.alloc(300_000, 'x');
  await using ground = await PlaneGround.start([], {
    answerStatic: async ({ path, method, query, headers }) => {
      const streamed = (length: number, bytes: Buffer) => ({
        length,
        open: () => Readable.from(bytes.length === 0 ? [] : [bytes.subarray(0, 100_000), bytes.subarray(100_000)]),
        discard: () => discarded.push(`${method} ${path}`),
      });
      const type = [['Content-Type', 'text/plain']] as const;
      if (path === '/same') return { status: 304, headers: [['ETag', '"e"']], body: null };
      if (path === '/large') return { status: 200, headers: type, body: streamed(large.length, large) };
      if (path === '/short') return { status: 200, headers: type, body: streamed(large.length + 1, large) };
      if (path === '/empty') return { status: 200, headers: type, body: streamed(0, Buffer.alloc(0)) };
      if (path === '/broken') throw new Error('disk on fire');
      return { status: 200, headers: type, body: Buffer.from(`${path}|${query}|${headers.get('if-none-match')}`) };
    },
  });
  ground.route([], [{ kind: 'static', id: 's', service: 'site', root: '/nowhere', fallback: null }]);
  const ask = (line: string, more = ''): Promise<string> =>
    ground.exchange(`${line} HTTP/1.1\r\nHost: s.test\r\n${close}${more}\r\n`);
  assert.equal(bodyOf(await ask('GET /a%20b?c', 'If-None-Match: "1"\r\nIf-None-Match: "2"\r\n')), '/a b|c|"1", "2"');
  const whole = await ask('GET /large');
  assert.deepEqual([fieldOf(whole, 'content-length'), bodyOf(whole).length], ['300000', 300_000]);
  const head = await ask('HEAD /large');
  assert.deepEqual([fieldOf(head, 'content-length'), bodyOf(head), discarded], ['300000', '', ['HEAD /large']]);
  const same = await ask('GET /same');
  assert.deepEqual(
    [statusOf(same), fieldOf(same, 'etag'), fieldOf(same, 'content-length'), bodyOf(same)],
    [304, '"e"', null, ''],
  );
  assert.equal(fieldOf(await ask('GET /empty'), 'content-length'), '0');
  const client = ground.connect();
  client.send('GET /short HTTP/1.1\r\nHost: s.test\r\n\r\n');
  await client.closed();
  assert.equal(client.failed, 'ECONNRESET', 'fewer bytes than announced never look whole');
  assert.equal(statusOf(await ask('GET /broken')), 500);
  const post = await ask('POST /');
  assert.deepEqual([statusOf(post), fieldOf(post, 'allow')], [405, 'GET, HEAD']);
  assert.equal(statusOf(await ask('GET /a%2fb')), 400);
});
