import { observeInstance, type RunSeen, settlesAt } from '../../../src/rollout/instance.ts';
import type { Action, Decision, ServiceView } from '../../../src/rollout/view.ts';
import type { Agenda } from './agenda.ts';
import { endpointOf, type Rollout, type Row, type ServiceRecord } from './record.ts';
import type { SimulatedEdge } from './edge.ts';
import type { Processes } from './processes.ts';
import type { Noise } from '../noise.ts';
import type { Scenario } from './scenario.ts';

/** The functions under test; a mutant replaces one. */
export interface Machine {
  readonly decide: (view: ServiceView) => Decision;
  readonly routable: (view: ServiceView) => string[];
}

export interface Surroundings {
  readonly scenario: Scenario;
  readonly machine: Machine;
  readonly agenda: Agenda;
  readonly noise: Noise;
  readonly record: ServiceRecord;
  readonly edge: SimulatedEdge;
  readonly processes: Processes;
  readonly wall: () => number;
  readonly decided: (view: ServiceView, decision: Decision) => void;
  /** An action is about to be carried out long after its decision. */
  readonly late: () => void;
  /** A signal is about to reach a process. */
  readonly signalled: (endpoint: string) => void;
}

interface Sight {
  readonly run: RunSeen;
  readonly ok: boolean;
}

/**
 * A reconciler around the machine under test. It decides when something that it can see has changed and at `wakeAt`, never by polling:
 * what the machine forgets to ask for never happens. Its actions get lost, come late or twice, and its observations are old at times.
 */
export class Daemon {
  faults: number;
  decisions = 0;
  readonly #around: Surroundings;
  /** Counts its lives; 0 while it is down. Work of an earlier life is void. */
  #life = 1;
  #lives = 1;
  #decideAt = Number.POSITIVE_INFINITY;
  #wake = 0;
  #roseAt: number;

  constructor(around: Surroundings) {
    this.#around = around;
    this.faults = around.scenario.faults;
    this.#roseAt = around.wall();
  }

  get runs(): boolean {
    return this.#life > 0;
  }

  die(): void {
    this.#life = 0;
    this.#decideAt = Number.POSITIVE_INFINITY;
    this.#around.edge.forgetDaemon();
  }

  /** What a dead daemon had intended is done again. Usually everything is looked at before the first decision, but the machine must not depend on it. */
  rise(): void {
    const { noise, record, processes } = this.#around;
    this.#lives += 1;
    this.#life = this.#lives;
    this.#roseAt = this.#around.wall();
    const looksFirst = !noise.chance(0.3);
    for (const row of record.rows.values()) {
      row.life = { ...row.life, failedProbes: 0, detail: null };
      if (!processes.all.has(endpointOf(row))) this.launch(row);
      else if (looksFirst) this.#look(endpointOf(row), null);
      else this.lookLater(endpointOf(row));
    }
    this.changed();
  }

  /** Something that it can see has changed. */
  changed(): void {
    if (!this.runs) return;
    const { noise } = this.#around;
    this.#decideIn(noise.between(0, 4));
    // Nothing forbids deciding at any other moment too.
    if (noise.chance(0.05)) this.#later(noise.between(1, 700), () => this.#decideIn(0));
  }

