import type { CrashRun, Engine } from './crash.ts';
import type { Results } from './results.ts';
import type { Step } from './steps.ts';

/** Passes of points that a start of the daemon with a step under way has, about: the next daemon is killed at the first, the second, ... of them in turn. */
const startPasses = 30;

interface Planned {
  readonly step: Step;
  readonly point: string;
  readonly turn: number;
  /** 0: the first pass of the point; 1: its last one; 2: any between. */
  readonly round: number;
  /** Of the next daemon: at which of its passes. */
  readonly next: number;
}

export interface Matrix {
  readonly edge: Engine;
  /** Each takes the next group when it has done with one. */
  readonly runs: readonly CrashRun[];
  readonly groups: readonly (readonly Step[])[];
  /** Only these points; all unless told. */
  readonly points?: (point: string) => boolean;
  readonly results: Results;
  readonly say: (line: string) => void;
  /** No further run is begun. */
  readonly isLate: () => boolean;
}

/**
 * Kills the daemon at every pass of every step, and the next daemon at another pass of its recovery each time: first passes of all steps first, then the last
 * ones, then those between. Steps of a group take turns, for each leaves the service as the next one wants it. What the results have already is not run again.
 */
export async function matrix(whole: Matrix): Promise<void> {
  const { edge, runs, groups, points = () => true, results, say, isLate } = whole;
  const plans: Planned[][][] = [];
  await shared(runs, groups, async (run, group) => {
    const planned: Planned[][] = [];
    for (const step of group)
      if (!isLate()) planned.push(planOf(step, (await learn({ edge, run, results }, step)).filter(points)));
    plans.push(planned);
  });
  for (const round of [0, 1, 2])
    await shared(runs, plans, async (run, group) => {
      for (const planned of inTurns(group.map((plan) => plan.filter((one) => one.round === round)))) {
        if (isLate()) return;
        if (isThere({ edge, results }, planned)) continue;
        results.add(await kill({ edge, run, say }, planned));
      }
    });
}

/** Each of the items is done once, by whichever of the runs has nothing to do. */
async function shared<T>(
  runs: readonly CrashRun[],
  items: readonly T[],
  work: (run: CrashRun, item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    runs.map(async (run) => {
      for (const item of left) await work(run, item);
    }),
  );
}

/** The first of each list, then the second of each, and so on. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

type Work = Pick<Matrix, 'edge'> & { readonly run: CrashRun };

async function learn({ edge, run, results }: Work & Pick<Matrix, 'results'>, step: Step): Promise<readonly string[]> {
  const known = results.learnt.find((one) => one.edge === edge && one.step === step.name);
  if (known !== undefined) return known.passes;
  const passes = await run.learn(step);
  results.learn({ edge, step: step.name, passes });
  return passes;
}

function planOf(step: Step, passes: readonly string[]): Planned[] {
  const turns = new Map<string, number>();
  return passes.map((point, index) => {
    const turn = (turns.get(point) ?? 0) + 1;
    turns.set(point, turn);
    const isLast = passes.lastIndexOf(point) === index;
    return { step, point, turn, round: turn === 1 ? 0 : isLast ? 1 : 2, next: 1 + (index % startPasses) };
  });
}

function isThere({ edge, results }: Pick<Matrix, 'edge' | 'results'>, { step, point, turn }: Planned): boolean {
  return results.results.some(
    (one) => one.edge === edge && one.step === step.name && one.point === point && one.turn === turn,
  );
}

async function kill(
  { edge, run, say }: Work & Pick<Matrix, 'say'>,
  { step, point, turn, next }: Planned,
): Promise<Results['results'][number]> {
  const about = { edge, step: step.name, point, turn };
  const arms = [`${point}@${turn}`, `*@${next}`];
  try {
    const killed = await run.survive(step, (already) => arms.slice(already.length, already.length + 1));
    say(`${step.name}: ${point}@${turn}: killed ${killed.length === 0 ? 'nowhere' : `at ${killed.join(', then ')}`}`);
    return { ...about, killed, violation: null };
  } catch (error) {
    const violation = String(error instanceof Error ? error.message : error);
    say(`FAILED ${step.name}: ${point}@${turn}, then *@${next}: ${violation}`);
    await run.recover();
    return { ...about, killed: [], violation };
  }
}
