/** What a set of cases came to. */
export interface Verdict {
  readonly what: string;
  readonly cases: number;
  /** Each says which case it was, and what did not hold. */
  readonly failures: readonly string[];
  /** What else is worth a word. */
  readonly note?: string;
}

/** Runs each case; one that throws has failed. */
export function judge<Case>(
  what: string,
  cases: Iterable<readonly [name: string, one: Case]>,
  prove: (one: Case) => void,
): Verdict {
  const failures: string[] = [];
  let count = 0;
  for (const [name, one] of cases) {
    count += 1;
    try {
      prove(one);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { what, cases: count, failures };
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
