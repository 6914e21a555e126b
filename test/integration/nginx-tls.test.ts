import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { RouteTable } from '../../src/edge/port.ts';
import { proxyPool } from '../conformance/edge.ts';
import { startBackend } from './edge-fixture.ts';
import { until } from '../patience.ts';
import { makeCertificate } from './nginx-certificates.ts';
import { complaintsOf, NginxGround } from './nginx-ground.ts';

const hosts = ['a.localhost', 'b.localhost', 'x.w.localhost', 'c.localhost'];

function table(version: number, port: number): RouteTable {
  const routes = hosts.map((host) => ({ host, path: '/', pool: 'p' }));
  return { version, routes, pools: [proxyPool('p', [port])], streams: [] };
}

/** A connection whose handshake is done. The certificate is not looked at by the client: the cases do. */
async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Names of the certificate that a client sees. */
async function namesSeen(port: number, options: ConnectionOptions): Promise<string> {
  const socket = await handshake(port, options);
  socket.on('error', () => undefined);
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  socket.destroy();
  return names;
}

/** Everything that comes after one request, to the end. */
async function exchange(socket: TLSSocket, host: string): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  socket.on('error', () => undefined);
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  // Not `once`: it would reject with the reset that ends a connection which serves nothing.
  await new Promise((resolve) => (socket.closed ? resolve(null) : socket.once('close', resolve)));
  return text;
}

