import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Contestant, Ground } from './contest.ts';
import { type Load, measure, median, type Round } from './measure.ts';
import { startBackends } from './peers.ts';

export type Start = (ground: Ground, backends: readonly number[]) => Promise<Contestant>;

/** What one contestant did, round by round; the first is the one that the others are held against. */
export interface Entry {
  readonly name: string;
  readonly rounds: readonly Round[];
}

/**
 * Interleaved rounds: every contestant runs before the next round begins, so that what else the machine does hits all alike. The proxy under
 * measurement has core 0 for itself, load generator and backends share core 1.
 */
export async function interleave(starts: readonly Start[], rounds: number, load: Load): Promise<Entry[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-bench-'));
  await chmod(folder, 0o755);
  const ground: Ground = { folder, proxyCore: 0, otherCore: 1 };
  try {
    await using stack = new AsyncDisposableStack();
    const { ports } = stack.use(await startBackends(ground));
    const measured = new Map<Contestant, Round[]>();
    for (const start of starts) measured.set(stack.use(await start(ground, ports)), []);
    for (const contestant of measured.keys()) await measure(contestant, ground, { ...load, seconds: 1 });
    for (let round = 0; round < rounds; round += 1) {
      for (const [contestant, list] of measured) list.push(await measure(contestant, ground, load));
    }
    return [...measured].map(([{ name }, list]) => ({ name, rounds: list }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The median of the ratios within one round: what the machine did to a round, it did to both. */
export function ratio(entry: Entry, to: Entry, figure: (round: Round) => number): number {
  return median(
    entry.rounds.map((round, index) => {
      const other = to.rounds[index];
      return other === undefined ? Number.NaN : figure(round) / figure(other);
    }),
  );
}
