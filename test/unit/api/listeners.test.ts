import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { paths } from '../../../src/api/contract/paths.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { askSocket, askTcp, bearer, serve } from './serving.ts';

async function listening(at: { port: number; host: string } | string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) =>
    typeof at === 'string' ? server.listen(at, resolve) : server.listen(at, resolve),
  );
  return server;
}

const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));

function refuses(code: KapalError['code'], message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KapalError && error.code === code && message.test(error.message);
}

describe('listeners', () => {
  test('only the owner can open the socket, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await using served = await serve();
      assert.equal((await stat(served.socketPath)).mode & 0o777, 0o600);
    } finally {
      process.umask(before);
    }
  });

  test('both listeners answer, and none after close', async () => {
    const served = await serve();
    assert.equal((await askSocket(served, paths.status)).status, 200);
    assert.equal((await askTcp(served, paths.status, { headers: bearer })).status, 200);
    await served[Symbol.asyncDispose]();
    await assert.rejects(askSocket(served, paths.status), { code: 'ENOENT' });
    await assert.rejects(askTcp(served, paths.status), { code: 'ECONNREFUSED' });
  });

  test('a socket file that nobody answers on is replaced', async () => {
    const data = await mkdtemp(join(tmpdir(), 'kapal-api-'));
    // A plain file stands for the socket of a killed daemon: connect(2) refuses both, bind(2) as well.
    await writeFile(join(data, 'kapal.sock'), '');
    await using served = await serve({}, { data });
    assert.equal((await askSocket(served, paths.status)).status, 200);
  });

  test('a socket that somebody answers on is left alone', async () => {
    const data = await mkdtemp(join(tmpdir(), 'kapal-api-'));
    const other = await listening(join(data, 'kapal.sock'));
    try {
      await assert.rejects(serve({}, { data }), refuses('daemon_running', /answers on .*kapal\.sock already/));
      assert.ok((await stat(join(data, 'kapal.sock'))).isSocket());
    } finally {
      await closed(other);
      await rm(data, { recursive: true });
    }
  });

  test('a port that is held is named with its holder, and the socket is given up', async () => {
    const other = await listening({ port: 0, host: '127.0.0.1' });
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const data = await mkdtemp(join(tmpdir(), 'kapal-api-'));
    try {
      const begun = serve({}, { data, port, describeHolder: (held) => `nginx on ${held}` });
      await assert.rejects(
        begun,
        refuses('port_taken', new RegExp(`port ${port} of 127.0.0.1 is held by nginx on ${port}`)),
      );
      await assert.rejects(stat(join(data, 'kapal.sock')), { code: 'ENOENT' });
    } finally {
      await closed(other);
      await rm(data, { recursive: true });
    }
  });

  test('an address that is not of this machine is wrong usage', async () => {
    const data = await mkdtemp(join(tmpdir(), 'kapal-api-'));
    try {
      await assert.rejects(serve({}, { data, host: '203.0.113.9' }), refuses('usage', /no address 203\.0\.113\.9/));
    } finally {
      await rm(data, { recursive: true });
    }
  });

  test('every interface is reached by the loopback one', async () => {
    await using served = await serve({}, { host: '0.0.0.0' });
    assert.match(served.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await askTcp(served, paths.status, { headers: bearer })).status, 200);
  });

  test('what is no HTTP is answered in the shape of failures, and the connection closed', async () => {
    await using served = await serve();
    const said = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(served.socketPath, () => socket.write('hello\r\n\r\n'));
      socket.on('data', (piece) => (text += piece.toString()));
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    assert.match(said, /^HTTP\/1\.1 400 [\s\S]*"code":"usage"/);
  });
});
