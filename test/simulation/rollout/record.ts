import type { Outcome } from '../../../src/model/deploy.ts';
import { applyToInstance, type InstanceLife } from '../../../src/rollout/instance.ts';
import type { Action, RolloutView } from '../../../src/rollout/view.ts';

/** An instance as recorded. */
export interface Row {
  readonly id: string;
  readonly release: number;
  attempt: number;
  life: InstanceLife;
}

export type Rollout = { -readonly [key in keyof RolloutView]: RolloutView[key] };

/** An endpoint is a run: a new attempt of an instance is a new one. */
export function endpointOf(row: Pick<Row, 'id' | 'attempt'>): string {
  return `${row.id}.${row.attempt}`;
}

export interface RecordEvents {
  /** Any row, the rollout or `current` is not what it was. */
  changed(): void;
  promoted(): void;
  began(): void;
  finished(rollout: RolloutView, outcome: Outcome): void;
  /** The first attempt or the next one is recorded and its process has to follow. */
  attempted(row: Row): void;
  prepare(rollout: Rollout): void;
}

/** What survives the daemon. Every action of the machine ends here first. */
export class ServiceRecord {
  desired: number;
  current: number | null = null;
  rollout: Rollout | null = null;
  readonly rows = new Map<string, Row>();
  readonly #events: RecordEvents;
  readonly #wall: () => number;
  #wantedBefore: number;
  #nextId = 1;
  #nextRelease = 1;
  #queued: { readonly to: number; readonly prepare: RolloutView['prepare'] } | null = null;

  constructor(options: { desired: number; wall: () => number; events: RecordEvents }) {
    this.desired = options.desired;
    this.#wantedBefore = options.desired;
    this.#wall = options.wall;
    this.#events = options.events;
  }

  rowOf(endpoint: string): Row | undefined {
    const row = this.rows.get(endpoint.split('.')[0] ?? '');
    return row !== undefined && endpointOf(row) === endpoint ? row : undefined;
  }

  scale(desired: number): void {
    this.desired = desired;
    this.#events.changed();
  }

  /** `kapal stop`, and at the next call `kapal start`. */
  stopOrStart(): void {
    if (this.desired > 0) this.#wantedBefore = this.desired;
    this.scale(this.desired > 0 ? 0 : this.#wantedBefore);
  }

  /** A deploy that meets a rollout in flight asks it to give way and waits; it takes the place of one that waited already. */
  deploy(prepares: (release: number) => RolloutView['prepare']): void {
    const next = { to: this.#nextRelease, prepare: prepares(this.#nextRelease) };
    this.#nextRelease += 1;
    if (this.rollout === null) return this.#begin(next);
    this.#queued = next;
    if (this.rollout.cancel === 'no') this.rollout.cancel = 'superseded';
    this.#events.changed();
  }

  cancel(): void {
    if (this.rollout === null) return;
    this.rollout.cancel = 'requested';
    this.#events.changed();
  }

  #begin({ to, prepare }: { readonly to: number; readonly prepare: RolloutView['prepare'] }): void {
    this.rollout = {
      id: `r${to}`,
      from: this.current,
      to,
      phase: 'preparing',
      since: this.#wall(),
      prepare,
      cancel: 'no',
      failure: null,
    };
    this.#events.began();
    this.#events.changed();
  }

  /** What an action does to the record. Only what it changes is an event: that an action was lost is for `wakeAt` to find. */
  apply(action: Action, rollout: Rollout | null): void {
    switch (action.kind) {
      case 'start':
        if (action.alone === true && (this.rows.size > 0 || this.rollout?.prepare === 'running')) return;
        return this.#start(action.release, action.setbacks ?? 0);
      case 'retry':
      case 'drain':
      case 'terminate':
        return this.#instance(action.kind, action.instance);
      case 'kill':
        return;
      case 'promote':
        return this.#promote(action.from, action.to);
      case 'prepare':
      case 'phase':
      case 'finish':
        if (rollout !== null && rollout === this.rollout) this.#move(action, rollout);
    }
  }

  #start(release: number, quickExits: number): void {
    const id = `i${this.#nextId}`;
    this.#nextId += 1;
    const now = this.#wall();
    const life: InstanceLife = {
      state: 'starting',
      since: now,
      startedAt: now,
      quickExits,
      retryAt: null,
      lastExit: null,
      failedProbes: 0,
      detail: null,
    };
    const row = { id, release, attempt: 1, life };
    this.rows.set(id, row);
    this.#events.attempted(row);
    this.#events.changed();
  }

  #instance(kind: 'retry' | 'drain' | 'terminate', id: string): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    const before = row.life;
    row.life = applyToInstance(before, kind, this.#wall());
    if (row.life === before) return;
    if (kind === 'retry') {
      row.attempt += 1;
      this.#events.attempted(row);
    }
    this.#events.changed();
  }

  #promote(from: number | null, to: number | null): void {
    if (this.current !== from) return;
    this.current = to;
    this.#events.promoted();
    this.#events.changed();
  }

  #move(action: Extract<Action, { kind: 'prepare' | 'phase' | 'finish' }>, rollout: Rollout): void {
    if (action.kind === 'prepare') return this.#events.prepare(rollout);
    if (action.kind === 'finish') return this.#finish(rollout, action.outcome);
    if (rollout.phase === action.phase) return;
    Object.assign(rollout, { phase: action.phase, since: this.#wall(), failure: action.failure });
    this.#events.changed();
  }

  #finish(rollout: Rollout, outcome: Outcome): void {
    this.rollout = null;
    this.#events.finished(rollout, outcome);
    const next = this.#queued;
    this.#queued = null;
    if (next !== null) this.#begin(next);
    this.#events.changed();
  }
}
