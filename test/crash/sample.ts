import type { CrashRun, Engine } from './crash.ts';
import { surviveFirstStart } from './first-start.ts';
import { type Step, stepNamed, steps } from './steps.ts';

export const firstStart = 'first start';

export interface SampledRun {
  readonly step: string;
  readonly killed: readonly string[];
}

/** Each point is passed with one engine: those of nginx's driver with it, all others with the embedded one. */
export function isMeantFor(edge: Engine, point: string): boolean {
  return point.startsWith('nginx.') === (edge === 'nginx');
}

/** The steps that pass those points. */
export function stepsFor(edge: Engine): readonly Step[] {
  // An upgrade that was killed as it began is ended in another way: the rest of it is passed by a second one.
  const ofNginx = ['loss of the edge', 'start without HTTPS', 'start with HTTPS', 'first deploy', 'upgrade', 'upgrade'];
  // Where it was killed before it removed anything, the next daemon has done the rest by another way.
  return edge === 'nginx' ? ofNginx.map(stepNamed) : [...steps, stepNamed('garbage collection')];
}

/** Kills in one run, at most: each start of the daemon takes of the time that a rollout has. */
const chain = 8;

/**
 * Kills the daemon at each point once, in the first step that passes it. A run of a step has several kills: the next daemon is armed with all points that
 * are left, so that it dies in its recovery, and where it goes on with the step. Points that no step passes stay in `left`.
 */
export async function sample(
  run: CrashRun,
  {
    steps,
    left,
    seen,
  }: { readonly steps: readonly Step[]; readonly left: Set<string>; seen?: (run: SampledRun) => void },
): Promise<void> {
  for (const step of steps) {
    let count = chain;
    while (count >= chain && left.size > 0) {
      const killed = await run.survive(step, (already) =>
        already.length >= chain ? [] : [...left].filter((point) => !already.includes(point)),
      );
      for (const point of killed) left.delete(point);
      count = killed.length;
      seen?.({ step: step.name, killed });
    }
  }
}

/** The same for the first start in an empty data folder, which alone passes some. */
export async function sampleFirstStart(edge: Engine, left: Set<string>): Promise<SampledRun> {
  const killed = await surviveFirstStart(edge, (already) => [...left].filter((point) => !already.includes(point)));
  for (const point of killed) left.delete(point);
  return { step: firstStart, killed };
}
