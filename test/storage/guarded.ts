import assert from 'node:assert/strict';
import { FullKapal } from './full-daemon.ts';
import type { Verdict } from './cases.ts';

/** The guard of a real daemon on a small disk that fills and empties again. */
export async function guardedKapal(): Promise<Verdict[]> {
  await using full = await FullKapal.start('memory', { keepFree: '20%' });
  const failures: string[] = [];
  try {
    await full.guarded();
  } catch (error) {
    failures.push(error instanceof assert.AssertionError ? error.message : String(error));
  }
  return [{ what: 'guard: builds refused, logs trimmed, ballast given up and made again', cases: 1, failures }];
}
