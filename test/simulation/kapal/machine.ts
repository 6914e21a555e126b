import type { Exit } from '../../../src/model/instance.ts';
import type { ServiceId } from '../../../src/model/service.ts';
import type { RunSpec, Runtime } from '../../../src/runtime/port.ts';
import { createSimulatedRuntime, type SimulatedRuntime } from '../../../src/runtime/simulated/driver.ts';
import type { SimulatedRun } from '../../../src/runtime/simulated/world.ts';
import type { Noise } from '../noise.ts';
import type { Faults } from './faults.ts';
import { tell } from './life.ts';
import { behaviourOf, isSickFromBirth } from './programs.ts';
import type { Time } from './time.ts';

export interface MachineEvents {
  /** A run is about to be signalled or disposed of. */
  readonly ending: (run: SimulatedRun) => void;
  /** A start was asked for; `again`: its id is known. */
  readonly started: (spec: RunSpec, again: boolean) => void;
  /** A run ended, or stopped answering, and the daemon did not do it. */
  readonly broke: (run: SimulatedRun) => void;
}

/** The machine below the daemon: its processes, ports and users, which a dead daemon leaves as they are. */
export class Machine {
  readonly runtime: SimulatedRuntime;
  /** Services that have a user. */
  readonly accounts = new Set<ServiceId>();
  readonly #time: Time;
  readonly #noise: Noise;
  readonly #events: MachineEvents;
  /** Runs that answer nothing, until when. */
  readonly #sick = new Map<string, number>();
  /** Ports that programs of other people hold. */
  readonly #foreign = new Set<number>();
  /** When runs were first seen to have ended. */
  readonly #ended = new Map<string, number>();
  /** What a start that was refused had left, whether it ended by itself or lived until it was disposed of. */
  readonly #cleared = new Set<string>();

