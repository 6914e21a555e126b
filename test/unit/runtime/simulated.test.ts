import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serviceId } from '../../../src/model/service.ts';
import type { RunSpec } from '../../../src/runtime/port.ts';
import type { Behaviour } from '../../../src/runtime/simulated/behaviour.ts';
import { createSimulatedRuntime } from '../../../src/runtime/simulated/driver.ts';
import { ManualClock } from '../../conformance/runtime-clock.ts';

function run(n: number): RunSpec {
  const service = serviceId({ project: 'shop', environment: 'production', service: `s-${n}` });
  return {
    id: `run-${n}`,
    service,
    directory: '/',
    command: `program ${n}`,
    environment: {},
    port: 20_000 + n,
    memoryLimit: null,
    niceness: 0,
  };
}

async function history(): Promise<string[]> {
  const clock = new ManualClock();
  const behaviours: readonly Partial<Behaviour>[] = [
    {},
    { listensAfter: null },
    { endsAfter: 30, exit: { code: 1, signal: null, reason: 'exited' } },
    { listensAfter: 200, terminatesAfter: null },
  ];
  const runtime = createSimulatedRuntime({
    clock,
    behaviour: ({ port }) => behaviours[((port ?? 0) - 20_000) % behaviours.length] ?? {},
  });
  const lines: string[] = [];
  runtime.watch((id) => lines.push(`hint ${id}`));
  const handles = await Promise.all(Array.from({ length: 300 }, (_, n) => runtime.start(run(n))));
  for (let step = 0; step < 40; step += 1) {
    clock.advance(10);
    await Promise.resolve();
    if (step === 25) for (const handle of handles) await runtime.signal(handle, 'terminate');
    for (const handle of handles) lines.push(JSON.stringify(await runtime.observe(handle)));
  }
  return lines;
}

describe('the simulated runtime', () => {
  test('300 services have the same history each time', async () => {
    const first = await history();
    assert.deepEqual(await history(), first);
    assert.ok(first.some((line) => line.includes('"listening":true')));
    assert.ok(first.some((line) => line.includes('"signal":"SIGTERM"')));
  });

  test('an end that lies in the past has its own moment', async () => {
    const clock = new ManualClock();
    const runtime = createSimulatedRuntime({
      clock,
      behaviour: () => ({ endsAfter: 40, exit: { code: 2, signal: null, reason: 'exited' } }),
    });
    const handle = await runtime.start(run(1));
    const begun = clock.now();
    clock.advance(1000);
    const seen = await runtime.observe(handle);
    assert.deepEqual(seen, {
      phase: 'exited',
      exit: { code: 2, signal: null, reason: 'exited', at: begun + 40, detail: null },
      remains: false,
    });
  });

  test('the system may refuse, and a run may be crashed from outside', async () => {
    const clock = new ManualClock();
    const runtime = createSimulatedRuntime({
      clock,
      behaviour: ({ id }) => (id === 'run-1' ? { refused: 'no memory' } : {}),
    });
    await assert.rejects(runtime.start(run(1)), { code: 'runtime_failed', message: /no memory/ });
    const handle = await runtime.start(run(2));
    clock.advance(200);
    await Promise.resolve();
    const hints: string[] = [];
    using _watch = runtime.watch((id) => hints.push(id));
    runtime.crash('run-2');
    await Promise.resolve();
    assert.deepEqual(hints, ['run-2']);
    const seen = await runtime.observe(handle);
    assert.equal(seen.phase === 'exited' ? seen.exit.signal : null, 'SIGKILL');
  });
});
