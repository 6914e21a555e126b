import { readFileSync, readlinkSync } from 'node:fs';

// Small files of proc(5) that are looked at every other second: without promises, which would cost ten times as much. A process that went meanwhile, or
// another user's, has none.

/** The text of a file, empty where it cannot be read. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Where a symbolic link points, empty where it cannot be read. */
export function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
