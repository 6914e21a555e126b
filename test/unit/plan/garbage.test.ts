import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { BroughtTool, CacheFolder } from '../../../src/model/garbage.ts';
import { serviceId } from '../../../src/model/service.ts';
import { cacheGarbage, type ServiceCaches, toolGarbage } from '../../../src/plan/garbage.ts';

const hour = 60 * 60_000;
const day = 24 * hour;
const now = 1_000 * day;

const tool = (name: string, change: Partial<BroughtTool> = {}): BroughtTool => ({
  path: `/toolchain/${name}`,
  kind: name.startsWith('node-') ? 'node' : 'manager',
  usedAt: now - 2 * day,
  kept: null,
  asked: 0,
  ...change,
});

const gone = (input: Partial<Parameters<typeof toolGarbage>[0]> & { readonly tools: readonly BroughtTool[] }) =>
  toolGarbage({ named: new Set(), isComplete: true, now, spared: day, ...input }).map(({ what }) =>
    what.path.replace('/toolchain/', ''),
  );

describe('tools that nothing needs', () => {
  test('go when no kept release names them, by the folder or by a path in it, and no build of late asked for them', () => {
    const tools = ['node-16.20.2', 'node-16.20.20', 'pnpm-9.1.0', 'yarn-1.22.0'].map((name) => tool(name));
    const named = new Set(['/toolchain/node-16.20.2/bin', '/toolchain/yarn-1.22.0']);
    assert.deepEqual(gone({ tools, named }), ['node-16.20.20', 'pnpm-9.1.0']);
    assert.deepEqual(gone({ tools: [tool('pnpm-9.1.0', { usedAt: now - day + 1 })] }), []);
    assert.deepEqual(gone({ tools: [tool('pnpm-9.1.0', { usedAt: now - hour })], spared: hour / 4 }), ['pnpm-9.1.0']);
  });

  test('all stay while a kept release does not say what it was built with', () => {
    const tools = [tool('node-16.20.2'), tool('pnpm-9.1.0')];
    assert.deepEqual(gone({ tools, isComplete: false }), []);
    assert.equal(gone({ tools }).length, 2);
  });

  test('what is left of a fetch goes when no fetch takes as long', () => {
    const rest = (usedAt: number) => [tool('pnpm-9.1.0.0123456789ab.part', { kind: 'rest', usedAt })];
    assert.deepEqual(gone({ tools: rest(now - hour / 5) }), []);
    assert.equal(gone({ tools: rest(now - hour) }).length, 1);
  });

  test('whatever else holds, what is named, runs, or was asked for of late stays', () => {
    const made = fc.record({
      kind: fc.constantFrom('node' as const, 'manager' as const),
      age: fc.nat(3 * day),
      kept: fc.constantFrom(null, null, 'it runs'),
      isNamed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(made), fc.boolean(), fc.constantFrom(day, hour / 4), (all, isComplete, spared) => {
        const tools = all.map(({ kind, age, kept }, i) => tool(`x-${i}`, { kind, kept, usedAt: now - age }));
        const named = new Set(all.flatMap(({ isNamed }, i) => (isNamed ? [`/toolchain/x-${i}/bin`] : [])));
        const lost = new Set(gone({ tools, named, isComplete, spared }));
        for (const [i, { kept, isNamed, age }] of all.entries()) {
          const stays = kept !== null || isNamed || age <= spared || !isComplete;
          assert.equal(lost.has(`x-${i}`), !stays, `x-${i}`);
        }
      }),
    );
  });
});

const caches = (
  name: string,
  sizes: readonly (number | null)[],
  change: Partial<ServiceCaches> = {},
): ServiceCaches => ({
  service: serviceId({ project: 'p', environment: 'production', service: name }),
  isKnown: true,
  isBuilt: false,
  builtAt: 0,
  folders: sizes.map((bytes, i) => ({ path: `/homes/${name}/${i}`, kind: 'cache', bytes })),
  ...change,
});

describe('caches that go', () => {
  const paths = (services: readonly ServiceCaches[], bound: number) =>
    cacheGarbage({ services, bound }).map(({ what }) => what.path);

  test('beyond the bound those of the service that was built longest ago, all at once, and no more than it takes', () => {
    const services = [
      caches('new', [40], { builtAt: 3 }),
      caches('old', [10, 20], { builtAt: 1 }),
      caches('mid', [30], { builtAt: 2 }),
    ];
    assert.deepEqual(paths(services, 100), []);
    assert.deepEqual(paths(services, 99), ['/homes/old/0', '/homes/old/1']);
    assert.deepEqual(paths(services, 69), ['/homes/old/0', '/homes/old/1', '/homes/mid/0']);
  });

  test('those of a service that is gone, and rests, in any case; of one that is being built nothing', () => {
    const rest: CacheFolder = { path: '/homes/a/rest', kind: 'rest', bytes: null };
    const cache: CacheFolder = { path: '/homes/a/0', kind: 'cache', bytes: 5 };
    assert.deepEqual(paths([caches('gone', [1, null], { isKnown: false })], 100), ['/homes/gone/0', '/homes/gone/1']);
    assert.deepEqual(paths([caches('a', [], { folders: [rest, cache] })], 100), ['/homes/a/rest']);
    const built = caches('a', [], { folders: [rest, cache], isBuilt: true });
    assert.deepEqual(paths([built], 0), []);
    assert.deepEqual(paths([caches('gone', [1], { isKnown: false, isBuilt: true })], 0), []);
  });

  test('with a bound of nothing all go that are not being filled, counted or not', () => {
    const services = [caches('a', [null]), caches('b', [7]), caches('c', [9], { isBuilt: true })];
    assert.deepEqual(paths(services, 0).toSorted(), ['/homes/a/0', '/homes/b/0']);
  });
});
