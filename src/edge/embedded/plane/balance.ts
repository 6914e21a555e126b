import type { ProxyPool } from '../../pool.ts';

/** One endpoint as balancing sees it. */
export interface Candidate {
  readonly weight: number;
  /** Hash of its id, for `ip-hash`. */
  readonly hash: number;
  /** Of the smooth round robin; changed by `pick`. */
  current: number;
  readonly endpoint: { readonly inFlight: number };
}

/** Chooses among the candidates that `allowed` lets pass; `null` if none does. `client` is a hash of the client's address. */
export function pick<C extends Candidate>(
  balance: ProxyPool['balance'],
  { candidates, allowed, client }: { candidates: readonly C[]; allowed: (candidate: C) => boolean; client: number },
): C | null {
  switch (balance) {
    case 'round-robin':
      return smooth(candidates, allowed);
    case 'least-connections':
      return leastConnections(candidates, allowed);
    case 'ip-hash':
      return rendezvous(candidates, allowed, client);
  }
}

/** Smooth weighted round robin: each candidate gains its weight, the largest is taken and pays the sum. Weights 2:1 give a b a, not a a b. */
function smooth<C extends Candidate>(candidates: readonly C[], allowed: (candidate: C) => boolean): C | null {
  let best: C | null = null;
  let total = 0;
  for (const candidate of candidates) {
    if (!allowed(candidate)) continue;
    candidate.current += candidate.weight;
    total += candidate.weight;
    if (best === null || candidate.current > best.current) best = candidate;
  }
  if (best !== null) best.current -= total;
  return best;
}

/** Fewest requests under way per weight; among equals by turns, or the first would take all of a quiet service. */
function leastConnections<C extends Candidate>(candidates: readonly C[], allowed: (candidate: C) => boolean): C | null {
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (allowed(candidate)) least = Math.min(least, candidate.endpoint.inFlight / candidate.weight);
  }
  return smooth(
    candidates,
    (candidate) => candidate.endpoint.inFlight / candidate.weight === least && allowed(candidate),
  );
}

/**
 * Rendezvous hashing with weights (highest random weight; score -w / ln u): an endpoint that comes or goes moves only its own share of
 * clients.
 */
function rendezvous<C extends Candidate>(
  candidates: readonly C[],
  allowed: (candidate: C) => boolean,
  client: number,
): C | null {
  let best: C | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    if (!allowed(candidate)) continue;
    const uniform = (mix(client ^ candidate.hash) + 1) / 4294967297;
    const score = -candidate.weight / Math.log(uniform);
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
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
