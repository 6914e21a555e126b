import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, fieldOf, HttpBackend, PlaneGround, RawBackend, statusOf } from './edge-plane-fixture.ts';
import { hang, seen } from '../patience.ts';

const host = 'Host: a.test\r\n';

test('keep-alive on both sides: many requests, one connection each', async () => {
  await using backend = await HttpBackend.start((request, response) => response.end(`you asked ${request.url}`));
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  for (let i = 0; i < 20; i += 1) {
    client.send(`GET /${i} HTTP/1.1\r\n${host}\r\n`);
    await client.until(`you asked /${i}`);
    assert.equal(statusOf(client.take()), 200);
  }
  assert.equal(backend.connections, 1);
  assert.equal(ground.plane.connections(), 1);
  client.socket.destroy();
  await seen('the connection is forgotten', () => ground.plane.connections() === 0);
});

test('idle upstream connections are closed by the edge', async () => {
  await using backend = await HttpBackend.start((_, response) => response.end('ok'));
  await using ground = await PlaneGround.start([backend], { limits: { upstreamIdleTimeout: 300 } });
  const began = performance.now();
  await ground.get();
  assert.equal(backend.open, 1);
  await seen('the idle connection is closed', () => backend.open === 0);
  assert.ok(performance.now() - began >= 290, 'not before its time');
});

test('pipelined requests are answered one after the other, in their order', async () => {
  const seen: string[] = [];
  await using backend = await HttpBackend.start((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString()));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body}`);
      setTimeout(() => response.end(`answer to ${request.url};`), request.url === '/1' ? 100 : 0);
    });
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.send(
    `GET /1 HTTP/1.1\r\n${host}\r\nPOST /2 HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc` +
      `POST /3 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: b.test\r\n\r\n` +
      `GET /5 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  );
  await client.closed();
  assert.deepEqual(seen, ['GET /1 ', 'POST /2 abc', 'POST /3 xyz', 'GET /5 ']);
  const bodies = [...client.text.matchAll(/answer to (\/\d);|error (404)/g)].map((match) => match[1] ?? match[2]);
  assert.deepEqual(bodies, ['/1', '/2', '/3', '404', '/5']);
});

