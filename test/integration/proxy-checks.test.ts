import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { AddressQuestion } from '../../src/observe/probe-port.ts';
import { createProber } from '../../src/observe/prober.ts';

const prober = createProber({ version: '9.8.7' });

interface Running extends AsyncDisposable {
  readonly port: number;
}

async function listening(server: Server): Promise<Running> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const question = (port: number, more: Partial<AddressQuestion> = {}): AddressQuestion => ({
  address: '127.0.0.1',
  port,
  path: null,
  host: 'old.example.com',
  tls: null,
  timeout: 3_000,
  ...more,
});

describe('whether an upstream works', () => {
  test('is its answer at the path, else an accepted connection', async () => {
    const seen: IncomingMessage[] = [];
    const answer: RequestListener = (request, response) => {
      seen.push(request);
      response.writeHead(request.url === '/up' ? 204 : 503).end();
    };
    await using server = await listening(createServer(answer));
    assert.deepEqual(await prober.upstream(question(server.port)), {
      ok: true,
      detail: 'accepted a connection',
      refused: false,
    });
    assert.deepEqual(await prober.upstream(question(server.port, { path: '/up' })), {
      ok: true,
      detail: 'answered 204',
      refused: false,
    });
    assert.deepEqual(await prober.upstream(question(server.port, { path: '/up', content: 'ready' })), {
      ok: false,
      detail: 'answered 204 without "ready" in its body, which is empty',
      refused: false,
    });
    assert.deepEqual(await prober.upstream(question(server.port, { path: '/down' })), {
      ok: false,
      detail: 'answered 503',
      refused: false,
    });
    assert.deepEqual(
      seen.map(({ method, url, headers }) => [method, url, headers.host, headers['user-agent']]),
      [
        ['GET', '/up', 'old.example.com', 'Kapal-Health/9.8.7'],
        ['GET', '/up', 'old.example.com', 'Kapal-Health/9.8.7'],
        ['GET', '/down', 'old.example.com', 'Kapal-Health/9.8.7'],
      ],
    );
  });

  test('nobody there is said to be so', async () => {
    const { port } = await listening(createTcpServer()).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    for (const path of [null, '/up'])
      assert.deepEqual(await prober.upstream(question(port, { path })), {
        ok: false,
        detail: 'connection refused',
        refused: true,
      });
  });
});

describe('an upstream that is named', () => {
  const loopback = { address: '127.0.0.1', family: 4 };
  const codeError = (code: string) => Object.assign(new Error(code), { code });

  test('is asked at one of its addresses', async () => {
    await using server = await listening(createServer((_, response) => response.end()));
    const named = createProber({ lookUp: () => Promise.resolve([{ address: '127.0.0.9', family: 4 }, loopback]) });
    for (const path of [null, '/up'])
      assert.equal((await named.upstream(question(server.port, { address: 'app.internal', path }))).ok, true);
    assert.equal((await named.alive(question(server.port, { address: 'app.internal' }))).ok, true);
  });

  test('and does not resolve is told so, in every way of asking', async () => {
    const nowhere = createProber({ lookUp: () => Promise.reject(codeError('ENOTFOUND')) });
    const result = { ok: false, detail: 'app.internal does not resolve (ENOTFOUND)', unresolved: true };
    const tls = { serverName: null, verify: true };
    for (const how of [{}, { path: '/up' }, { path: '/up', tls }])
      assert.deepEqual(await nowhere.upstream(question(1, { address: 'app.internal', ...how })), {
        ...result,
        refused: false,
      });
    assert.deepEqual(await nowhere.alive(question(1, { address: 'app.internal' })), result);
    const real = await prober.upstream(question(1, { address: 'app.invalid' }));
    assert.match(real.detail, /^app\.invalid does not resolve \(/);
  });

  test('is asked for once while the resolver does not answer, which is not taken for silence of the upstream', async () => {
    const answer = Promise.withResolvers<readonly { address: string; family: number }[]>();
    let asked = 0;
    const slow = createProber({ lookUp: () => ((asked += 1), answer.promise) });
    await using server = await listening(createServer((_, response) => response.end()));
    const ask = (timeout: number) => slow.upstream(question(server.port, { address: 'app.internal', timeout }));
    assert.deepEqual(await Promise.all([ask(50), ask(60)]), [
      { ok: false, detail: 'app.internal does not resolve (no answer within 50 ms)', unresolved: true, refused: false },
      { ok: false, detail: 'app.internal does not resolve (no answer within 60 ms)', unresolved: true, refused: false },
    ]);
    assert.equal(asked, 1);
    const late = ask(30_000);
    answer.resolve([loopback]);
    assert.equal((await late).ok, true);
    assert.equal((await ask(30_000)).ok, true);
    assert.equal(asked, 2, 'what was answered is asked for again');
  });
});

describe('whether anything answers at all', () => {
  test('whatever the answer is', async () => {
    await using failing = await listening(createServer((_, response) => response.writeHead(500).end()));
    assert.deepEqual(await prober.alive(question(failing.port)), { ok: true, detail: 'answered 500' });
    await using other = await listening(createTcpServer((socket) => socket.end('SSH-2.0-x\r\n')));
    assert.deepEqual(await prober.alive(question(other.port)), { ok: true, detail: 'answered' });
  });

  test('not an accepted connection, and not a process that is stopped until it goes on', async () => {
    await using mute = await listening(createTcpServer());
    assert.deepEqual(await prober.alive(question(mute.port, { timeout: 200 })), {
      ok: false,
      detail: 'no answer within 200 ms',
      late: true,
    });
    const script =
      "const s = require('node:http').createServer((_, r) => r.end()).listen(0, '127.0.0.1', () => console.log(s.address().port))";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      const port = Number(said.toString());
      assert.equal((await prober.alive(question(port))).ok, true);
      child.kill('SIGSTOP');
      assert.equal((await prober.alive(question(port, { timeout: 300 }))).ok, false);
      assert.equal((await prober.upstream(question(port))).ok, true, 'the kernel still accepts for it');
      child.kill('SIGCONT');
      assert.equal((await prober.alive(question(port))).ok, true);
    } finally {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  });
});

describe('an upstream over TLS', () => {
  let folder = '';
  let server: Running;
  const names: (string | false | null)[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kapal-proxy-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=old.example.com', '-addext', 'subjectAltName=DNS:old.example.com'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const tls = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      names.push((request.socket as TLSSocket).servername ?? null);
      response.end();
    });
    tls.on('tlsClientError', () => undefined);
    server = await listening(tls);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('is asked for the Host that it is sent, or for the declared name', async () => {
    names.length = 0;
    const asked = (serverName: string | null, host = 'old.example.com:8443') =>
      prober.upstream(question(server.port, { path: '/up', host, tls: { serverName, verify: false } }));
    assert.equal((await asked(null)).ok, true);
    assert.equal((await asked('inner.example.com')).ok, true);
    assert.equal((await asked(null, `127.0.0.1:${server.port}`)).ok, true);
    assert.deepEqual(names, ['old.example.com', 'inner.example.com', false]);
  });

  test('does not work with a certificate that nobody trusts, and lives all the same', async () => {
    const tls = { serverName: null, verify: true };
    const { ok, detail } = await prober.upstream(question(server.port, { path: '/up', tls }));
    assert.deepEqual([ok, detail], [false, 'its certificate is not accepted: self-signed certificate']);
    assert.equal((await prober.alive(question(server.port, { tls }))).ok, true);
  });
});
