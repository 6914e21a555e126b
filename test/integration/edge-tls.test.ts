import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';
import { EdgeGround, keeperOf, Load, processesNaming, startBackend, tableTo } from './edge-fixture.ts';
import { hang, until } from '../patience.ts';
import { RawBackend } from './edge-plane-fixture.ts';
import { SecurePlane } from './edge-tls-fixture.ts';
import { makeCertificate } from './nginx-certificates.ts';

const nobody = { uid: 65534, gid: 65534 };
const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

describe('TLS of the embedded edge, its processes and files', () => {
  test('an edge without HTTPS is replaced by one with it, and no connection is refused', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const plain = ground.edge({ https: null });
    assert.equal((await plain.ensure()).addresses.https, null);
    await plain.apply(tableTo(1, [backend.port]));
    const load = new Load(ground.port);
    await load.answered(30);
    const keeper = keeperOf(ground.folder);
    const { addresses } = await ground.edge().ensure();
    assert.equal(addresses.https, `127.0.0.1:${ground.httpsPort}`);
    await load.answered(50);
    await load.stop();
    assert.notEqual(keeperOf(ground.folder), keeper);
    // What waits in the backlog of the old socket at the moment when it is closed is reset, once, when a listener is added.
    assert.deepEqual(
      load.failures.filter((failure) => failure !== 'ECONNRESET'),
      [],
    );
    assert.ok(load.failures.length <= 4, load.failures.join());
    await until('the old processes to end', () => processesNaming(ground.folder).length === 5);
    await ground.edge().present([await makeCertificate(['a.localhost'])]);
    assert.equal((await shownBy(ground.httpsPort, 'a.localhost')).done, true);
  });

  test('new workers take the sockets of HTTP and HTTPS over, and nothing fails', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const certificate = await makeCertificate(['a.localhost']);
    await edge.present([certificate]);
    const keeper = keeperOf(ground.folder);
    const failures: string[] = [];
    let running = true;
    const shaking = (async () => {
      while (running) {
        const shown = await shownBy(ground.httpsPort, 'a.localhost');
        if (!shown.done) failures.push(shown.code);
      }
    })();
    for (const workers of [1, 2]) await ground.edge({ workers }).ensure();
    running = false;
    await shaking;
    assert.deepEqual(failures, []);
    assert.equal(keeperOf(ground.folder), keeper);
  });

  test('a daemon that asks for no HTTPS takes it away', async () => {
    await using ground = await EdgeGround.make();
    await ground.edge().ensure();
    const { addresses } = await ground.edge({ https: null }).ensure();
    assert.equal(addresses.https, null);
    await until('the old processes to end', () => processesNaming(ground.folder).length === 5);
    const socket = connectTcp(ground.httpsPort, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });

  test('beside another engine it has no listener at all', async () => {
    await using ground = await EdgeGround.make();
    const { addresses, workers } = await ground.edge({ http: null, https: null }).ensure();
    assert.deepEqual([addresses, workers.length], [{ http: '', https: null }, 2]);
    const again = await ground.edge({ http: null, https: null }).ensure();
    assert.deepEqual(
      again.workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
  });

  test('a port for HTTPS that is taken is named with its flag, and port 0 takes a free one', async () => {
    await using first = await EdgeGround.make();
    await using second = await EdgeGround.make();
    await first.edge({ workers: 1 }).ensure();
    const taken = { host: '127.0.0.1', port: first.httpsPort };
    await assert.rejects(second.edge({ https: taken }).ensure(), { code: 'port_taken', hint: /HTTPS with --https/ });
    assert.deepEqual(processesNaming(second.folder), []);
    const https = { host: '127.0.0.1', port: 0 };
    const { addresses } = await second.edge({ https, workers: 1 }).ensure();
    assert.match(addresses.https ?? '', /^127\.0\.0\.1:[1-9]\d+$/);
    assert.deepEqual((await second.edge({ https, workers: 1 }).ensure()).addresses, addresses);
  });

  test('keys lie in files of the workers that nobody else reads', { skip: needsRoot }, async () => {
    await using ground = await EdgeGround.make();
    ground.open();
    const edge = ground.edge({ account: nobody, workers: 1 });
    await edge.ensure();
    const certificate = await makeCertificate(['a.localhost']);
    await edge.present([certificate]);
    await edge.apply(tableTo(1, []));
    const folder = join(ground.folder, 'certificates');
    const top = statSync(folder);
    assert.deepEqual([top.uid, top.gid, top.mode & 0o777], [0, nobody.gid, 0o750]);
    assert.deepEqual(readdirSync(folder).toSorted(), [`${certificate.id}.json`, 'tickets'].toSorted());
    for (const path of [...readdirSync(folder).map((name) => join(folder, name)), join(ground.folder, 'table.json')]) {
      const { uid, gid, mode } = statSync(path);
      assert.deepEqual([uid, gid, mode & 0o777], [nobody.uid, nobody.gid, 0o600], path);
    }
    assert.equal((await shownBy(ground.httpsPort, 'a.localhost')).done, true);
    await edge.present([]);
    assert.deepEqual(readdirSync(folder), ['tickets']);
  });

  test('the key is in no answer, description or log', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge({ workers: 1 });
    await edge.ensure();
    const certificate = await makeCertificate(['a.localhost']);
    await edge.present([certificate]);
    const secret = certificate.key.split('\n')[1] ?? '';
    assert.ok(secret.length > 20);
    const told = [await edge.describe(), JSON.stringify(await edge.status())];
    const written = readdirSync(ground.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('certificates'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    for (const text of [...told, ...written]) assert.ok(!text.includes(secret));
  });

  test('workers killed at any time come back with the certificates', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    const [old, young] = [await makeCertificate(['a.localhost']), await makeCertificate(['a.localhost'])];
    await edge.present([old]);
    for (const { pid } of workers) process.kill(pid, 'SIGKILL');
    // Handed over while no worker may be up: whoever starts reads it.
    await until('the set is taken', async () => {
      try {
        await edge.present([young]);
        return true;
      } catch {
        return false;
      }
    });
    await until('both workers', async () => (await edge.status().catch(() => null))?.workers.length === 2);
    for (let turn = 0; turn < 8; turn += 1) {
      const shown = await shownBy(ground.httpsPort, 'a.localhost');
      assert.equal(shown.done && shown.fingerprint, new X509Certificate(young.chain).fingerprint256);
    }
  });

  test('a damaged file costs the names in it, and is told', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge({ workers: 1 });
    await edge.ensure();
    const [a, b] = [await makeCertificate(['a.localhost']), await makeCertificate(['b.localhost'])];
    await edge.present([a, b]);
    await edge.stop(500);
    writeFileSync(join(ground.folder, 'certificates', `${b.id}.json`), '{"names":');
    await edge.ensure();
    assert.equal((await shownBy(ground.httpsPort, 'a.localhost')).done, true);
    assert.equal((await shownBy(ground.httpsPort, 'b.localhost')).done, false);
    assert.match(await edge.describe(), new RegExp(`trouble: certificate ${b.id}`));
    await edge.present([a, b]);
    assert.equal((await shownBy(ground.httpsPort, 'b.localhost')).done, true);
  });
});

