import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProxyPool } from '../../src/edge/pool.ts';
import type { Edge, RouteTable } from '../../src/edge/port.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { proxyPool } from '../conformance/edge.ts';
import { secureBackend } from '../conformance/secure-backend.ts';
import { type Backend, get, startBackend, tableTo } from './edge-fixture.ts';
import { makeCertificate } from './nginx-certificates.ts';
import { NginxGround } from './nginx-ground.ts';

/** A table whose one pool leads to these `host:port`. */
function tableOf(version: number, upstreams: readonly string[], more: Partial<ProxyPool> = {}): RouteTable {
  const endpoints = upstreams.map((id) => {
    const [host = '', port = ''] = id.split(':');
    return { id, host, port: Number(port), weight: 1 };
  });
  return tableTo(version, [], { pools: [{ ...proxyPool('p', []), endpoints, ...more }] });
}

/** A machine on which these names have these addresses; its time is turned on by hand. */
class World {
  readonly addresses = new Map<string, readonly string[]>();
  asked = 0;
  #ahead = 0;

  readonly clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + this.#ahead };

  readonly lookUp = async (name: string): Promise<readonly string[]> => {
    this.asked += 1;
    const found = this.addresses.get(name);
    if (found === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return found;
  };

  /** Lets so many milliseconds pass, after which the daemon has its regular look. */
  async pass(milliseconds: number, edge: Edge): Promise<void> {
    this.#ahead += milliseconds;
    await edge.ensure();
  }
}

/** Answers its name and the Host that it was sent. */
function named(name: string): Promise<Backend> {
  return startBackend((asked, response) => response.end(`${name} ${asked.headers.host}`));
}

describe('upstreams that are named, over nginx', () => {
  test('are asked under their address, which follows the name and stays while it does not resolve', async () => {
    await using ground = await NginxGround.make();
    await using one = await named('one');
    const world = new World();
    const edge = ground.edge({ clock: world.clock, lookUp: world.lookUp });
    await edge.ensure();
    world.addresses.set('app.internal', ['::1', '127.0.0.2', '127.0.0.1']);
    await edge.apply(tableOf(1, [`app.internal:${one.port}`], { rewriteHost: true }));
    assert.equal((await get(ground.port)).body, `one app.internal:${one.port}`);
    world.addresses.set('app.internal', ['127.0.0.1', '127.0.0.7']);
    await world.pass(1_000, edge);
    assert.equal(world.asked, 1, 'the answer is still fresh');
    await world.pass(30_000, edge);
    assert.equal(world.asked, 2);
    assert.equal((await get(ground.port)).status, 200);
    world.addresses.delete('app.internal');
    await world.pass(30_000, edge);
    assert.equal((await get(ground.port)).status, 200);
    assert.match(await edge.describe(), /^# app\.internal does not resolve \(ENOTFOUND\): 127\.0\.0\.1 is used on$/m);
    const next = ground.edge({ clock: world.clock, lookUp: world.lookUp });
    await next.ensure();
    await next.apply(tableOf(2, [`app.internal:${one.port}`]));
    assert.equal((await get(ground.port)).status, 200, 'a new daemon goes on from what the last one knew');
  });

  test('that do not resolve are left out and told, and taken in once they do', async () => {
    await using ground = await NginxGround.make();
    await using one = await named('one');
    const world = new World();
    const edge = ground.edge({ clock: world.clock, lookUp: world.lookUp });
    await edge.ensure();
    world.addresses.set('one.internal', ['127.0.0.1']);
    await edge.apply(tableOf(1, [`one.internal:${one.port}`, `two.internal:${one.port}`]));
    for (let i = 0; i < 6; i += 1) assert.equal((await get(ground.port)).status, 200);
    assert.match(await edge.describe(), /^# two\.internal does not resolve \(ENOTFOUND\): left out$/m);
    assert.deepEqual(ground.notes, ['edge: two.internal does not resolve (ENOTFOUND): left out']);
    await edge.apply(tableOf(2, [`two.internal:${one.port}`]));
    assert.equal((await get(ground.port)).status, 503);
    world.addresses.set('two.internal', ['127.0.0.1']);
    await world.pass(5_000, edge);
    assert.equal((await get(ground.port)).status, 200);
    assert.doesNotMatch(await edge.describe(), /does not resolve/);
  });

  test('are asked for their own name over TLS where they are told their own address', async () => {
    await using ground = await NginxGround.make();
    await using backend = await secureBackend('secure', await makeCertificate(['one.internal']));
    const world = new World();
    const edge = ground.edge({ clock: world.clock, lookUp: world.lookUp });
    await edge.ensure();
    for (const name of ['one.internal', 'two.internal']) world.addresses.set(name, ['127.0.0.1']);
    const own = { rewriteHost: true, tls: { serverName: null, verify: false } };
    const [one, two] = [`one.internal:${backend.port}`, `two.internal:${backend.port}`];
    await edge.apply(tableOf(1, [one], own));
    assert.equal((await get(ground.port)).body, `secure ${one}`);
    assert.equal(backend.asked.at(-1), 'one.internal');
    await edge.apply(tableOf(2, [one, two], own));
    for (let i = 0; i < 4; i += 1) {
      const host = (await get(ground.port)).body.split(' ')[1]?.split(':')[0];
      assert.equal(backend.asked.at(-1), host);
    }
    assert.deepEqual(new Set(backend.asked), new Set(['one.internal', 'two.internal']));
  });

  test('are found as this machine finds them', async () => {
    await using ground = await NginxGround.make();
    await using one = await named('one');
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableOf(1, [`localhost:${one.port}`]));
    assert.equal((await get(ground.port)).status, 200);
  });
});