  #later(delay: number, work: () => void): void {
    const life = this.#life;
    this.#around.agenda.plan(delay, () => {
      if (life === this.#life) work();
    });
  }

  #decideIn(delay: number): void {
    const at = this.#around.agenda.now + delay;
    if (at >= this.#decideAt) return;
    this.#decideAt = at;
    this.#later(delay, () => {
      if (this.#decideAt === at) this.#decide();
    });
  }

  #decide(): void {
    const { machine, record } = this.#around;
    this.#decideAt = Number.POSITIVE_INFINITY;
    this.decisions += 1;
    const view = this.view();
    const decision = machine.decide(view);
    this.#around.decided(view, decision);
    const { rollout } = record;
    for (const action of decision.actions) this.#applyBadly(action, rollout);
    this.#route();
    this.#wake += 1;
    const wake = this.#wake;
    if (decision.wakeAt === null) return;
    this.#later(decision.wakeAt - view.now, () => {
      if (wake === this.#wake) this.#decideIn(0);
    });
  }

  #route(): void {
    const { machine, record, edge } = this.#around;
    const names = machine.routable(this.view()).flatMap((id) => {
      const row = record.rows.get(id);
      return row === undefined ? [] : [endpointOf(row)];
    });
    edge.want(names, record.desired);
    for (const row of record.rows.values()) if (row.life.state === 'draining') edge.watch(endpointOf(row));
  }

  /** One record, one writer: rows are made and rollouts moved with the decision or never. What changes an instance may come late. */
  #applyBadly(action: Action, rollout: Rollout | null): void {
    const { noise } = this.#around;
    const apply = () => this.#apply(action, rollout);
    if (noise.chance(this.faults / 3)) return;
    if ('instance' in action && noise.chance(this.faults / 4)) {
      return this.#later(noise.between(1, 400), () => {
        this.#around.late();
        apply();
      });
    }
    apply();
    if (noise.chance(this.faults / 4)) apply();
  }

  #apply(action: Action, rollout: Rollout | null): void {
    this.#around.record.apply(action, rollout);
    if (!('instance' in action)) return;
    const row = this.#around.record.rows.get(action.instance);
    if (row === undefined) return;
    if (action.kind === 'drain') this.lookLater(endpointOf(row));
    if (action.kind === 'terminate' || action.kind === 'kill') this.#signal(endpointOf(row), action.kind);
  }

  #signal(endpoint: string, signal: 'terminate' | 'kill'): void {
    const { noise, agenda, processes } = this.#around;
    this.lookLater(endpoint);
    if (noise.chance(this.faults / 3)) return;
    // It is on its way: that the daemon dies meanwhile does not call it back.
    agenda.plan(noise.between(0, 40), () => {
      this.#around.signalled(endpoint);
      processes.signal(endpoint, signal);
    });
  }

  /** The intent is on record; the process follows, unless the instance has been drained before. */
  launch(row: Row): void {
    const endpoint = endpointOf(row);
    const { noise, processes } = this.#around;
    this.#later(noise.between(1, 30), () => {
      if (row.life.state === 'draining' || row.life.state === 'stopping') processes.neverStarted(endpoint, row.release);
      else processes.spawn(endpoint, row.release);
    });
  }

  /** It looks soon after a change: usually at once, sometimes late, sometimes at what was true before. */
  lookLater(endpoint: string): void {
    const { noise } = this.#around;
    const old = noise.chance(this.faults / 4) ? this.#seen(endpoint) : null;
    const delay = noise.chance(this.faults) ? noise.between(100, 2_000) : noise.between(1, 40);
    this.#later(delay, () => this.#look(endpoint, old));
  }

  #seen(endpoint: string): Sight {
    const process = this.#around.processes.all.get(endpoint);
    if (process === undefined) return { run: { phase: 'launching' }, ok: false };
    if (process.exit !== null) return { run: { phase: 'exited', exit: process.exit, remains: false }, ok: false };
    return { run: { phase: 'running', listening: process.answering }, ok: process.answering };
  }

  #look(endpoint: string, old: Sight | null): void {
    const { record, noise, scenario, wall } = this.#around;
    const row = record.rowOf(endpoint);
    if (row === undefined) return;
    const { run, ok } = old ?? this.#seen(endpoint);
    const before = row.life;
    const probe = { ok, detail: ok ? 'answered 200' : 'connection refused' };
    const seen = { now: wall(), run, probe, listens: scenario.routed, overloaded: false, fraction: noise.fraction() };
    row.life = observeInstance(before, seen).life;
    if (row.life.state === 'gone') record.rows.delete(row.id);
    if (row.life.state !== before.state) this.changed();
    this.#lookAgain(row, old !== null);
  }

  /** Probes go on until the record agrees with the world. */
  #lookAgain(row: Row, wasOld: boolean): void {
    const endpoint = endpointOf(row);
    const { run, ok } = this.#seen(endpoint);
    const { scenario, wall } = this.#around;
    const settles = run.phase === 'running' ? settlesAt(row.life, scenario.routed) : null;
    const { state } = row.life;
    const expects = state === 'starting' || state === 'unready' || state === 'crash-looping';
    const disagrees = scenario.routed && run.phase === 'running' && (state === 'ready' ? !ok : expects && ok);
    const again = settles !== null ? settles - wall() : wasOld || disagrees ? 250 : null;
    if (again !== null) this.#later(again, () => this.#look(endpoint, null));
  }

  view(): ServiceView {
    const { record, scenario, edge, wall } = this.#around;
    const { routed, exclusive, policy } = scenario;
    const instances = [...record.rows.values()].map((row) => {
      const endpoint = endpointOf(row);
      const { failedProbes: _, ...life } = row.life;
      const { id, release } = row;
      const inTable = routed ? edge.inTable(endpoint) : false;
      return { id, release, ...life, inTable, inFlight: routed ? edge.inFlight(endpoint) : 0 };
    });
    const rollout = record.rollout === null ? null : { ...record.rollout };
    const { desired, current } = record;
    const watchedSince = this.#roseAt;
    return {
      now: wall(),
      watchedSince,
      desired,
      routed,
      exclusive,
      obstacle: null,
      instanceless: [],
      unrouted: [],
      current,
      rollout,
      instances,
      policy,
    };
  }
}
