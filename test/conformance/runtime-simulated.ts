import { type ServiceId, serviceId } from '../../src/model/service.ts';
import type { RunSpec, Runtime } from '../../src/runtime/port.ts';
import type { Behaviour } from '../../src/runtime/simulated/behaviour.ts';
import { createSimulatedRuntime, type SimulatedRuntime } from '../../src/runtime/simulated/driver.ts';
import { ManualClock } from './runtime-clock.ts';
import type { Program, RuntimeSubject } from './runtime.ts';

const behaviours: Readonly<Record<Program, Partial<Behaviour>>> = {
  serve: {},
  idle: { listensAfter: null },
  'exit-3': { endsAfter: 20, exit: { code: 3, signal: null, reason: 'exited' } },
  killed: { endsAfter: 20, exit: { code: null, signal: 'SIGKILL', reason: 'signalled' } },
  stubborn: { terminatesAfter: null },
  parent: {},
  orphan: { endsAfter: 20, exit: { code: 5, signal: null, reason: 'exited' }, leavesProcesses: true },
};

/** A simulated machine whose time passes while the suite waits. */
export class SimulatedSubject implements RuntimeSubject {
  readonly clock = new ManualClock();
  readonly runtime: SimulatedRuntime;
  readonly service: ServiceId = serviceId({ project: 'shop', environment: 'production', service: 'api' });
  readonly #programs = new Map<string, Program>();
  #runs = 0;

  constructor() {
    this.runtime = createSimulatedRuntime({ clock: this.clock, behaviour: (run) => this.#behaviourOf(run) });
  }

  async spec(program: Program): Promise<RunSpec> {
    this.#runs += 1;
    const id = `run-${this.#runs}`;
    this.#programs.set(id, program);
    const { environment } = await this.runtime.prepare(this.service);
    const fixed = { directory: '/simulated', memoryLimit: null, niceness: 0 };
    return { ...fixed, id, service: this.service, command: program, port: 20_000 + this.#runs, environment };
  }

  async reborn(): Promise<Runtime> {
    return createSimulatedRuntime({ clock: this.clock, world: this.runtime.world });
  }

  async until(what: string, reached: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = this.clock.monotonic() + 60_000;
    while (!(await reached())) {
      if (this.clock.monotonic() > deadline) throw new Error(`did not happen within a simulated minute: ${what}`);
      this.clock.advance(1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of await this.runtime.inventory()) await this.runtime.dispose(handle);
  }

  #behaviourOf(run: RunSpec): Partial<Behaviour> {
    const program = this.#programs.get(run.id);
    return program === undefined ? {} : behaviours[program];
  }
}
