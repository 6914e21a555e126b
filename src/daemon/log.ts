import { renameSync, statSync } from 'node:fs';
import { pino } from 'pino';
import type { Log } from '../lib/log.ts';

/** Bytes after which the daemon's log is set aside at the next start; one former log is kept. */
const largest = 10 * 1024 * 1024;

/** The daemon's own log: JSON lines in a file, written synchronously so that the last words before a crash are there. */
export function openDaemonLog(path: string): Log {
  try {
    if (statSync(path).size > largest) renameSync(path, `${path}.1`);
  } catch {
    // There is none yet.
  }
  return pino(
    { base: null, redact: { paths: ['token', '*.token', 'authorization'], censor: '[secret]' } },
    pino.destination({ dest: path, sync: true, mkdir: true, mode: 0o600 }),
  );
}
