import type { PoolCounters } from '../port.ts';
import type { WorkerStatus } from './control.ts';

/** Requests under way by endpoint, over all workers. */
export function addInFlight(statuses: readonly WorkerStatus[]): Map<string, number> {
  const total = new Map<string, number>();
  for (const status of statuses) {
    for (const [endpoint, count] of Object.entries(status.inFlight))
      total.set(endpoint, (total.get(endpoint) ?? 0) + count);
  }
  return total;
}

export function addCounters(statuses: readonly WorkerStatus[]): PoolCounters[] {
  const total = new Map<string, PoolCounters>();
  for (const counters of statuses.flatMap((status) => status.counters)) {
    const before = total.get(counters.pool);
    total.set(counters.pool, before === undefined ? counters : sum(before, counters));
  }
  return [...total.values()];
}

function sum(a: PoolCounters, b: PoolCounters): PoolCounters {
  return {
    pool: a.pool,
    requests: a.requests + b.requests,
    retries: a.retries + b.retries,
    ejections: a.ejections + b.ejections,
    shed: a.shed + b.shed,
  };
}
