import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import type { ProxyPool } from '../../src/edge/pool.ts';
import type { Edge, RouteTable } from '../../src/edge/port.ts';

/** An edge that nothing else knows of, and its end: after `dispose` no process and no file of it is left. */
export interface EdgeUnderTest extends AsyncDisposable {
  readonly edge: Edge;
  /** Another driver over the same folder, as a restarted daemon makes one. */
  again(): Edge;
}

/** What every driver of the Edge port does. */
export function edgeConformance(name: string, make: () => Promise<EdgeUnderTest>): void {
  describe(`edge conformance: ${name}`, () => {
    describe('its life', () => lifeCycle(make));
    describe('its tables', () => tables(make));
  });
}

function lifeCycle(make: () => Promise<EdgeUnderTest>): void {
  test('ensure starts the engine, and again adopts it', async () => {
    await using under = await make();
    const first = await under.edge.ensure();
    assert.match(first.addresses.http, /:\d+$/);
    assert.ok(first.workers.length > 0);
    const second = await under.edge.ensure();
    assert.deepEqual(pids(second), pids(first));
    const adopted = await under.again().ensure();
    assert.deepEqual(pids(adopted), pids(first));
    assert.deepEqual(adopted.addresses, first.addresses);
  });

  test('status fails with edge_failed before the start and after the end', async () => {
    await using under = await make();
    await assert.rejects(under.edge.status(), isEdgeFailed);
    await under.edge.ensure();
    await under.edge.stop(1000);
    await assert.rejects(under.edge.status(), isEdgeFailed);
  });

  test('stop is idempotent, also where nothing ever ran', async () => {
    await using under = await make();
    await under.edge.stop(1000);
    await under.edge.ensure();
    await under.edge.stop(1000);
    await under.edge.stop(1000);
  });

  test('the last table survives a stop', async () => {
    await using under = await make();
    await under.edge.ensure();
    await under.edge.apply(tableOf(3));
    await under.edge.stop(1000);
    const status = await under.again().ensure();
    assert.deepEqual(versions(status), new Set([3]));
  });

  test('ensure called twice at once starts one engine', async () => {
    await using under = await make();
    const [a, b] = await Promise.all([under.edge.ensure(), under.edge.ensure()]);
    assert.deepEqual(pids(a), pids(b));
  });
}

/** One engine for these, whose tables only ever grow. */
function tables(make: () => Promise<EdgeUnderTest>): void {
  let under: EdgeUnderTest;
  let last = 0;
  /** The number of a table, so many above those of the cases before. */
  const above = (count: number): number => (last += count);

  before(async () => {
    under = await make();
    await under.edge.ensure();
  });
  after(() => under[Symbol.asyncDispose]());

  test('check names what is wrong and takes nothing', async () => {
    assert.deepEqual(await under.edge.check(tableOf(1)), []);
    const route = { host: 'a.localhost', path: '/', pool: 'absent' };
    const problems = await under.edge.check({
      ...tableOf(1),
      routes: [route, route],
      streams: [{ port: 9, pool: 'gone' }],
    });
    assert.ok(problems.some((problem) => problem.includes('a.localhost/') && problem.includes('twice')));
    assert.ok(problems.some((problem) => problem.includes('absent')));
    assert.ok(problems.some((problem) => problem.includes('gone')));
    assert.deepEqual(versions(await under.edge.status()), new Set([0]));
  });

  test('after apply every worker serves that version', async () => {
    for (const version of [above(1), above(6)]) {
      await under.edge.apply(tableOf(version));
      assert.deepEqual(versions(await under.edge.status()), new Set([version]));
    }
  });

  test('an older table never replaces a newer one, and the same again is harmless', async () => {
    const [older, newer] = [above(1), above(1)];
    for (const version of [newer, older, newer]) await under.edge.apply(tableOf(version));
    assert.deepEqual(versions(await under.edge.status()), new Set([newer]));
    assert.deepEqual(versions(await under.again().status()), new Set([newer]));
  });

  test('tables applied at once end at the newest', async () => {
    const base = last;
    const newest = above(9);
    await Promise.all([3, 9, 1, 6].map((count) => under.edge.apply(tableOf(base + count))));
    assert.deepEqual(versions(await under.edge.status()), new Set([newest]));
  });

  test('apply refuses a table that is not sound and leaves the last one', async () => {
    const sound = above(1);
    await under.edge.apply(tableOf(sound));
    const broken = { ...tableOf(above(1)), routes: [{ host: 'a.localhost', path: '/', pool: 'absent' }] };
    await assert.rejects(under.edge.apply(broken), isEdgeFailed);
    assert.deepEqual(versions(await under.edge.status()), new Set([sound]));
  });

  test('an idle edge has nothing in flight and counts by pool', async () => {
    await under.edge.apply(tableOf(above(1)));
    assert.deepEqual([...(await under.edge.inFlight())], []);
    const counters = await under.edge.counters();
    assert.deepEqual(
      counters.map(({ pool, requests }) => ({ pool, requests })),
      [{ pool: 'p', requests: 0 }],
    );
  });

  test('describe names version, routes and pools for people', async () => {
    const version = above(12);
    await under.edge.apply(tableOf(version));
    const text = await under.edge.describe();
    assert.match(text, new RegExp(`version ${version}\\b`));
    assert.match(text, /a\.localhost\/ -> p/);
  });
}

/** One route to a pool without endpoints. */
export function tableOf(version: number): RouteTable {
  return { version, routes: [{ host: 'a.localhost', path: '/', pool: 'p' }], pools: [proxyPool('p', [])], streams: [] };
}

/** A pool over ports of loopback, `p1`, `p2` and so on by their place; times are those of a service that says nothing of them (src/spec/spec.ts). */
export function proxyPool(id: string, ports: readonly number[]): ProxyPool {
  return {
    kind: 'proxy',
    id,
    service: `test/production/${id}`,
    balance: 'round-robin',
    endpoints: ports.map((port, index) => ({ id: `${id}${index + 1}`, host: '127.0.0.1', port, weight: 1 })),
    maxBodySize: 1 << 20,
    responseTimeout: 100_000,
    idleTimeout: 300_000,
    rewriteHost: false,
  };
}

function pids(status: { readonly workers: readonly { readonly pid: number }[] }): number[] {
  return status.workers.map((worker) => worker.pid).toSorted((a, b) => a - b);
}

function versions(status: { readonly workers: readonly { readonly version: number }[] }): Set<number> {
  return new Set(status.workers.map((worker) => worker.version));
}

function isEdgeFailed(error: unknown): boolean {
  return error instanceof KapalError && error.code === 'edge_failed';
}
