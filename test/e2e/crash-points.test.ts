import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CrashRun, type Engine } from '../crash/crash.ts';
import { pointsInSource } from '../crash/points.ts';
import { isMeantFor, sample, sampleFirstStart, stepsFor } from '../crash/sample.ts';

/** A sample of `npm run crash -- --all`: the daemon is killed at each crash point once, and nothing that it acknowledged or that visitors saw is lost. */
describe('SIGKILL to the daemon at every crash point', () => {
  for (const edge of ['embedded', 'nginx'] as const) {
    test(`with the ${edge} edge`, async () => {
      assert.deepEqual(await leftBy(edge), [], 'points that no step of a client passes');
    });
  }
});

async function leftBy(edge: Engine): Promise<readonly string[]> {
  const left = new Set(pointsInSource().filter((point) => isMeantFor(edge, point)));
  assert.ok(left.size > 0);
  await using run = await CrashRun.start(edge);
  await sample(run, { steps: stepsFor(edge), left });
  await sampleFirstStart(edge, left);
  return [...left];
}
