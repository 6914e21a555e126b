import type { ServiceId } from '../model/service.ts';
import type { ResolvedVariable } from '../release/environment.ts';
import type { ReleaseRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import type { EdgeSync } from './edge-sync.ts';
import type { PortAllocator } from './ports.ts';
import type { StartTurns } from './start-turns.ts';
import type { HostTrust } from './transport.ts';
import { openVariables } from './vaulting.ts';

/** What the parts of one service's loop share. */
export interface ServiceContext {
  readonly needs: Dependencies;
  readonly id: ServiceId;
  readonly edge: EdgeSync;
  readonly ports: PortAllocator;
  /** What the edge presents for a host. */
  readonly trust: (host: string) => HostTrust;
  readonly releases: ReleaseCache;
  readonly turns: StartTurns;
  /** Whether a client of this daemon has the streams of a job. */
  readonly isHeld: (job: string) => boolean;
  readonly wake: () => void;
  /** A rollout has ended: its row is final. */
  readonly finished: (rollout: string) => void;
}

/** Releases are immutable but for their status, so spec and variables of those at work are kept at hand: opening sealed values at every pass would cost. */
export class ReleaseCache {
  readonly #needs: Pick<Dependencies, 'store' | 'vault'>;
  readonly #service: ServiceId;
  readonly #known = new Map<number, { release: ReleaseRow; variables: readonly ResolvedVariable[] }>();

  constructor(needs: Pick<Dependencies, 'store' | 'vault'>, service: ServiceId) {
    this.#needs = needs;
    this.#service = service;
  }

  get(number: number): { readonly release: ReleaseRow; readonly variables: readonly ResolvedVariable[] } | null {
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    const release = this.#needs.store.releases.get(this.#service, number);
    if (release === null) return null;
    const entry = { release, variables: openVariables(this.#needs.vault, release).resolved };
    this.#known.set(number, entry);
    return entry;
  }

  /** Keeps only these. */
  retain(numbers: ReadonlySet<number>): void {
    for (const number of this.#known.keys()) if (!numbers.has(number)) this.#known.delete(number);
  }
}
