import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { createSimulatedEdge } from '../../src/edge/simulated/driver.ts';
import { edgeConformance, tableOf } from './edge.ts';

edgeConformance('simulated', () => {
  const edge = createSimulatedEdge({ clock: systemClock });
  return Promise.resolve({ edge, again: () => edge, [Symbol.asyncDispose]: () => edge.stop(0) });
});

test('the simulated edge delays, fails, crashes and reports what is in flight as it is told', async () => {
  const woken: (() => void)[] = [];
  const edge = createSimulatedEdge({
    clock: {
      now: () => 0,
      steady: () => 0,
      monotonic: () => 0,
      after: (_, wake) => {
        woken.push(wake);
        return { [Symbol.dispose]: () => undefined };
      },
    },
  });
  await edge.ensure();
  edge.setDelay(50);
  const applied = edge.apply(tableOf(2));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(edge.serving().version, 0);
  for (const wake of woken) wake();
  await applied;
  assert.equal(edge.serving().version, 2);

  edge.setInFlight('i1', 4);
  assert.deepEqual(await edge.inFlight(), new Map([['i1', 4]]));
  edge.setFailure('the disk is gone');
  await assert.rejects(edge.apply(tableOf(3)), /the disk is gone/);
  edge.setFailure(null);
  edge.crash();
  await assert.rejects(edge.status());
  assert.equal((await edge.ensure()).workers[0]?.version, 2);
});
