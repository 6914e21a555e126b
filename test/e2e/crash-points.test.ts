import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CrashRun } from '../crash/crash.ts';
import { pointsInSource } from '../crash/points.ts';
import { isMeantFor, sample, sampleFirstStart, stepsFor } from '../crash/sample.ts';

/** Milliseconds for the dozens of starts of a step, each of which is bounded for itself: a machine may be ten times slower than a usual one. */
const timeout = 60 * 60_000;

/** A sample of `npm run crash -- --all`: the daemon is killed at each crash point once, and nothing that it acknowledged or that visitors saw is lost. */
for (const edge of ['embedded', 'nginx'] as const) {
  describe(`SIGKILL to the daemon at every crash point, with the ${edge} edge`, () => {
    const left = new Set(pointsInSource().filter((point) => isMeantFor(edge, point)));
    let run: CrashRun;
    before(async () => void (run = await CrashRun.start(edge)));
    after(() => run[Symbol.asyncDispose]());

    for (const step of stepsFor(edge)) test(step.name, { timeout }, () => sample(run, { steps: [step], left }));

    test('the first start, which alone passes the rest', { timeout }, async () => {
      await sampleFirstStart(edge, left);
      assert.deepEqual([...left], [], 'points that nothing passes');
    });
  });
}
