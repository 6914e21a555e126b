import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../../../src/reconcile/engine.ts';
import type { ServiceId } from '../../../src/model/service.ts';
import type { Decisions } from '../../../src/reconcile/decisions.ts';
import { createVault } from '../../../src/secrets/vault.ts';
import { openStore } from '../../../src/state/open.ts';
import type { Store } from '../../../src/state/store.ts';
import { Noise } from '../noise.ts';
import { Checks, type Surveyed } from './checks.ts';
import { dependenciesOf, type Outside } from './daemon.ts';
import { EdgeProcesses } from './edge.ts';
import { Faults } from './faults.ts';
import { Disk } from './files.ts';
import { Life } from './life.ts';
import { Logs } from './logs.ts';
import { Machine } from './machine.ts';
import { Survey } from './survey.ts';
import { Time } from './time.ts';
import { Trace } from './trace.ts';
import { sound, type Variant } from './variant.ts';

export interface WorldOptions {
  readonly seed: number;
  /** An empty folder in memory for the record. */
  readonly folder: string;
  readonly variant?: Variant;
  /** Lines of the trace to keep. */
  readonly kept?: number;
}

export interface People {
  /** A daemon has opened the record anew. */
  check(): void;
  removed(service: ServiceId): void;
}

/** Milliseconds from the death of a daemon to the next one, as a supervisor has it. */
const rest = { least: 50, most: 6_000 } as const;

/** A moment before summer time begins in Europe, one before it ends, and an ordinary one. */
const epochs = [Date.UTC(2026, 2, 29, 0, 59), Date.UTC(2026, 9, 25, 0, 58), Date.UTC(2026, 5, 15, 12)] as const;

/** The machine, the edge, the disk and the people of one history, and the daemon's lives in it: all of it follows from the seed. */
export class World implements Surveyed, Outside {
  readonly seed: number;
  readonly noise: Noise;
  readonly time: Time;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly machine: Machine;
  readonly edge: EdgeProcesses;
  readonly disk: Disk;
  readonly logs = new Logs();
  readonly vault = createVault(new Uint8Array(32).fill(7));
  readonly variant: Variant;
  readonly checks: Checks;
  readonly survey: Survey;
  /** What people know, who have to be told of what becomes of it. */
  people: People | null = null;
  store: Store | null = null;
  engine: Engine | null = null;
  readySince = Number.POSITIVE_INFINITY;
  /** What the daemon said in its own log. */
  readonly said: string[] = [];
  /** Calls of all lives to the outside, and lives. */
  steps = 0;
  lives = 0;
  readonly record: string;
  #life: Life | null = null;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.noise = new Noise(options.seed);
    const { noise } = this;
    this.time = new Time(noise.pick(...epochs));
    const { time } = this;
    this.trace = new Trace({ now: () => time.elapsed, kept: options.kept ?? 0 });
    this.faults = new Faults({ level: noise.pick(0, 0.05, 0.15, 0.3), noise, time });
    this.checks = new Checks(this);
    this.survey = new Survey(this, this.checks);
    const { checks } = this;
    this.machine = new Machine({ time, noise, events: checks });
    const isStalled = (endpoint: string): boolean => this.machine.isStalled(endpoint);
    this.edge = new EdgeProcesses({
      time,
      noise,
      events: {
        sent: (table) => checks.sent(table),
        changes: (before, after) => checks.changes(before, after),
        isStalled,
      },
    });
    this.disk = new Disk(time);
    this.record = join(options.folder, `${options.seed}.db`);
    const given = options.variant ?? sound;
    this.variant = { ...given, decisions: this.#traced(given.decisions) };
  }

  get life(): Life | null {
    return this.#life;
  }

  /** A daemon begins over the record as it is on disk. */
  boot(): void {
    this.lives += 1;
    const life = new Life({
      trace: this.trace,
      now: () => this.time.elapsed,
      died: () => this.#died(),
      spins: (call) => this.checks.fail(`the daemon spins: ${call}`),
    });
    this.#life = life;
    this.store = openStore(this.record);
    this.checks.restarted();
    this.survey.restarted();
    this.people?.check();
    const needs = dependenciesOf(this, {
      life,
      number: this.lives,
      store: this.store,
      said: (text) => void this.said.push(text),
      removed: (service) => this.people?.removed(service),
      promoted: ([service, from, to], before, moved) => this.checks.promoted({ service, from, to, before, moved }),
    });
    const engine = new Engine(needs, () => undefined);
    engine.begin().then(
      () => {
        if (!life.isAlive) return;
        this.engine = engine;
        this.readySince = this.time.elapsed;
        this.trace.note('daemon ready');
      },
      // A daemon that cannot begin ends, and its supervisor tries again.
      (error: unknown) => {
        this.said.push(`could not begin: ${String(error)}`);
        life.die();
      },
    );
  }

  /** Dies at some call soon, or now. */
  kill(): void {
    if (this.#life === null) return;
    if (this.noise.chance(0.2)) this.#life.die();
    else this.#life.dieIn(this.noise.between(1, this.noise.pick(20, 200, 1_500)), this.noise.chance(0.5));
  }

  /** From here on nobody kills it. */
  spare(): void {
    this.#life?.dieIn(Number.POSITIVE_INFINITY, false);
  }

  /** Closes what a dead daemon had open, once all that it had begun is over in memory, and plans the next one. */
  bury(): void {
    if (this.#life === null || this.#life.isAlive) return;
    this.steps += this.#life.steps;
    this.#life = null;
    this.store?.close();
    this.store = null;
    this.time.plan(this.noise.between(rest.least, rest.most), () => this.boot());
  }

  close(): void {
    this.#life?.die();
    if (this.#life !== null) this.steps += this.#life.steps;
    this.store?.close();
    this.store = null;
    for (const end of ['', '-wal', '-shm']) rmSync(`${this.record}${end}`, { force: true });
  }

  #died(): void {
    this.engine = null;
    this.readySince = Number.POSITIVE_INFINITY;
  }

  #traced(decisions: Decisions): Decisions {
    return {
      ...decisions,
      decide: (view) => {
        const decision = decisions.decide(view);
        this.checks.decisions += 1;
        for (const action of decision.actions) {
          this.trace.note(`${action.kind} ${action.reason}`);
          if (action.reason.length < 4) this.checks.fail(`${action.kind} has no reason`);
        }
        return decision;
      },
    };
  }
}
