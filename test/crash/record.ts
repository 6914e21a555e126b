import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Install } from '../e2e/install.ts';

/** Reads the record beside the daemon, or without one. */
export function recordOf<T>(kapal: Install, read: (record: DatabaseSync) => T): T {
  using record = new DatabaseSync(join(kapal.data, 'record', 'record.db'), { readOnly: true, timeout: 5_000 });
  return read(record);
}
