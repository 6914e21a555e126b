import type { ServiceId } from '../model/service.ts';

/** A start for a rollout, or one that keeps what runs running: neither is to wait for programs of the other kind that hang. */
export type StartKind = 'rollout' | 'keeping';

/** An instance that has been started and is not ready yet. */
export interface Warming {
  readonly instance: string;
  readonly kind: StartKind;
}

/**
 * How many programs boot at once. A machine that boots a hundred side by side has each of them miss its start time-out; one after the other each takes no
 * longer than alone. A turn is free as soon as an instance is ready or has failed, never by time: an instance that hangs is ended by its own start time-out,
 * which begins with its start and not while it waits for its turn.
 *
 * It is level-triggered, as the loops are: `sees` says what warms, and what has been granted since is counted until the next look. Services wait in the order
 * of their asking.
 */
export class StartTurns {
  readonly #size: number;
  readonly #wake: (service: ServiceId) => void;
  readonly #warming = new Map<ServiceId, Warming[]>();
  readonly #lines: Readonly<Record<StartKind, Set<ServiceId>>> = { rollout: new Set(), keeping: new Set() };

  /** `size`: of each kind. `wake` asks for a pass over a service whose turn it may be. */
  constructor(size: number, wake: (service: ServiceId) => void) {
    this.#size = size;
    this.#wake = wake;
  }

  /** What of the service warms now; at the begin of each pass over it. */
  sees(service: ServiceId, warming: readonly Warming[]): void {
    if (warming.length === 0) this.#warming.delete(service);
    else this.#warming.set(service, [...warming]);
    this.#call();
  }

  /** Whether an instance may be started now; the service waits for its turn where it may not. */
  take(service: ServiceId, kind: StartKind): boolean {
    const line = this.#lines[kind];
    const free = this.#free(kind);
    const before = line.has(service) ? [...line].indexOf(service) : line.size;
    if (before >= free) {
      line.add(service);
      return false;
    }
    line.delete(service);
    this.#warming.set(service, [...(this.#warming.get(service) ?? []), { instance: '', kind }]);
    return true;
  }

  /** Of these kinds the service wants to start something, and may not yet; at the end of each pass over it. */
  waits(service: ServiceId, kinds: ReadonlySet<StartKind>): void {
    for (const kind of ['rollout', 'keeping'] as const) if (!kinds.has(kind)) this.#lines[kind].delete(service);
    this.#call();
  }

  isWaiting(service: ServiceId): boolean {
    return this.#lines.rollout.has(service) || this.#lines.keeping.has(service);
  }

  forget(service: ServiceId): void {
    this.#warming.delete(service);
    this.waits(service, new Set());
  }

  #free(kind: StartKind): number {
    let taken = 0;
    for (const warming of this.#warming.values()) for (const one of warming) if (one.kind === kind) taken += 1;
    return this.#size - taken;
  }

  /** Those whose turn it is. Waking one that knows already costs a pass. */
  #call(): void {
    for (const kind of ['rollout', 'keeping'] as const) {
      const free = this.#free(kind);
      if (free > 0) for (const service of [...this.#lines[kind]].slice(0, free)) this.#wake(service);
    }
  }
}