const unrecognized = { code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' };

describe('TLS of the nginx edge', () => {
  test('a certificate by name, exact before wildcard; refusal with unrecognized_name without one', async () => {
    await using ground = await NginxGround.make();
    const edge = ground.edge();
    await edge.ensure();
    await assert.rejects(namesSeen(ground.httpsPort, { servername: 'a.localhost' }), unrecognized);
    const wild = await makeCertificate(['*.w.localhost', 'b.localhost']);
    await edge.present([await makeCertificate(['a.localhost']), wild, await makeCertificate(['x.w.localhost'])]);
    const seen = (servername: string, more: ConnectionOptions = {}) =>
      namesSeen(ground.httpsPort, { servername, ...more });
    assert.equal(await seen('a.localhost'), 'DNS:a.localhost');
    assert.equal(await seen('A.LocalHost', { maxVersion: 'TLSv1.2' }), 'DNS:a.localhost');
    assert.equal(await seen('x.w.localhost'), 'DNS:x.w.localhost');
    assert.equal(await seen('y.w.localhost'), 'DNS:*.w.localhost, DNS:b.localhost');
    for (const name of ['z.y.w.localhost', 'w.localhost', 'none.localhost'])
      await assert.rejects(seen(name), unrecognized);
    await assert.rejects(seen('none.localhost', { maxVersion: 'TLSv1.2' }), unrecognized);
    await assert.rejects(namesSeen(ground.httpsPort, {}), unrecognized);
    await edge.present([wild]);
    await assert.rejects(seen('a.localhost'), unrecognized);
    assert.equal(await seen('x.w.localhost'), 'DNS:*.w.localhost, DNS:b.localhost');
  });

  test('a resumed session ends with its certificate too', async () => {
    await using ground = await NginxGround.make();
    const edge = ground.edge({ workers: 2 });
    await edge.ensure();
    await edge.present([await makeCertificate(['a.localhost'])]);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { servername: 'a.localhost', maxVersion };
      const first = await handshake(ground.httpsPort, options);
      let session: Buffer | undefined = maxVersion === 'TLSv1.2' ? first.getSession() : undefined;
      first.on('session', (given: Buffer) => (session = given));
      first.on('error', () => undefined);
      first.write('GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n');
      first.resume();
      await until('a session', () => session !== undefined);
      const again = await handshake(ground.httpsPort, { ...options, session });
      assert.equal(again.isSessionReused(), true, maxVersion);
      again.destroy();
      first.destroy();
      await edge.present([]);
      await assert.rejects(handshake(ground.httpsPort, { ...options, session }), unrecognized);
      await edge.present([await makeCertificate(['a.localhost'])]);
    }
  });

  test('open connections keep their certificate, and what they ask under another name is misdirected', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(table(1, backend.port));
    const both = await makeCertificate(['b.localhost', '*.w.localhost']);
    await edge.present([await makeCertificate(['a.localhost']), both]);
    const to = (servername: string): Promise<TLSSocket> => handshake(ground.httpsPort, { servername });
    assert.match(await exchange(await to('a.localhost'), 'a.localhost'), /^HTTP\/1\.1 200 /);
    assert.match(await exchange(await to('a.localhost'), 'b.localhost'), /^HTTP\/1\.1 421 /);
    assert.match(await exchange(await to('a.localhost'), 'c.localhost'), /^HTTP\/1\.1 421 /);
    assert.match(await exchange(await to('b.localhost'), 'x.w.localhost'), /^HTTP\/1\.1 200 /);
    const open = await to('a.localhost');
    await edge.present([both]);
    assert.match(await exchange(open, 'a.localhost'), /^HTTP\/1\.1 200 /);
  });

  test('HTTP/2 where the client speaks it', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(table(1, backend.port));
    await edge.present([await makeCertificate(['a.localhost'])]);
    const session = connectHttp2(`https://a.localhost:${ground.httpsPort}`, {
      createConnection: () =>
        connect({
          host: '127.0.0.1',
          port: ground.httpsPort,
          servername: 'a.localhost',
          ALPNProtocols: ['h2'],
          rejectUnauthorized: false,
        }),
    });
    try {
      const stream = session.request({ ':path': '/', ':authority': 'a.localhost' });
      const [headers] = (await once(stream, 'response')) as [{ readonly ':status'?: number }];
      assert.equal(headers[':status'], 200);
      stream.resume();
      await once(stream, 'end');
    } finally {
      session.destroy();
    }
  });

  test('acme-tls/1 sees the certificate of the challenge and nothing else, and only who asks for it', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(table(1, backend.port));
    const usual = await makeCertificate(['a.localhost', 'b.localhost']);
    const challenge = await makeCertificate(['a.localhost'], { purpose: 'acme-tls/1' });
    await edge.present([usual, challenge]);
    const asking = { servername: 'a.localhost', ALPNProtocols: ['acme-tls/1'] };
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake(ground.httpsPort, { ...asking, maxVersion });
      assert.equal(socket.alpnProtocol, 'acme-tls/1');
      assert.equal(socket.getPeerX509Certificate()?.subjectAltName, 'DNS:a.localhost');
      assert.equal(await exchange(socket, 'a.localhost'), '');
    }
    assert.match(await namesSeen(ground.httpsPort, { servername: 'a.localhost' }), /b\.localhost/);
    await assert.rejects(handshake(ground.httpsPort, { ...asking, servername: 'b.localhost' }), unrecognized);
  });

  test('many challenges between requests, on both workers: none is served another’s, and no worker dies', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(table(1, backend.port));
    const challenge = await makeCertificate(['b.localhost'], { purpose: 'acme-tls/1' });
    await edge.present([await makeCertificate(['a.localhost']), challenge]);
    const lane = async (): Promise<void> => {
      for (let number = 0; number < 40; number += 1) {
        const socket = await handshake(ground.httpsPort, {
          servername: 'b.localhost',
          ALPNProtocols: ['acme-tls/1'],
          maxVersion: number % 2 === 0 ? 'TLSv1.2' : 'TLSv1.3',
        });
        assert.equal(socket.alpnProtocol, 'acme-tls/1');
        assert.equal(socket.getPeerX509Certificate()?.subjectAltName, 'DNS:b.localhost');
        socket.on('error', () => undefined);
        socket.destroy();
        const usual = await handshake(ground.httpsPort, { servername: 'a.localhost' });
        assert.match(await exchange(usual, 'a.localhost'), /^HTTP\/1\.1 200 /);
      }
    };
    await Promise.all(Array.from({ length: 6 }, lane));
    assert.deepEqual(
      (await edge.status()).workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
    await edge.stop(1000);
    assert.deepEqual(complaintsOf(ground.folder), []);
  });

  test('certificates are there after a start, and what is not sound is refused by name', async () => {
    await using ground = await NginxGround.make();
    const edge = ground.edge();
    await edge.ensure();
    const sound = await makeCertificate(['a.localhost']);
    await edge.present([sound]);
    const other = await makeCertificate(['b.localhost']);
    const isNamed = (error: { code?: string; message?: string }): boolean =>
      error.code === 'edge_failed' && (error.message ?? '').includes('b.localhost');
    await assert.rejects(edge.present([sound, { ...other, key: sound.key }]), isNamed);
    await assert.rejects(edge.present([sound, { ...other, chain: 'no PEM' }]), isNamed);
    await assert.rejects(edge.present([sound, { ...other, id: 'x' }]), isNamed);
    await edge.stop(1000);
    await ground.edge().ensure();
    assert.equal(await namesSeen(ground.httpsPort, { servername: 'a.localhost' }), 'DNS:a.localhost');
  });
});
