/** A daemon in miniature: starts the run that it is given, says its handle, and waits to be killed. */
import { systemClock } from '../../src/lib/clock.ts';
import type { RunSpec } from '../../src/runtime/port.ts';
import { createProcessRuntime, type ProcessRuntimeOptions } from '../../src/runtime/process/driver.ts';

export interface StarterOrder {
  readonly options: Omit<ProcessRuntimeOptions, 'clock'>;
  readonly spec: RunSpec;
}

if (import.meta.main) {
  const order = JSON.parse(process.argv[2] ?? '') as StarterOrder;
  const runtime = await createProcessRuntime({ ...order.options, clock: systemClock });
  console.log(JSON.stringify(await runtime.start(order.spec)));
  setInterval(() => undefined, 60_000);
}
