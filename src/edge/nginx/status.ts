import type { PoolCounters } from '../port.ts';
import { askControl } from './control.ts';
import type { EdgeFolder } from './folder.ts';

/** What `GET /status` on the control socket answers (lua/kapal/control.lua). */
export interface NginxStatus {
  /** Of the route table. */
  readonly version: number;
  /** Requests and upgraded connections under way, by endpoint id. */
  readonly inFlight: Readonly<Record<string, number>>;
  readonly counters: readonly PoolCounters[];
  readonly stalled: readonly string[];
  readonly overloaded: readonly string[];
  /**
   * `question`: the last one that the worker has answered; it grows with every status that is asked for. `common`: requests that took the short way
   * (lua/kapal/first.lua).
   */
  readonly workers: readonly {
    readonly pid: number;
    readonly question: number;
    readonly leaving: boolean;
    readonly common: number;
  }[];
}

/** Asks the running nginx, at its control socket or at another one beside it; `null` where none answers, or not with a status. */
export async function askStatus(folder: EdgeFolder, socket?: string): Promise<NginxStatus | null> {
  const answer = await askControl(folder, {
    path: '/status',
    timeout: 5000,
    ...(socket === undefined ? {} : { socket }),
  });
  if (answer.kind !== 'answered' || answer.status !== 200) return null;
  try {
    const status = JSON.parse(answer.body) as NginxStatus;
    // Lua's empty table is an empty array or an empty object as chance has it.
    return {
      ...status,
      counters: listOf(status.counters),
      stalled: listOf(status.stalled),
      overloaded: listOf(status.overloaded),
      workers: listOf(status.workers),
    };
  } catch {
    return null;
  }
}

/** Counters of every pool, also of those that were not asked for anything yet. */
export function withZeros(counters: readonly PoolCounters[], pools: readonly string[]): PoolCounters[] {
  const known = new Set(counters.map(({ pool }) => pool));
  const idle = pools.filter((pool) => !known.has(pool));
  return [...counters, ...idle.map((pool) => ({ pool, requests: 0, retries: 0, ejections: 0, shed: 0 }))];
}

/** Workers that have not answered the question at hand, by pid, with the last one that they did. */
export function silentWorkers({ workers }: NginxStatus): ReadonlyMap<number, number> {
  const asked = Math.max(0, ...workers.map(({ question }) => question));
  const silent = workers.filter(({ question, leaving }) => !leaving && question < asked);
  return new Map(silent.map(({ pid, question }) => [pid, question]));
}

/** Nothing: the Lua of an older version, which runs until it is upgraded, does not say it. */
function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return value !== undefined && 'length' in value ? value : [];
}
