import { join } from 'node:path';
import { exec, type ExecResult, plainEnvironment } from '../../lib/exec.ts';
import { KapalError } from '../../model/errors.ts';
import type { Toolchain } from './toolchain.ts';

/** Milliseconds for one npm command. */
export const npmLimit = 180_000;

const quiet = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--loglevel=error',
];

/** One command of npm for ourselves: no package's script runs, and what npm keeps lies in `part/home`. Throws `toolchain_missing` where there is no npm. */
export function runNpm(
  at: { part: string; toolchain: Toolchain; environment: Readonly<Record<string, string>> },
  args: readonly string[],
): Promise<ExecResult> {
  const { node, npm } = at.toolchain;
  if (npm === null) throw npmMissing();
  const home = join(at.part, 'home');
  return exec(node, [npm, ...quiet, ...args], {
    cwd: at.part,
    env: plainEnvironment({ ...at.environment, HOME: home, npm_config_cache: join(home, 'cache') }),
    timeout: npmLimit,
  });
}

export function npmMissing(): KapalError {
  return new KapalError('toolchain_missing', 'npm is not installed on this machine, and the build needs it', {
    hint: 'Install it (Debian: apt-get install npm) and start Kapal again, or declare a buildCommand that does without.',
  });
}

/** Why npm did not bring something: its first words, and the last lines of what it said. */
export function npmFailure({ stderr, timedOut, code }: ExecResult): { reason: string; log: readonly string[] } {
  const log = stderr.split('\n').filter((line) => line.trim() !== '');
  const reason = timedOut ? `it took longer than ${npmLimit / 1000} s` : (log[0] ?? `npm ended with code ${code}`);
  return { reason, log: log.slice(-12) };
}
