import type { Clock } from '../../lib/clock.ts';
import { KapalError } from '../../model/errors.ts';
import type { Exit } from '../../model/instance.ts';
import type { ServiceId } from '../../model/service.ts';
import type {
  RunHandle,
  RunObservation,
  RunSpec,
  Runtime,
  RuntimeCapabilities,
  RunUsage,
  ServiceAccount,
} from '../port.ts';
import { type Behaviour, wellBehaved } from './behaviour.ts';
import { type SimulatedRun, SimulatedWorld } from './world.ts';

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** What the program of a run does, where it differs from `wellBehaved`; asked once per run. */
  readonly behaviour?: (run: RunSpec) => Partial<Behaviour>;
  /** The machine; a new one unless given. */
  readonly world?: SimulatedWorld;
}

/** Beyond the port: what a scenario does to the machine. */
export interface SimulatedRuntime extends Runtime {
  readonly world: SimulatedWorld;
  /** The program ends now, as if by itself (`kill -9` from outside unless told). No error when it has ended. */
  crash(run: string, exit?: Pick<Exit, 'code' | 'signal' | 'reason'>): void;
}

/** Runs nothing: deterministic programs in memory, driven by the clock, for hundreds of services in one test. */
export function createSimulatedRuntime(options: SimulatedRuntimeOptions): SimulatedRuntime {
  return new InMemoryRuntime(options);
}

class InMemoryRuntime implements SimulatedRuntime {
  readonly name = 'simulated';
  readonly world: SimulatedWorld;
  readonly #clock: Clock;
  readonly #behaviour: (run: RunSpec) => Partial<Behaviour>;

  constructor({ clock, behaviour = () => ({}), world = new SimulatedWorld() }: SimulatedRuntimeOptions) {
    this.#clock = clock;
    this.#behaviour = behaviour;
    this.world = world;
  }

  capabilities(): RuntimeCapabilities {
    return { memoryLimit: true, separateUsers: true, mounts: true, notes: [] };
  }

  async prepare(service: ServiceId): Promise<ServiceAccount> {
    const home = `/simulated/homes/${service}`;
    const environment = {
      PATH: '/usr/bin:/bin',
      HOME: home,
      USER: 'simulated',
      LOGNAME: 'simulated',
      TMPDIR: `${home}/tmp`,
      LANG: 'C.UTF-8',
    };
    return { user: 'simulated', uid: 1, gid: 1, home, environment };
  }

  admitMount(): Promise<void> {
    return Promise.resolve();
  }