test('a thousand pipelined requests neither overflow the stack nor get lost', async () => {
  await using backend = await HttpBackend.start((_, response) => response.end('ok'));
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  const nobody = `GET / HTTP/1.1\r\nHost: b.test\r\n\r\n`;
  client.send(
    nobody.repeat(3000) +
      `GET / HTTP/1.1\r\n${host}\r\n`.repeat(1000) +
      `GET /last HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  );
  await client.closed();
  assert.equal(client.text.match(/HTTP\/1\.1 404 /g)?.length, 3000);
  assert.equal(client.text.match(/HTTP\/1\.1 200 /g)?.length, 1001);
});

test('what is malformed is refused, ends the connection, and never reaches an endpoint', async () => {
  await using backend = await HttpBackend.start((_, response) => response.end('ok'));
  await using ground = await PlaneGround.start([backend]);
  const smuggled = `GET /smuggled HTTP/1.1\r\n${host}\r\n`;
  const bad: readonly (readonly [number, string])[] = [
    [400, `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [400, `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    [400, `POST / HTTP/1.1\r\n${host}Content-Length: +5\r\n\r\nhello`],
    [400, `GET / HTTP/1.1\r\n${host}${host}\r\n`],
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [400, `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [400, `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`],
    [400, `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`],
    [400, `GET / HTTP/1.1\n${host}\r\n`],
    [400, `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n-1\r\n`],
    [400, `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n`],
    [400, `GET /%2e%2e/x HTTP/1.1\r\n${host}\r\n`],
    [400, `GET /a%00b HTTP/1.1\r\n${host}\r\n`],
    [400, '\r\n\r\n'],
    [405, `CONNECT a.test:443 HTTP/1.1\r\n${host}\r\n`],
    [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [414, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`],
    [431, `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(40_000)}\r\n\r\n`],
  ];
  for (const [status, message] of bad) {
    const answer = await ground.exchange(message + smuggled);
    assert.equal(statusOf(answer), status, JSON.stringify(message.slice(0, 100)));
    assert.equal(fieldOf(answer, 'Connection'), 'close');
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, 'nothing after it is answered');
  }
  assert.equal(backend.requests, 0);
});

test('who the client is, only the edge says', async () => {
  await using backend = await HttpBackend.start((request, response) =>
    response.end(JSON.stringify(request.rawHeaders)),
  );
  await using ground = await PlaneGround.start([backend]);
  const answer = await ground.get(
    '/',
    'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\n' +
      'Forwarded: for=6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Request-Id: no good\r\nTE: trailers\r\nProxy: evil\r\nKeep-Alive: 5\r\nX-Own: kept\r\n',
  );
  const raw = JSON.parse(bodyOf(answer)) as string[];
  const fields = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]] as const] : []));
  const id = fields.find(([name]) => name === 'X-Request-Id')?.[1];
  assert.match(id ?? '', /^[0-9a-f]{24}$/);
  assert.deepEqual(fields, [
    ['Host', 'a.test'],
    ['X-Own', 'kept'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Host', 'a.test'],
    ['X-Forwarded-Port', '80'],
    ['X-Real-IP', '127.0.0.1'],
    ['Forwarded', 'for=127.0.0.1;host="a.test";proto=http'],
    ['X-Request-Id', id],
  ]);
  assert.match(await ground.get('/', 'X-Request-Id: my-own-id-1\r\n'), /"X-Request-Id","my-own-id-1"/);
});

test('hosts and paths lead to their pools; the Host is kept unless the pool rewrites it', async () => {
  await using backend = await HttpBackend.start((request, response) => response.end(`host ${request.headers.host}`));
  await using ground = await PlaneGround.start([backend], { pool: { rewriteHost: true } });
  const ask = (name: string): Promise<string> =>
    ground.exchange(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  assert.equal(bodyOf(await ask('A.Test:1234')), `host 127.0.0.1:${backend.port}`);
  assert.equal(statusOf(await ask('a.test.')), 200);
  assert.equal(statusOf(await ask('b.test')), 404);
  const page = await ask('unknown');
  assert.match(bodyOf(page), /^error 404 [0-9a-f]{24}$/);
  assert.equal(fieldOf(page, 'X-Request-Id'), bodyOf(page).slice(10));
});

test('answers without a body, and HTTP/1.0', async () => {
  await using backend = await HttpBackend.start((request, response) => {
    if (request.url === '/204') response.writeHead(204).end();
    else if (request.url === '/304') response.writeHead(304, { etag: '"x"' }).end();
    else if (request.url === '/stream') {
      response.write('one,');
      setTimeout(() => response.end('two'), 30);
    } else response.writeHead(200, { 'content-length': 5, connection: 'keep-alive', 'x-a': 'b' }).end('hello');
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  client.send(
    `HEAD / HTTP/1.1\r\n${host}\r\nGET /204 HTTP/1.1\r\n${host}\r\nGET /304 HTTP/1.1\r\n${host}\r\nGET / HTTP/1.1\r\n${host}\r\n`,
  );
  const [head = '', none = '', same = '', whole = ''] = (await client.until('hello')).split(/(?=HTTP\/1\.1)/);
  assert.deepEqual([statusOf(head), fieldOf(head, 'content-length'), bodyOf(head)], [200, '5', '']);
  assert.deepEqual(
    [statusOf(none), fieldOf(none, 'content-length'), fieldOf(none, 'transfer-encoding'), bodyOf(none)],
    [204, null, null, ''],
  );
  assert.deepEqual(
    [statusOf(same), fieldOf(same, 'etag'), fieldOf(same, 'transfer-encoding'), bodyOf(same)],
    [304, '"x"', null, ''],
  );
  assert.deepEqual([statusOf(whole), bodyOf(whole), fieldOf(whole, 'connection')], [200, 'hello', null]);

  const old = await ground.exchange(`GET / HTTP/1.0\r\n${host}\r\n`);
  assert.deepEqual([bodyOf(old), fieldOf(old, 'connection'), fieldOf(old, 'content-length')], ['hello', 'close', '5']);
  const streamed = await ground.exchange(`GET /stream HTTP/1.0\r\n${host}\r\n`);
  assert.deepEqual(
    [bodyOf(streamed), fieldOf(streamed, 'connection'), fieldOf(streamed, 'transfer-encoding')],
    ['one,two', 'close', null],
  );
  const kept = ground.connect();
  kept.send(`GET / HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n`);
  assert.equal(fieldOf(await kept.until('hello'), 'connection'), 'keep-alive');
  kept.take();
  kept.send(`GET / HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n`);
  await kept.until('hello');
  kept.socket.destroy();
});

test('100-continue: the client is told to go on, and the endpoint is not asked', async () => {
  let expected: string | undefined = 'unset';
  await using backend = await HttpBackend.start((request, response) => {
    expected = request.headers.expect;
    request.pipe(response);
  });
  await using ground = await PlaneGround.start([backend], { pool: { maxBodySize: 1000 } });
  const client = ground.connect();
  client.send(`POST / HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
  assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.take();
  client.send('hello');
  await client.until('hello');
  assert.equal(statusOf(client.take()), 200);
  assert.equal(expected, undefined);
  client.send(`POST / HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n`);
  assert.equal(statusOf(await client.until('\r\n\r\n')), 413, 'no invitation for what would be refused');
  await client.closed();
});

test('limits of size and time', async () => {
  await using backend = await HttpBackend.start((request, response) => {
    request.resume();
    request.on('end', () => response.end('ok'));
  });
  await using ground = await PlaneGround.start([backend], {
    pool: { maxBodySize: 100 },
    limits: { headTimeout: 300, bodyTimeout: 300, keepAliveTimeout: 300 },
  });
  const large = await ground.exchange(`POST / HTTP/1.1\r\n${host}Content-Length: 101\r\n\r\n`);
  assert.deepEqual([statusOf(large), fieldOf(large, 'connection')], [413, 'close']);
  const chunks = await ground.exchange(
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n40\r\n${'a'.repeat(64)}\r\n40\r\n${'a'.repeat(64)}\r\n0\r\n\r\n`,
  );
  assert.deepEqual([statusOf(chunks), fieldOf(chunks, 'connection')], [413, 'close']);
  assert.equal(backend.requests, 0);
  assert.equal(
    statusOf(
      await ground.exchange(
        `POST / HTTP/1.1\r\n${host}Connection: close\r\nContent-Length: 100\r\n\r\n${'a'.repeat(100)}`,
      ),
    ),
    200,
  );
  assert.equal(statusOf(await ground.exchange(`GET / HTTP/1.1\r\n${host}`)), 408, 'half a head');
  assert.equal(
    statusOf(await ground.exchange(`POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhe`)),
    408,
    'half a body',
  );
  assert.equal(await ground.exchange(''), '', 'silence is answered by silence');
  const client = ground.connect();
  client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await client.until('ok');
  await client.closed();
});

test('more connections than allowed are turned away', async () => {
  await using backend = await HttpBackend.start((_, response) => response.end('ok'));
  await using ground = await PlaneGround.start([backend], { limits: { maxConnections: 2 } });
  const clients = [ground.connect(), ground.connect()];
  await seen('two connections', () => ground.plane.connections() === 2);
  await ground.connect().closed();
  for (const client of clients) client.socket.destroy();
  await seen('none left', () => ground.plane.connections() === 0);
  assert.equal(statusOf(await ground.get()), 200);
});

test('answers of an upstream that cannot be trusted are 502', async () => {
  const answers: Record<string, string> = {
    '/two-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok',
    '/both': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '/line-feeds': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    '/no-http': 'hello\r\n\r\n',
    '/unasked-upgrade': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    '/interim-flood': 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100),
    '/large': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(50_000)}\r\n\r\n`,
  };
  await using backend = await RawBackend.start((socket, text) => {
    const path = / (\/\S*) /.exec(text)?.[1] ?? '';
    socket.write(answers[path] ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  await using ground = await PlaneGround.start([backend]);
  for (const path of Object.keys(answers)) {
    if (path !== '/interim-flood') assert.equal(statusOf(await ground.get(path)), 502, path);
  }
  const flood = await ground.get('/interim-flood');
  assert.match(flood, /HTTP\/1\.1 502 /);
  assert.equal(statusOf(await ground.get('/fine')), 200);
});

test('bytes after an answer are not taken for the next one', async () => {
  await using backend = await RawBackend.start((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
  });
  await using ground = await PlaneGround.start([backend]);
  const client = ground.connect();
  for (let i = 0; i < 3; i += 1) {
    client.send(`GET / HTTP/1.1\r\n${host}\r\n`);
    assert.equal(bodyOf(await client.until('ok')), 'ok');
    client.take();
  }
  client.socket.destroy();
  assert.equal(backend.connections, 3);
});

test('early hints are passed on, 100 is swallowed', async () => {
  await using backend = await RawBackend.start((socket) => {
    socket.write(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    );
  });
  await using ground = await PlaneGround.start([backend]);
  const answer = await ground.get();
  assert.match(answer, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
  assert.doesNotMatch(await ground.exchange(`GET / HTTP/1.0\r\n${host}\r\n`), /103/);
});

test('a fault in the edge costs one connection, not the others', async () => {
  await using backend = await HttpBackend.start((_, response) => response.end('ok'));
  const faults: unknown[] = [];
  await using ground = await PlaneGround.start([backend], {
    log: ({ target }) => {
      if (target === '/fault') throw new Error('planted');
    },
    fault: (error) => faults.push(error),
  });
  const other = ground.connect();
  other.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await other.until('ok');
  for (const name of ['a.test', 'unknown.test']) {
    const client = ground.connect();
    client.send(`GET /fault HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    await client.closed();
  }
  assert.deepEqual(
    faults.map((fault) => (fault as Error).message),
    ['planted', 'planted'],
  );
  other.take();
  other.send(`GET / HTTP/1.1\r\n${host}\r\n`);
  await other.until('ok');
  other.socket.destroy();
  assert.equal(ground.plane.inFlight().size, 0);
});

test('the access log says what happened', async () => {
  await using backend = await HttpBackend.start((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(201).end('made'));
  });
  await using ground = await PlaneGround.start([backend]);
  await ground.exchange(
    `POST /x?y=1 HTTP/1.1\r\n${host}Connection: close\r\nUser-Agent: t/1\r\nReferer: http://r/\r\nX-Request-Id: abcdefgh-1\r\nContent-Length: 5\r\n\r\nhello`,
  );
  const { time, durationMs, ...entry } = await ground.lastEntry();
  assert.ok(Math.abs(Date.now() - time) < hang && durationMs > 0 && durationMs < hang);
  assert.deepEqual(entry, {
    service: 'api',
    pool: 'p',
    requestId: 'abcdefgh-1',
    remote: '127.0.0.1',
    host: 'a.test',
    method: 'POST',
    target: '/x?y=1',
    protocol: 'HTTP/1.1',
    status: 201,
    bytesIn: 5,
    bytesOut: 4,
    upstream: 'e1',
    attempts: 1,
    userAgent: 't/1',
    referer: 'http://r/',
    outcome: 'complete',
  });
  assert.deepEqual(ground.plane.counters(), [
    {
      pool: 'p',
      requests: 1,
      retries: 0,
      ejections: 0,
      shed: 0,
    },
  ]);
});
