import { createHash } from 'node:crypto';

/** Numbers in [0, 1) that a seed repeats. */
export function randomFrom(seed: number): () => number {
  let count = 0;
  return () => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE() / 2 ** 32;
}
