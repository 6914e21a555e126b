import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createProber } from '../../src/observe/prober.ts';

const prober = createProber({ version: '9.8.7' });

interface Running extends AsyncDisposable {
  readonly port: number;
}

async function listening(server: Server, host = '127.0.0.1'): Promise<Running> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

const web = (answer: RequestListener, host?: string): Promise<Running> => listening(createServer(answer), host);

const ask = (port: number, more: { path?: string; timeout?: number; content?: string } = {}) =>
  prober.http({ port, path: '/healthz', host: 'api.localhost', timeout: 2000, ...more });

/** A port on which nothing listens: it was given and given back. */
async function freePort(): Promise<number> {
  await using server = await listening(createTcpServer());
  return server.port;
}

describe('http', () => {
  test('200 to 399 is ready, redirects are not followed, all else is not, and each is said', async () => {
    await using server = await web((request, response) =>
      response.writeHead(Number(request.url?.slice(1)), { Location: '/500' }).end(),
    );
    for (const [status, ok] of [
      [200, true],
      [204, true],
      [301, true],
      [399, true],
      [400, false],
      [404, false],
      [500, false],
      [503, false],
    ] as const) {
      assert.deepEqual(await ask(server.port, { path: `/${status}` }), { ok, detail: `answered ${status}` });
    }
  });

  test('a text that was asked for is looked for in the body, and what came instead is said', async () => {
    const long = 'x'.repeat(80 * 1024);
    const bodies: Readonly<Record<string, readonly string[]>> = {
      '/ready': ['all is rea', 'dy\n'],
      '/starting': ['{"state":\n"starting"}'],
      '/empty': [''],
      '/long': [long, 'ready'],
      '/early': ['ready', long],
      '/broken': ['not yet'],
    };
    await using server = await web((request, response) => {
      for (const part of bodies[request.url ?? ''] ?? []) response.write(part);
      if (request.url === '/broken') setImmediate(() => response.destroy());
      else if (request.url !== '/early') response.end();
    });
    const content = 'ready';
    const said = async (path: string) => ask(server.port, { path, content });
    assert.deepEqual(await said('/ready'), { ok: true, detail: 'answered 200' });
    // Nothing is waited for once it is there.
    assert.deepEqual(await said('/early'), { ok: true, detail: 'answered 200' });
    assert.deepEqual(await said('/starting'), {
      ok: false,
      detail: String.raw`answered 200 without "ready" in its body, which is "{\"state\":\n\"starting\"}"`,
    });
    assert.deepEqual(await said('/empty'), {
      ok: false,
      detail: 'answered 200 without "ready" in its body, which is empty',
    });
    assert.match((await said('/long')).detail, /the first 64 KiB of which were looked at: "x{57}\.\.\."$/);
    assert.match((await said('/broken')).detail, /^answered 200 without "ready" in its body, which is "not yet"$/);
  });

  test('the status counts before the text', async () => {
    await using server = await web((_, response) => response.writeHead(503).end('ready'));
    assert.deepEqual(await ask(server.port, { content: 'ready' }), { ok: false, detail: 'answered 503' });
  });

  test('the request is a plain GET that names itself and closes its connection', async () => {
    let seen: { method: string | undefined; url: string | undefined; headers: IncomingHttpHeaders } | null = null;
    await using server = await web((request, response) => {
      seen = { method: request.method, url: request.url, headers: request.headers };
      response.end('fine');
    });
    await ask(server.port, { path: '/healthz?deep=1' });
    assert.deepEqual(seen, {
      method: 'GET',
      url: '/healthz?deep=1',
      headers: { host: 'api.localhost', 'user-agent': 'Kapal-Health/9.8.7', accept: '*/*', connection: 'close' },
    });
  });

  test('nothing there, silence, a hang-up, noise and an upgrade each have their words', async () => {
    assert.deepEqual(await ask(await freePort()), { ok: false, detail: 'connection refused' });
    await using silent = await listening(createTcpServer());
    assert.deepEqual(await ask(silent.port, { timeout: 100 }), {
      ok: false,
      detail: 'no answer within 100 ms',
      late: true,
    });
    await using rude = await listening(createTcpServer((socket) => socket.once('data', () => socket.destroy())));
    assert.deepEqual(await ask(rude.port), { ok: false, detail: 'closed the connection without an answer' });
    await using polite = await listening(createTcpServer((socket) => socket.once('data', () => socket.end())));
    assert.deepEqual(await ask(polite.port), { ok: false, detail: 'closed the connection without an answer' });
    await using noisy = await listening(createTcpServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
    assert.deepEqual(await ask(noisy.port), { ok: false, detail: 'answered something that is not HTTP' });
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    await using upgrading = await listening(
      createTcpServer((socket) => socket.once('data', () => socket.write(switching))),
    );
    assert.deepEqual(await ask(upgrading.port), { ok: false, detail: 'answered 101' });
  });

  test('whole seconds are said as seconds', async () => {
    await using silent = await listening(createTcpServer());
    assert.deepEqual(await ask(silent.port, { timeout: 1000 }), {
      ok: false,
      detail: 'no answer within 1 s',
      late: true,
    });
  });

  test('a path that cannot be sent is an answer, not an exception', async () => {
    await using server = await web((_request, response) => response.end());
    const { ok, detail } = await ask(server.port, { path: '/a b\n' });
    assert.equal(ok, false);
    assert.match(detail, /unescaped characters/);
  });

  test('the head decides; an endless body is let go, and its connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await web((_request, response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
      };
      response.on('drain', pour);
      response.on('close', () => closed.resolve());
      pour();
    });
    assert.deepEqual(await ask(server.port), { ok: true, detail: 'answered 200' });
    await closed.promise;
  });

  test('a body that stalls is let go when the time is over', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await web((_request, response) => {
      response.on('close', () => closed.resolve());
      response.writeHead(200, { 'Content-Length': '10' });
      response.write('x');
    });
    assert.equal((await ask(server.port, { timeout: 200 })).ok, true);
    await closed.promise;
  });

  test('an app on ::1 alone is not: the edge asks 127.0.0.1', async (context) => {
    const six = await web((_request, response) => response.end(), '::1').catch(() => null);
    if (six === null) return context.skip('no IPv6 here');
    await using server = six;
    assert.deepEqual(await ask(server.port), { ok: false, detail: 'connection refused' });
    assert.equal((await prober.tcp({ port: server.port, timeout: 1000 })).ok, false);
  });

  test('many at once are answered each', async () => {
    await using server = await web((_request, response) => response.end());
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(server.port, { timeout: 10_000 })));
    assert.ok(answers.every((answer) => answer.ok));
  });
});

describe('tcp', () => {
  test('an accepted connection is enough, and it is closed without a reset', async () => {
    const ended = Promise.withResolvers<string>();
    await using server = await listening(
      createTcpServer((socket) => {
        socket.on('end', () => ended.resolve('end'));
        socket.on('error', () => ended.resolve('reset'));
        socket.resume();
      }),
    );
    assert.deepEqual(await prober.tcp({ port: server.port, timeout: 1000 }), {
      ok: true,
      detail: 'accepted a connection',
    });
    assert.equal(await ended.promise, 'end');
  });

  test('refusal is said', async () => {
    assert.deepEqual(await prober.tcp({ port: await freePort(), timeout: 1000 }), {
      ok: false,
      detail: 'connection refused',
    });
  });
});