  async start(spec: RunSpec): Promise<RunHandle> {
    const known = this.world.runs.get(spec.id);
    if (known !== undefined) return known.handle;
    const behaviour = { ...wellBehaved, ...this.#behaviour(spec) };
    if (behaviour.refused !== null) {
      throw new KapalError('runtime_failed', `The system refused to start ${spec.service}: ${behaviour.refused}`);
    }
    const { id, service, port } = spec;
    const handle: RunHandle = { id, service, port, log: `/simulated/logs/${id}`, driver: { world: 'simulated' } };
    const begun = this.#clock.monotonic();
    const startedAt = this.#clock.now() + behaviour.launch;
    const pid = this.world.nextPid();
    this.world.runs.set(id, {
      handle,
      spec,
      behaviour,
      pid,
      startedAt,
      begun,
      terminated: null,
      ended: null,
      remains: false,
    });
    this.#hint(id, behaviour.launch);
    if (behaviour.endsAfter !== null) this.#hint(id, behaviour.endsAfter);
    return handle;
  }

  async observe(handle: RunHandle): Promise<RunObservation> {
    const run = this.world.runs.get(handle.id);
    if (run === undefined) {
      const exit: Exit = {
        code: null,
        signal: null,
        reason: 'unknown',
        at: this.#clock.now(),
        detail: 'nothing is known of this run',
      };
      return { phase: 'exited', exit, remains: false };
    }
    this.#advance(run);
    if (run.ended !== null) return { phase: 'exited', exit: run.ended, remains: run.remains };
    const age = this.#clock.monotonic() - run.begun;
    if (age < run.behaviour.launch) return { phase: 'launching' };
    const { listensAfter } = run.behaviour;
    const listening = run.handle.port !== null && listensAfter !== null && age >= listensAfter;
    return { phase: 'running', pid: run.pid, startedAt: run.startedAt, listening };
  }

  async usage(handle: RunHandle): Promise<RunUsage | null> {
    const run = this.world.runs.get(handle.id);
    if (run === undefined) return null;
    this.#advance(run);
    if (run.ended !== null) return null;
    const age = this.#clock.monotonic() - run.begun;
    return { residentBytes: run.behaviour.residentBytes, cpuMilliseconds: age / 100 };
  }

  async signal(handle: RunHandle, signal: 'terminate' | 'kill'): Promise<void> {
    const run = this.world.runs.get(handle.id);
    if (run === undefined) return;
    this.#advance(run);
    run.remains = false;
    if (run.ended !== null) return;
    if (signal === 'kill') {
      this.#end(run, { code: null, signal: 'SIGKILL', reason: 'signalled' }, { at: this.#clock.now(), leaves: false });
    } else {
      run.terminated ??= this.#clock.monotonic();
      if (run.behaviour.terminatesAfter !== null) this.#hint(run.handle.id, run.behaviour.terminatesAfter);
      this.#advance(run);
    }
  }

  async dispose(handle: RunHandle): Promise<void> {
    this.world.runs.delete(handle.id);
  }

  async inventory(): Promise<readonly RunHandle[]> {
    return [...this.world.runs.values()].map((run) => run.handle);
  }

  watch(changed: (run: string) => void): Disposable {
    const own = (run: string): void => changed(run);
    this.world.watchers.add(own);
    return { [Symbol.dispose]: () => this.world.watchers.delete(own) };
  }

  async forget(service: ServiceId): Promise<void> {
    const runs = [...this.world.runs.values()].filter((run) => run.handle.service === service);
    if (runs.length > 0) throw new KapalError('conflict', `${service} still has ${runs.length} runs`);
  }

  crash(
    id: string,
    exit: Pick<Exit, 'code' | 'signal' | 'reason'> = { code: null, signal: 'SIGKILL', reason: 'signalled' },
  ): void {
    const run = this.world.runs.get(id);
    if (run === undefined) return;
    this.#advance(run);
    if (run.ended !== null) return;
    this.#end(run, exit, { at: this.#clock.now(), leaves: run.behaviour.leavesProcesses });
    this.world.report(id);
  }

  /** Brings a run up to the present: of all that would have ended it, the earliest did. */
  #advance(run: SimulatedRun): void {
    if (run.ended !== null) return;
    const { endsAfter, terminatesAfter, exit, leavesProcesses } = run.behaviour;
    const byItself = endsAfter === null ? Number.POSITIVE_INFINITY : run.begun + endsAfter;
    const bySignal =
      terminatesAfter === null || run.terminated === null ? Number.POSITIVE_INFINITY : run.terminated + terminatesAfter;
    const now = this.#clock.monotonic();
    const moment = Math.min(byItself, bySignal);
    if (moment > now) return;
    const at = this.#clock.now() - (now - moment);
    if (byItself <= bySignal) this.#end(run, exit, { at, leaves: leavesProcesses });
    else this.#end(run, { code: null, signal: 'SIGTERM', reason: 'signalled' }, { at, leaves: false });
  }

  #end(
    run: SimulatedRun,
    exit: Pick<Exit, 'code' | 'signal' | 'reason'>,
    { at, leaves }: { at: number; leaves: boolean },
  ): void {
    run.ended = { ...exit, at, detail: null };
    run.remains = leaves;
  }

  #hint(run: string, milliseconds: number): void {
    this.#clock.after(milliseconds, () => this.world.report(run));
  }
}
