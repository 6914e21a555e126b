import type { PoolCounters } from './port.ts';

/** `EdgeStatus.shed`. Workers of an older version count nothing. */
export function shedOf(counters: readonly PoolCounters[]): Readonly<Record<string, number>> {
  return Object.fromEntries(counters.flatMap(({ pool, shed }) => (shed > 0 ? [[pool, shed]] : [])));
}
