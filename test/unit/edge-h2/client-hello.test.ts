import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import fc from 'fast-check';
import { readClientHello } from '../../../src/edge/embedded/tls/client-hello.ts';
import { covers, Selection } from '../../../src/edge/embedded/tls/selection.ts';

/** What Node's client says first. */
async function hello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

describe('ClientHello', () => {
  test('tells name and protocols, and needs all of its bytes', async () => {
    const bytes = await hello({ servername: 'Www.Example.com', ALPNProtocols: ['h2', 'http/1.1'] });
    const expected = { serverName: 'www.example.com', protocols: ['h2', 'http/1.1'] };
    assert.deepEqual(readClientHello(bytes), expected);
    for (let length = 0; length < bytes.length; length += 1) {
      assert.equal(readClientHello(bytes.subarray(0, length)), 'incomplete', `${length} bytes`);
    }
  });

  test('may leave both out', async () => {
    assert.deepEqual(readClientHello(await hello({})), { serverName: null, protocols: [] });
  });

  test('may be spread over records', async () => {
    const bytes = await hello({ servername: 'a.test', ALPNProtocols: ['acme-tls/1'] });
    const message = bytes.subarray(5);
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += 50) {
      const part = message.subarray(at, at + 50);
      records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
    }
    assert.deepEqual(readClientHello(Buffer.concat(records)), { serverName: 'a.test', protocols: ['acme-tls/1'] });
  });

  test('whatever comes, it is read, incomplete or malformed', async () => {
    const bytes = await hello({ servername: 'a.test', ALPNProtocols: ['h2'] });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        const read = readClientHello(changed);
        if (typeof read !== 'string') assert.match(read.serverName ?? '', /^[a-z0-9._-]*$/);
      }),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (noise) => void readClientHello(Buffer.from(noise))));
  });
});

describe('the selection of certificates', () => {
  const named = (names: string[], notBefore = 0): { names: string[]; notBefore: number } => ({ names, notBefore });

  test('exact before wildcard, the youngest of several, one label for a star', () => {
    const wild = named(['*.a.test']);
    const exact = named(['www.a.test', 'a.test'], 1);
    const younger = named(['a.test'], 2);
    const selection = new Selection([younger, wild, exact]);
    assert.equal(selection.find('www.a.test'), exact);
    assert.equal(selection.find('x.a.test'), wild);
    assert.equal(selection.find('a.test'), younger);
    for (const name of ['x.y.a.test', 'test', '.a.test', '*.a', '']) assert.equal(selection.find(name), null, name);
  });

  test('a proof is none for traffic', () => {
    const proof = { ...named(['a.test']), purpose: 'acme-tls/1' as const };
    const selection = new Selection([proof]);
    assert.deepEqual([selection.find('a.test'), selection.findProof('a.test')], [null, proof]);
  });

  test('a host is covered by its name or a wildcard over it', () => {
    const names = new Set(['a.test', '*.b.test']);
    for (const host of ['a.test', 'x.b.test']) assert.ok(covers(names, host), host);
    for (const host of ['b.test', 'x.y.b.test', 'x.a.test', '', 'test']) assert.ok(!covers(names, host), host);
  });
});
