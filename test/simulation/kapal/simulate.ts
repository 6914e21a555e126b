import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hang } from '../../patience.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/** Runs `npm run simulate` in a process of its own, where what a dead daemon leaves in memory fails unheard. Answers the lines of JSON that it printed. */
export function simulate(words: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  const { stdout, stderr, error } = spawnSync(process.execPath, [main, '--json', ...words], {
    encoding: 'utf8',
    timeout: 2 * hang,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = stdout.trim().split('\n');
  if (error !== undefined || stdout === '') throw new Error(`the simulation did not end: ${stderr}`, { cause: error });
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
