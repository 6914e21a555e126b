import type { Exit } from '../../../src/model/instance.ts';
import type { Agenda } from './agenda.ts';
import type { Noise } from '../noise.ts';
import type { Behaviour } from './scenario.ts';

/** What is true of one run, whether or not anybody has looked. */
export interface Process {
  readonly endpoint: string;
  readonly release: number;
  state: 'running' | 'exited';
  /** Answers requests and probes. */
  answering: boolean;
  exit: Exit | null;
}

/** Runs programs that behave as their release says, and as the world wants. */
export class Processes {
  readonly all = new Map<string, Process>();
  /** From now on whatever starts works, and what runs recovers. */
  healed = false;
  readonly #agenda: Agenda;
  readonly #noise: Noise;
  readonly #wall: () => number;
  readonly #behaviour: (release: number) => Behaviour;
  readonly #changed: (process: Process) => void;
  /** An answering process stopped answering, or is about to answer again, and the machine did not do it. */
  readonly #broke: (process: Process) => void;
  /** It has just begun, beside what else is alive. */
  readonly #spawned: (process: Process) => void;

  constructor(options: {
    agenda: Agenda;
    noise: Noise;
    wall: () => number;
    behaviour: (release: number) => Behaviour;
    changed: (process: Process) => void;
    broke: (process: Process) => void;
    spawned: (process: Process) => void;
  }) {
    this.#agenda = options.agenda;
    this.#noise = options.noise;
    this.#wall = options.wall;
    this.#behaviour = options.behaviour;
    this.#changed = options.changed;
    this.#broke = options.broke;
    this.#spawned = options.spawned;
  }

  /** Starts nothing twice. */
  spawn(endpoint: string, release: number): void {
    if (this.all.has(endpoint)) return;
    const process: Process = { endpoint, release, state: 'running', answering: false, exit: null };
    this.all.set(endpoint, process);
    this.#spawned(process);
    this.#changed(process);
    const { boot } = this.#behaviour(release);
    this.#agenda.plan(boot, () => this.#boot(process));
  }

  /** A run that was recorded but never started, and never will be. */
  neverStarted(endpoint: string, release: number): void {
    if (this.all.has(endpoint)) return;
    const exit: Exit = { code: null, signal: null, reason: 'not-started', at: this.#wall(), detail: 'cancelled' };
    const process: Process = { endpoint, release, state: 'exited', answering: false, exit };
    this.all.set(endpoint, process);
    this.#changed(process);
  }

  get alive(): Process[] {
    return [...this.all.values()].filter((process) => process.state === 'running');
  }

  answers(endpoint: string): boolean {
    return this.all.get(endpoint)?.answering ?? false;
  }

  signal(endpoint: string, signal: 'terminate' | 'kill'): void {
    const process = this.all.get(endpoint);
    if (process === undefined || process.state !== 'running') return;
    if (signal === 'kill') this.#end(process, 'SIGKILL', false);
    else if (!this.#behaviour(process.release).ignoresTerm) {
      this.#agenda.plan(this.#noise.between(5, 400), () => this.#end(process, 'SIGTERM', false));
    }
  }

  /** The world kills one that answers, or makes it deaf for a while. */
  strike(how: 'crash' | 'sicken'): void {
    const victims = this.alive.filter((process) => process.answering);
    const victim = victims[this.#noise.between(0, victims.length - 1)];
    if (victim === undefined) return;
    if (how === 'crash') this.#end(victim, 'SIGSEGV', true);
    else this.#deafen(victim, this.#noise.between(500, 60_000));
  }

  heal(): void {
    this.healed = true;
    for (const process of this.alive) if (!process.answering) this.#recover(process);
  }

  #boot(process: Process): void {
    if (process.state !== 'running') return;
    const kind = this.healed ? 'good' : this.#kindOf(process.release);
    if (kind === 'crashes at boot') this.#end(process, null, false);
    else if (kind !== 'never ready') this.#answer(process);
    if (kind === 'crashes later')
      this.#agenda.plan(this.#noise.between(300, 8_000), () =>
        this.#trouble(() => this.#end(process, 'SIGSEGV', true)),
      );
    if (kind === 'flaps') {
      this.#agenda.plan(this.#noise.between(100, 5_000), () =>
        this.#trouble(() => this.#deafen(process, this.#noise.between(200, 9_000))),
      );
    }
  }

  #kindOf(release: number): Behaviour['kind'] {
    const { kind } = this.#behaviour(release);
    if (kind !== 'mixed') return kind;
    const kinds = ['good', 'good', 'crashes at boot', 'crashes later', 'flaps'] as const;
    return kinds[this.#noise.between(0, kinds.length - 1)] ?? 'good';
  }

  #trouble(happen: () => void): void {
    if (!this.healed) happen();
  }

  /** Nobody knows yet: it counts as broken a little longer. */
  #recover(process: Process): void {
    this.#broke(process);
    this.#answer(process);
  }

  #answer(process: Process): void {
    if (process.state !== 'running' || process.answering) return;
    process.answering = true;
    this.#changed(process);
  }

  #deafen(process: Process, duration: number): void {
    if (process.state !== 'running' || !process.answering) return;
    this.#broke(process);
    process.answering = false;
    this.#changed(process);
    this.#agenda.plan(duration, () => this.#recover(process));
  }

  #end(process: Process, signal: string | null, byWorld: boolean): void {
    if (process.state !== 'running') return;
    if (byWorld && process.answering) this.#broke(process);
    process.state = 'exited';
    process.answering = false;
    const at = this.#wall();
    process.exit =
      signal === null
        ? { code: 1, signal: null, reason: 'exited', at, detail: null }
        : { code: null, signal, reason: 'signalled', at, detail: null };
    this.#changed(process);
  }
}