describe('TLS of the embedded edge, its connections', () => {
  test('a client that does not come to the end of its handshake is let go', async () => {
    await using secure = await SecurePlane.start([], { handshakeTimeout: 300 });
    const silent = connectTcp(secure.port, '127.0.0.1');
    const slow = connectTcp(secure.port, '127.0.0.1');
    slow.write(Buffer.from([22, 3, 1, 2, 0, 1, 0]));
    await Promise.all([silent, slow].map((socket) => socket.resume() && once(socket, 'close')));
    await until('no connection is left', () => secure.plane.connections() === 0);
  });

  test('a hello in single bytes is read', async () => {
    await using secure = await SecurePlane.start([]);
    const raw = connectTcp({ port: secure.port, host: '127.0.0.1', noDelay: true });
    const splitting = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        for (const byte of chunk) raw.write(Buffer.of(byte));
        done();
      },
    });
    raw.on('data', (part: Buffer) => splitting.push(part));
    const client = connect({
      socket: splitting,
      servername: 'a.test',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    await once(client, 'secureConnect');
    assert.equal(client.alpnProtocol, 'h2');
    client.destroy();
    raw.destroy();
  });

  test('an answer that breaks off does not look whole', async () => {
    await using backend = await RawBackend.start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      setTimeout(() => socket.resetAndDestroy(), 300);
    });
    await using secure = await SecurePlane.start([backend.port]);
    const client = secure.connect('a.test', { ALPNProtocols: ['http/1.1'] });
    let text = '';
    let ended = false;
    client.on('data', (part: Buffer) => (text += part.toString()));
    client.on('end', () => (ended = true));
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await new Promise((resolve) => client.once('close', resolve));
    assert.match(text, /hello/);
    assert.equal(ended, false, 'without close_notify');
  });

  test('an upgraded connection is a tunnel in both directions', async () => {
    await using backend = await RawBackend.start((socket, text) => {
      if (!text.includes('\r\n\r\n')) return;
      if (text.endsWith('ping')) socket.write('pong');
      else if (text.endsWith('bye')) socket.end('goodbye');
      else socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello');
    });
    await using secure = await SecurePlane.start([backend.port]);
    const client = secure.connect('a.test', { ALPNProtocols: ['http/1.1'] });
    let text = '';
    let closed = false;
    client.on('close', () => (closed = true));
    client.on('data', (part: Buffer) => (text += part.toString()));
    client.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await until('the first word', () => text.endsWith('hello'));
    assert.match(
      text,
      /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello$/,
    );
    client.write('ping');
    await until('the second', () => text.endsWith('pong'));
    client.write('bye');
    await until('the last', () => text.endsWith('goodbye'));
    await until('the end', () => closed);
    assert.deepEqual(secure.faults, []);
  });

  test('tickets are of no use when the hours have passed or the names are others', async () => {
    await using secure = await SecurePlane.start([]);
    const session = await sessionOf(secure);
    assert.equal(await resumes(secure, session), true);
    await secure.present([await makeCertificate(['a.test'])]);
    assert.equal(await resumes(secure, session), true, 'another certificate for the same names');
    await secure.present([await makeCertificate(['a.test', 'b.test'])]);
    assert.equal(await resumes(secure, session), false, 'other names');
    await secure.present([await makeCertificate(['a.test'])]);
    secure.later = 6 * 3_600_000;
    assert.equal(await resumes(secure, session), false, 'another key');
    const next = await sessionOf(secure);
    assert.equal(await resumes(secure, next), true);
    secure.later = 30 * 3_600_000;
    await secure.present([await makeCertificate(['a.test'])]);
    assert.equal(await resumes(secure, next), false, 'another seed');
    assert.equal(await resumes(secure, await sessionOf(secure)), true);
  });

  test('of two certificates for one name the younger is presented', async () => {
    await using secure = await SecurePlane.start([]);
    const certificates: EdgeCertificate[] = [];
    for (const age of [2, 0, 1]) certificates.push(await makeCertificate(['a.test'], {}, age));
    await secure.present(certificates);
    const client = secure.connect();
    await once(client, 'secureConnect');
    const { fingerprint256 } = new X509Certificate(certificates[1]?.chain ?? '');
    assert.equal(client.getPeerX509Certificate()?.fingerprint256, fingerprint256);
    client.destroy();
  });
});

type Shown = { readonly done: true; readonly fingerprint: string } | { readonly done: false; readonly code: string };

function shownBy(port: number, servername: string): Promise<Shown> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve({ done: false, code: error.code ?? error.message }));
    socket.once('secureConnect', () => {
      resolve({ done: true, fingerprint: socket.getPeerX509Certificate()?.fingerprint256 ?? '' });
      socket.destroy();
    });
  });
}

async function sessionOf(secure: SecurePlane): Promise<Buffer> {
  const socket = secure.connect();
  const [session] = (await once(socket, 'session', { signal: AbortSignal.timeout(hang) })) as [Buffer];
  socket.destroy();
  return session;
}

async function resumes(secure: SecurePlane, session: Buffer): Promise<boolean> {
  const socket = secure.connect('a.test', { session });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.destroy();
  return resumed;
}
