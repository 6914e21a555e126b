import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { EdgeGround, get, processesNaming, startBackend, tableTo } from './edge-fixture.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';

describe('the address of the embedded edge', () => {
  test('a port that is taken is named with its holder and the flag that picks another', async () => {
    await using ground = await EdgeGround.make();
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await assert.rejects(ground.edge({ http: { host: '127.0.0.1', port } }).ensure(), (error: unknown) => {
        assert.ok(error instanceof KapalError);
        assert.equal(error.code, 'port_taken');
        assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} .*\\(pid ${process.pid}\\)`));
        assert.match(error.hint ?? '', /--http/);
        return true;
      });
    } finally {
      server.close();
    }
    assert.deepEqual(processesNaming(ground.folder), []);
  });

  test('two data folders never share a port', async () => {
    await using first = await EdgeGround.make();
    await using second = await EdgeGround.make();
    await first.edge({ workers: 1 }).ensure();
    await assert.rejects(second.edge({ http: { host: '127.0.0.1', port: first.port } }).ensure(), {
      code: 'port_taken',
    });
  });

  test('an address that this machine does not have is refused in words', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge({ http: { host: '192.0.2.1', port: ground.port } });
    await assert.rejects(edge.ensure(), { code: 'edge_failed', message: /192\.0\.2\.1.*EADDRNOTAVAIL/ });
  });

  test('another address moves the edge, and the old port is free again', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const port = await freePort();
    const moved = await ground.edge({ http: { host: '127.0.0.1', port } }).ensure();
    assert.equal(moved.addresses.http, `127.0.0.1:${port}`);
    assert.equal((await get(port)).body, 'ok');
    await assert.rejects(get(ground.port), { code: 'ECONNREFUSED' });
    await until('the old processes to end', () => processesNaming(ground.folder).length === 5);
    const sockets = readdirSync(join(ground.folder, 'control')).filter((name) => name.startsWith('worker-'));
    assert.deepEqual(sockets.toSorted(), ['worker-2-0.sock', 'worker-2-1.sock']);
  });

  test('a wider address takes over on the same port', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge({ workers: 1 });
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const wide = await ground.edge({ http: { host: '0.0.0.0', port: ground.port }, workers: 1 }).ensure();
    assert.equal(wide.addresses.http, `0.0.0.0:${ground.port}`);
    assert.equal((await get(ground.port)).body, 'ok');
  });

  test('port 0 takes a free one, which a later daemon adopts', async () => {
    await using ground = await EdgeGround.make();
    const http = { host: '127.0.0.1', port: 0 };
    const { addresses } = await ground.edge({ http, workers: 1 }).ensure();
    assert.match(addresses.http, /^127\.0\.0\.1:[1-9]\d+$/);
    assert.deepEqual((await ground.edge({ http, workers: 1 }).ensure()).addresses, addresses);
  });

  test('a folder deeper than a socket address allows works', async () => {
    await using ground = await EdgeGround.make();
    const folder = join(ground.root, 'd'.repeat(60), 'e'.repeat(60), 'edge');
    mkdirSync(join(folder, '..'), { recursive: true });
    const edge = ground.edge({ folder, workers: 1 });
    try {
      await edge.ensure();
      await edge.apply(tableTo(1, []));
      assert.equal((await get(ground.port)).status, 503);
    } finally {
      await edge.stop(0);
    }
  });
});
