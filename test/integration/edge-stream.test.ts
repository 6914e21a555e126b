import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { StreamRelay } from '../../src/edge/embedded/stream.ts';
import type { ProxyPool } from '../../src/edge/pool.ts';
import { proxyPool } from '../conformance/edge.ts';
import { EdgeGround, tableTo } from './edge-fixture.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';

/** A TCP server that answers with its name and then whatever it is sent. */
async function echo(name: string): Promise<{ readonly port: number; readonly sockets: Set<Socket> } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Says something over a connection of its own, ends its side and answers with all that came back. */
async function say(port: number, text: string | Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(text);
  return (await buffer(socket)).toString();
}

class Relay implements Disposable {
  readonly relay = new StreamRelay();
  readonly port: number;

  constructor(port: number, pool: ProxyPool) {
    this.port = port;
    this.apply(pool);
  }

  apply(pool: ProxyPool): void {
    this.relay.apply({ streams: [{ port: this.port, pool: pool.id }], pools: [pool] });
  }

  async listening(): Promise<this> {
    await until('the listener', async () => {
      const socket = connect(this.port, '127.0.0.1');
      const open = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      return open;
    });
    await until('the trial to be over', () => this.relay.inFlight().size === 0);
    return this;
  }

  [Symbol.dispose](): void {
    this.relay.close();
  }
}

describe('private streams', () => {
  test('bytes go both ways, a half-closed side is passed on, endpoints take turns', async () => {
    await using a = await echo('a');
    await using b = await echo('b');
    using relay = new Relay(await freePort(), proxyPool('p', [a.port, b.port]));
    await relay.listening();
    const answers = await Promise.all([1, 2, 3, 4].map(() => say(relay.port, 'hi')));
    assert.deepEqual(answers.toSorted(), ['a:hi', 'a:hi', 'b:hi', 'b:hi']);
    await until('nothing in flight', () => relay.relay.inFlight().size === 0);
  });

  test('megabytes pass unchanged, as slowly as the reader reads', async () => {
    await using a = await echo('a');
    using relay = new Relay(await freePort(), proxyPool('p', [a.port]));
    await relay.listening();
    const sent = Buffer.alloc(8 << 20, 'abcdefgh');
    assert.equal(await say(relay.port, sent), `a:${sent.toString()}`);
  });

  test('an endpoint that refuses is passed over, and with none left the client is reset', async () => {
    await using a = await echo('a');
    const dead = await freePort();
    using relay = new Relay(await freePort(), proxyPool('p', [dead, a.port]));
    await relay.listening();
    for (let count = 0; count < 4; count += 1) assert.equal(await say(relay.port, 'x'), 'a:x');
    relay.apply(proxyPool('p', [dead]));
    await assert.rejects(say(relay.port, 'x'), { code: 'ECONNRESET' });
    relay.apply(proxyPool('p', []));
    await assert.rejects(say(relay.port, 'x'), { code: 'ECONNRESET' });
    assert.equal(relay.relay.inFlight().size, 0);
  });

  test('least connections takes the endpoint with the fewest for its weight', async () => {
    await using a = await echo('a');
    await using b = await echo('b');
    const pool = proxyPool('p', [a.port, b.port]);
    const [first, second] = pool.endpoints;
    assert.ok(first !== undefined && second !== undefined);
    using relay = new Relay(await freePort(), {
      ...pool,
      balance: 'least-connections',
      endpoints: [first, { ...second, weight: 3 }],
    });
    await relay.listening();
    const sockets: Socket[] = [];
    for (let count = 1; count <= 8; count += 1) {
      sockets.push(connect(relay.port, '127.0.0.1'));
      await until('one more', () => a.sockets.size + b.sockets.size === count);
    }
    assert.deepEqual([a.sockets.size, b.sockets.size], [2, 6]);
    for (const socket of sockets) socket.destroy();
  });

  test('a connection stays with its endpoint and counts there after it left the table; draining waits for it', async () => {
    await using a = await echo('a');
    await using b = await echo('b');
    using relay = new Relay(await freePort(), proxyPool('p', [a.port]));
    await relay.listening();
    const socket = connect(relay.port, '127.0.0.1');
    await once(socket, 'data');
    relay.apply({
      ...proxyPool('p', [b.port]),
      endpoints: [{ id: 'new', host: '127.0.0.1', port: b.port, weight: 1 }],
    });
    assert.deepEqual([...relay.relay.inFlight()], [['p1', 1]]);
    assert.equal(await say(relay.port, 'x'), 'b:x');
    let drained = false;
    const drain = relay.relay.drain().then(() => (drained = true));
    await assert.rejects(say(relay.port, 'x'), { code: 'ECONNREFUSED' });
    assert.equal(drained, false);
    socket.end();
    await drain;
    assert.equal(relay.relay.inFlight().size, 0);
  });

  test('a client that leaves frees its endpoint, and an endpoint that dies ends its client', async () => {
    await using a = await echo('a');
    using relay = new Relay(await freePort(), proxyPool('p', [a.port]));
    await relay.listening();
    const leaving = connect(relay.port, '127.0.0.1');
    await once(leaving, 'data');
    leaving.resetAndDestroy();
    await until('the endpoint to be free', () => a.sockets.size === 0 && relay.relay.inFlight().size === 0);
    const staying = connect(relay.port, '127.0.0.1');
    staying.on('error', () => undefined);
    await once(staying, 'data');
    const closed = once(staying, 'close');
    for (const socket of a.sockets) socket.resetAndDestroy();
    await closed;
  });

  test('a port that is taken is reported and opened once it is free', async () => {
    await using a = await echo('a');
    const holder = createServer();
    holder.listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    using relay = new Relay(port, proxyPool('p', [a.port]));
    await until('the problem', () => relay.relay.problems().some((text) => text.includes(String(port))));
    holder.close();
    await until('the port', () => relay.relay.problems().length === 0);
    assert.equal(await say(port, 'x'), 'a:x');
  });

  test('a private port that another program holds is told by describe, and harms no other route', async () => {
    await using ground = await EdgeGround.make();
    await using holder = await echo('stranger');
    await using a = await echo('a');
    const port = await freePort();
    const edge = ground.edge();
    await edge.ensure();
    const streams = [holder.port, port].map((each) => ({ port: each, pool: 'p' }));
    await edge.apply(tableTo(1, [a.port], { streams }));
    await until('the trouble', async () =>
      (await edge.describe()).includes(`trouble: private port 127.0.0.1:${holder.port}`),
    );
    assert.equal(await say(port, 'x'), 'a:x');
  });

  test('through the whole edge: every worker takes part, and the table moves the stream', async () => {
    await using ground = await EdgeGround.make();
    await using a = await echo('a');
    await using b = await echo('b');
    const port = await freePort();
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [a.port], { streams: [{ port, pool: 'p' }] }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => say(port, 'x')));
    assert.deepEqual(new Set(answers), new Set(['a:x']));
    const open = connect(port, '127.0.0.1');
    await once(open, 'data');
    assert.deepEqual([...(await edge.inFlight())], [['p1', 1]]);
    await edge.apply(tableTo(2, [b.port], { streams: [{ port, pool: 'p' }] }));
    assert.equal(await say(port, 'x'), 'b:x');
    open.destroy();
    await until('nothing in flight', async () => (await edge.inFlight()).size === 0);
    await edge.apply(tableTo(3, [b.port]));
    await assert.rejects(say(port, 'x'), { code: 'ECONNREFUSED' });
  });
});