  constructor(parts: { readonly time: Time; readonly noise: Noise; readonly events: MachineEvents }) {
    this.#time = parts.time;
    this.#noise = parts.noise;
    this.#events = parts.events;
    this.runtime = createSimulatedRuntime({ clock: parts.time.clock(), behaviour: (spec) => this.#behaviour(spec) });
  }

  run(id: string): SimulatedRun | null {
    return this.runtime.world.runs.get(id) ?? null;
  }

  get runs(): readonly SimulatedRun[] {
    return [...this.runtime.world.runs.values()];
  }

  /** When the run ended or is to end; infinite where nothing ends it. */
  endsAt(run: SimulatedRun): number {
    const known = this.#ended.get(run.handle.id);
    if (known !== undefined) return known;
    const { endsAfter, terminatesAfter } = run.behaviour;
    const byItself = endsAfter === null ? Number.POSITIVE_INFINITY : run.begun + endsAfter;
    const bySignal =
      run.terminated === null || terminatesAfter === null ? Number.POSITIVE_INFINITY : run.terminated + terminatesAfter;
    const moment = Math.min(byItself, bySignal);
    return moment > this.#time.elapsed && run.ended !== null ? this.#endOf(run.handle.id) : moment;
  }

  /** Milliseconds since a run that was there ended by itself or was told to; null where it lives, never was, or was cleared away. */
  endedAgo(id: string): number | null {
    const run = this.run(id);
    if (this.#cleared.has(id) || (run === null && !this.#ended.has(id))) return null;
    const gone = this.goneFor(id);
    return this.lives(id) ? null : gone;
  }

  /** For how long a run has not lived, as far as anybody looked; 0 where it lives. */
  goneFor(id: string): number {
    const run = this.run(id);
    const ended = run === null ? this.#endOf(id) : this.endsAt(run);
    return Math.max(0, this.#time.elapsed - ended);
  }

  lives(id: string): boolean {
    const run = this.run(id);
    return run !== null && run.ended === null && this.endsAt(run) > this.#time.elapsed;
  }

  /** It is up, listens on its own port and answers requests. */
  answers(id: string): boolean {
    const run = this.run(id);
    if (run === null || !this.lives(id) || this.#isSick(run)) return false;
    return this.#listens(run) && this.#holder(run.handle.port) === run;
  }

  /** A run of the service ended by itself within so many milliseconds, or answers nothing although it runs. */
  isTroubled(service: ServiceId, within: number): boolean {
    const now = this.#time.elapsed;
    return this.runs.some((run) => {
      if (run.handle.service !== service || run.terminated !== null) return false;
      const ended = this.endsAt(run);
      if (ended <= now) return now - ended < within;
      return this.#isSick(run) || now - (this.#sick.get(run.handle.id) ?? Number.NEGATIVE_INFINITY) < within;
    });
  }

  /** Runs that live and answer nothing although they listen: what an edge calls stalled. */
  isStalled(id: string): boolean {
    const run = this.run(id);
    return run !== null && this.lives(id) && this.#listens(run) && this.#isSick(run);
  }

  /** For how long it has been answering at least: since it could first. */
  answersSince(id: string): number | null {
    const run = this.run(id);
    return run === null || !this.answers(id) ? null : run.begun + (run.behaviour.listensAfter ?? 0);
  }

  isPortFree(port: number): boolean {
    return !this.#foreign.has(port) && this.#holder(port) === null;
  }

  /** Whether a request to a port is answered: by whoever listens there. */
  portAnswers(port: number): boolean {
    const holder = this.#holder(port);
    return holder !== null && !this.#isSick(holder);
  }

  /** Another program takes a port. */
  occupy(port: number): void {
    this.#foreign.add(port);
  }

  /** The world ends a run that serves or runs, or makes it deaf for a while. */
  strike(how: 'crash' | 'lose' | 'sicken'): void {
    const victims = this.runs.filter((run) => this.lives(run.handle.id));
    const victim = victims[this.#noise.between(0, Math.max(0, victims.length - 1))];
    if (victim === undefined) return;
    this.#events.broke(victim);
    if (how === 'sicken') this.#sick.set(victim.handle.id, this.#time.elapsed + this.#noise.between(500, 40_000));
    else this.#crash(victim, how === 'lose');
  }

  /** Every program recovers, other people's programs end. */
  heal(): void {
    this.#foreign.clear();
    for (const id of this.#sick.keys()) this.#sick.delete(id);
  }

  /** The runtime as one life of the daemon has it. */
  drive(faults: Faults, isAlive: () => boolean): Runtime {
    const { runtime } = this;
    const effect = <T>(work: () => T | Promise<T>): Promise<T> => faults.effect(isAlive, work);
    const ending = (id: string): void => {
      const run = this.run(id);
      if (run !== null) this.#events.ending(run);
    };
    return {
      name: runtime.name,
      capabilities: () => runtime.capabilities(),
      prepare: (service) => effect(() => (this.accounts.add(service), runtime.prepare(service))),
      admitMount: (path) => runtime.admitMount(path),
      start: (spec) =>
        effect(() => {
          this.#events.started(spec, this.run(spec.id) !== null);
          return runtime.start(spec);
        }).catch((error: unknown) => {
          // Who was told that it did not start waits from then on, whenever it ends.
          this.#cleared.add(spec.id);
          throw error;
        }),
      observe: async (handle) => {
        const seen = await faults.look(async () => {
          const observed = await runtime.observe(handle);
          const run = this.run(handle.id);
          if (observed.phase !== 'running' || run === null) return observed;
          return { ...observed, listening: observed.listening && this.#holder(handle.port) === run };
        });
        return seen;
      },
      usage: (handle) => runtime.usage(handle),
      signal: (handle, signal) => effect(() => (ending(handle.id), runtime.signal(handle, signal))),
      dispose: (handle) =>
        effect(() => {
          ending(handle.id);
          if (this.lives(handle.id)) this.#cleared.add(handle.id);
          this.#forget(handle.id);
          return runtime.dispose(handle);
        }),
      inventory: () => runtime.inventory(),
      watch: (changed) => this.#watch(faults, isAlive, changed),
      forget: (service) =>
        effect(async () => {
          await runtime.forget(service);
          this.accounts.delete(service);
        }),
    };
  }

  /** Hints get lost, come late and come twice. */
  #watch(faults: Faults, isAlive: () => boolean, changed: (run: string) => void): Disposable {
    const hint = (run: string): void => {
      if (isAlive()) tell(() => changed(run));
    };
    const watching = this.runtime.watch((run) => {
      if (!isAlive()) return watching[Symbol.dispose]();
      if (faults.hits(0.5)) return;
      if (faults.hits(0.5)) this.#time.plan(this.#noise.between(1, 3_000), () => hint(run));
      if (faults.hits(0.5)) hint(run);
      hint(run);
    });
    return watching;
  }

  #behaviour(spec: RunSpec): ReturnType<typeof behaviourOf> {
    const taken = spec.port !== null && !this.isPortFree(spec.port);
    return behaviourOf(spec, { noise: this.#noise, taken });
  }

  #crash(run: SimulatedRun, lost: boolean): void {
    const lostExit = { code: null, signal: null, reason: 'unknown' } as const;
    const crash: Pick<Exit, 'code' | 'signal' | 'reason'> = lost
      ? lostExit
      : this.#noise.pick(
          { code: null, signal: 'SIGSEGV', reason: 'signalled' },
          { code: null, signal: 'SIGKILL', reason: 'out-of-memory' },
          { code: 1, signal: null, reason: 'exited' },
        );
    this.#endOf(run.handle.id);
    this.runtime.crash(run.handle.id, crash);
  }

  /** Its end is remembered: what is killed by it ends now. */
  #forget(id: string): void {
    const run = this.run(id);
    if (run !== null) this.#ended.set(id, Math.min(this.endsAt(run), this.#time.elapsed));
  }

  #endOf(id: string): number {
    const known = this.#ended.get(id) ?? this.#time.elapsed;
    this.#ended.set(id, known);
    return known;
  }

  #listens(run: SimulatedRun): boolean {
    const { listensAfter } = run.behaviour;
    return run.handle.port !== null && listensAfter !== null && this.#time.elapsed - run.begun >= listensAfter;
  }

  /** Whoever listens on a port: the first that did. */
  #holder(port: number | null): SimulatedRun | null {
    if (port === null) return null;
    for (const run of this.runtime.world.runs.values())
      if (run.handle.port === port && this.lives(run.handle.id) && this.#listens(run)) return run;
    return null;
  }

  #isSick(run: SimulatedRun): boolean {
    return isSickFromBirth(run.spec) || (this.#sick.get(run.handle.id) ?? 0) > this.#time.elapsed;
  }
}
