import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What to do where a point is passed; nothing, unless somebody armed the points. */
let passed: ((point: string) => void) | null = null;

/**
 * A place where the world and the record may differ: `AREA.WHAT`, once in the whole source. Costs nothing in use. The tests of what a daemon survives end it
 * at every one of them (`npm run crash`), so a point stands after each thing that lasts, and before the next one that depends on it.
 */
export function crashpoint(point: string): void {
  passed?.(point);
}

/**
 * Arms the points of this process. `KAPAL_CRASHPOINT=POINT` or `POINT@N`: the process ends by SIGKILL when it passes the point (for the N-th time).
 * `KAPAL_CRASHPOINTS=FILE`: the same for every line of the file, which may change while the process runs; `*@N` is the N-th pass of whatever points. Passes
 * count from the change. `KAPAL_CRASHPOINTS_PASSED=FILE`: each point is noted in the file as it is passed, one a line.
 */
export function armCrashpoints(environment: Readonly<Record<string, string | undefined>>): void {
  const { KAPAL_CRASHPOINT: wanted, KAPAL_CRASHPOINTS: armed, KAPAL_CRASHPOINTS_PASSED: file } = environment;
  if (wanted === undefined && armed === undefined && file === undefined) return;
  let text = '';
  let passes = new Map<string, number>();
  passed = (point) => {
    if (file !== undefined) appendFileSync(file, `${point}\n`);
    const now = armed === undefined ? (wanted ?? '') : textOf(armed);
    if (now !== text) passes = new Map();
    text = now;
    for (const name of [point, '*']) passes.set(name, (passes.get(name) ?? 0) + 1);
    const isDue = text.split('\n').some((line) => {
      const [name = '', turn = '1'] = line.split('@');
      return (name === point || name === '*') && passes.get(name) === Number(turn);
    });
    // kill(2) to oneself is done when it returns: nothing after this line runs.
    if (isDue) process.kill(process.pid, 'SIGKILL');
  };
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
