import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { serviceId } from '../../src/model/service.ts';
import { releasesInUse } from '../../src/reconcile/releases-in-use.ts';
import { artifactGarbage } from '../../src/release/garbage.ts';
import type { ReleaseRow } from '../../src/state/records.ts';
import { outcomeOf, type SimulatedKapal, simulatedKapal } from './engine/simulated-kapal.ts';

/** `KAPAL_TEST_SEED` and `KAPAL_TEST_RUNS` explore others. */
const seed = Number(process.env['KAPAL_TEST_SEED'] ?? 20_260_102);
const histories = Number(process.env['KAPAL_TEST_RUNS'] ?? 12);
const id = serviceId({ project: 'shop', environment: 'production', service: 'api' });

type Act =
  | 'deploy'
  | 'broken deploy'
  | 'rollback'
  | 'collect'
  | 'look'
  | 'die'
  | 'collect and die'
  | 'deploy and collect';
const acts = fc.array(
  fc.constantFrom<Act>(
    'deploy',
    'deploy',
    'broken deploy',
    'rollback',
    'collect',
    'look',
    'die',
    'collect and die',
    'deploy and collect',
  ),
  { minLength: 4, maxLength: 9 },
);

const declaration = (version: number, start: string) =>
  `project: shop\nservices:\n  - {type: web, name: api, runtime: node, startCommand: ${start}, envVars: [{key: V, value: v${version}}]}\n`;

/** Every release that can be gone back to, that serves, or that is on its way has its folder. */
function checkKept(kapal: SimulatedKapal): void {
  const inUse = releasesInUse(kapal, id);
  const able = new Set(kapal.engine.releases(id).flatMap(({ release, available }) => (available ? [release] : [])));
  for (const { number, status, artifact } of kapal.store.releases.of(id)) {
    if (!able.has(number) && !inUse.has(number) && status !== 'pending') continue;
    assert.ok(artifact !== null && existsSync(artifact.path), `release ${number} (${status}) has lost its files`);
  }
}

async function happen(kapal: SimulatedKapal, act: Act, version: number): Promise<SimulatedKapal> {
  const { engine } = kapal;
  const collect = () => engine.collectGarbage(false);
  switch (act) {
    case 'deploy':
      await kapal.deploy(declaration(version, 'good'));
      return kapal;
    case 'broken deploy':
      await kapal.deploy(declaration(version, 'broken'));
      return kapal;
    case 'rollback': {
      const begun = await engine.rollback(id, null).catch(() => null);
      if (begun !== null) await outcomeOf(engine, begun.id).catch(() => null);
      return kapal;
    }
    case 'collect':
      await collect();
      assert.deepEqual((await engine.collectGarbage(true)).items, [], 'what was collected is gone');
      return kapal;
    case 'look': {
      const folders = kapal.store.releases
        .of(id)
        .flatMap(({ artifact }) => artifact?.path ?? [])
        .filter(existsSync);
      await engine.collectGarbage(true);
      assert.ok(folders.every(existsSync), 'a look deletes nothing');
      return kapal;
    }
    case 'die':
      return kapal.restart();
    case 'collect and die': {
      const collecting = collect().catch(() => null);
      const next = await kapal.restart();
      await collecting;
      return next;
    }
    case 'deploy and collect':
      await Promise.all([kapal.deploy(declaration(version, 'good')), collect(), collect()]);
      return kapal;
  }
}

describe('garbage', () => {
  test('no history of deploys, rollbacks, collections and deaths takes the files of a release that can be gone back to', async () => {
    const behaviour = (run: { readonly command: string }) =>
      run.command === 'broken'
        ? { endsAfter: 1, listensAfter: null, exit: { code: 1, signal: null, reason: 'exited' as const } }
        : { terminatesAfter: 1 };
    const promise = fc.asyncProperty(acts, async (history) => {
      let kapal = await simulatedKapal({ behaviour });
      try {
        await kapal.deploy(declaration(0, 'good'));
        for (const [index, act] of history.entries()) {
          kapal = await happen(kapal, act, index + 1);
          checkKept(kapal);
        }
      } finally {
        await kapal[Symbol.asyncDispose]();
      }
    });
    await fc.assert(promise, { seed, numRuns: histories, endOnFailure: true });
  });

  test('what is decided takes neither what serves, nor what can be gone back to, nor what is on its way or is built', () => {
    const statuses = ['pending', 'live', 'failed', 'rolled_back', 'cancelled'] as const;
    const release = fc.record({
      status: fc.constantFrom(...statuses),
      pruned: fc.boolean(),
      // Few folders: rollbacks share theirs.
      folder: fc.nat(5),
      inUse: fc.boolean(),
    });
    const promise = fc.property(fc.array(release, { maxLength: 8 }), fc.array(fc.nat(9)), (made, built) => {
      const path = (number: number) => `/releases/${number}`;
      const releases = made.map(({ status, pruned, folder }, index) => {
        const artifact = { id: String(folder), kind: 'folder', path: path(folder) };
        // The cast: what is decided looks at no more of a release.
        return { number: index + 1, status, pruned, artifact } as unknown as ReleaseRow;
      });
      const inUse = new Set(made.flatMap((one, index) => (one.inUse ? [index + 1] : [])));
      const folders = Array.from({ length: 10 }, (_, index) => path(index));
      const { folders: gone, prune } = artifactGarbage({ releases, inUse, folders, building: built.map(path) });
      const deleted = new Set(gone.map((one) => one.path));
      for (const one of releases) {
        const isNeeded = inUse.has(one.number) || one.status === 'pending' || (one.status === 'live' && !one.pruned);
        assert.ok(!isNeeded || !deleted.has(one.artifact?.path ?? ''), `release ${one.number} keeps its files`);
        assert.ok(!isNeeded || !prune.includes(one.number));
        assert.ok(isNeeded || one.pruned || prune.includes(one.number), 'what loses its files is marked');
      }
      for (const number of built) assert.ok(!deleted.has(path(number)), 'what is built stays');
    });
    fc.assert(promise, { seed, numRuns: 2_000 });
  });
});
