import type { Balance } from '../../pool.ts';

/** One endpoint as balancing sees it. */
export interface Candidate {
  readonly weight: number;
  /** Hash of its id, for `ip-hash`. */
  readonly hash: number;
  /** Of the smooth round robin; changed by `pick`. */
  current: number;
  /** Only those of the rank that is asked for are in the choice. */
  readonly rank: number;
  readonly endpoint: { readonly inFlight: number };
}

export interface Lot<C extends Candidate> {
  readonly candidates: readonly C[];
  readonly rank: number;
  /** Hash of the client's address. */
  readonly client: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Chooses among the candidates of a rank by their weights; `null` where there is none. */
export function pick<C extends Candidate>(balance: Balance, lot: Lot<C>): C | null {
  switch (balance) {
    case 'round-robin':
      return smooth(lot.candidates, lot.rank);
    case 'least-connections':
      return leastConnections(lot.candidates, lot.rank);
    case 'ip-hash':
      return rendezvous(lot.candidates, lot.rank, lot.client);
    case 'random-two':
      return randomTwo(lot.candidates, lot.rank, lot.random);
  }
}

/** Smooth weighted round robin: each candidate gains its weight, the largest is taken and pays the sum. Weights 2:1 give a b a, not a a b. */
function smooth<C extends Candidate>(
  candidates: readonly C[],
  rank: number,
  load = Number.POSITIVE_INFINITY,
): C | null {
  let best: C | null = null;
  let total = 0;
  for (const candidate of candidates) {
    if (candidate.rank !== rank || loadOf(candidate) > load) continue;
    candidate.current += candidate.weight;
    total += candidate.weight;
    if (best === null || candidate.current > best.current) best = candidate;
  }
  if (best !== null) best.current -= total;
  return best;
}

/** Fewest requests under way per weight; among equals by turns, or the first would take all of a quiet service. */
function leastConnections<C extends Candidate>(candidates: readonly C[], rank: number): C | null {
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate.rank === rank) least = Math.min(least, loadOf(candidate));
  }
  return smooth(candidates, rank, least);
}

function loadOf({ endpoint, weight }: Candidate): number {
  return endpoint.inFlight / weight;
}

/**
 * Rendezvous hashing with weights (highest random weight; score -w / ln u): an endpoint that comes or goes moves only its own share of
 * clients.
 */
function rendezvous<C extends Candidate>(candidates: readonly C[], rank: number, client: number): C | null {
  let best: C | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate.rank !== rank) continue;
    const uniform = (mix(client ^ candidate.hash) + 1) / 4294967297;
    const score = -candidate.weight / Math.log(uniform);
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

/**
 * Two different ones drawn by weight, of which the one with fewer requests under way per weight is taken: nearly as even as least
 * connections, and several workers that each see only their own requests do not all run to the same endpoint.
 */
function randomTwo<C extends Candidate>(candidates: readonly C[], rank: number, random: () => number): C | null {
  let total = 0;
  for (const candidate of candidates) if (candidate.rank === rank) total += candidate.weight;
  const first = draw(candidates, { rank, except: null, at: random() * total });
  if (first === null) return null;
  const second = draw(candidates, { rank, except: first, at: random() * (total - first.weight) });
  return second !== null && loadOf(second) < loadOf(first) ? second : first;
}

interface Draw {
  readonly rank: number;
  readonly except: Candidate | null;
  /** In [0, sum of the weights). */
  readonly at: number;
}

function draw<C extends Candidate>(candidates: readonly C[], { rank, except, at }: Draw): C | null {
  let left = at;
  let last: C | null = null;
  for (const candidate of candidates) {
    if (candidate.rank !== rank || candidate === except) continue;
    last = candidate;
    left -= candidate.weight;
    if (left < 0) break;
  }
  // Sums of fractions may end a hair above zero: then it is the last.
  return last;
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the answer. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
