import type { CrashRun, Kill } from './crash.ts';
import type { Step } from './steps.ts';

/** One kill of a step; `again`: of the next daemon, at its start. */
export interface PlannedKill {
  readonly step: Step;
  readonly kill: Kill;
  readonly again: Kill | null;
}

/** Learns what each step passes, and plans the kills: each point once, or (`all`) every pass of every step, with the next daemon killed at its start as well. */
export async function planOf(
  run: CrashRun,
  { steps, all }: { readonly steps: readonly Step[]; readonly all: boolean },
): Promise<{ readonly kills: readonly PlannedKill[]; readonly points: number; readonly passes: number }> {
  const known = new Set<string>();
  const kills: PlannedKill[] = [];
  let passes = 0;
  let starts = 0;
  for (const step of steps) {
    const { during, starting } = await run.learn(step);
    passes += during.length;
    const turns = new Map<string, number>();
    for (const point of [...starting, ...during]) {
      const turn = (turns.get(point) ?? 0) + 1;
      turns.set(point, turn);
      if (!all && known.has(point)) continue;
      known.add(point);
      const then = all ? starting[starts++ % starting.length] : undefined;
      kills.push({ step, kill: { point, turn }, again: then === undefined ? null : { point: then, turn: 1 } });
    }
  }
  return { kills, points: known.size, passes };
}
