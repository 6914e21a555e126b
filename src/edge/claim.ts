import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';
import { describeHolders, holdersOf, type PortHolder } from './holder.ts';

/** Between two looks, and how many of them. */
const POLL = 50;
const LOOKS = 10;

const names = { http: 'plain HTTP', https: 'HTTPS' } as const;

interface Claim<T> {
  readonly protocol: 'http' | 'https';
  /** Numeric, or a name that stands for every address. */
  readonly host: string;
  readonly port: number;
  /** The address as people write it. */
  readonly shown: string;
  /** Whether a holder is this edge's own, when it is asked. */
  readonly ours: (holder: PortHolder) => boolean;
  /** Binds without SO_REUSEPORT, and lets go again. Rejects with `EADDRINUSE` where somebody has the port; any other error is passed on. */
  readonly bind: () => Promise<T>;
}

/**
 * Makes sure that no stranger holds a port: what `bind` resolves with, or `null` where only this edge itself has it. A process that ends, one that has just
 * been started, or this one with a socket that it has handed on, may have the port and be nobody's a moment later: who holds it is seen twice.
 *
 * Throws `port_taken` naming the holders.
 */
export async function refuseStrangers<T>(claim: Claim<T>): Promise<T | null> {
  let suspects: ReadonlySet<number> = new Set();
  for (let look = 1; ; look += 1) {
    try {
      return await claim.bind();
    } catch (error) {
      if (errorCode(error) !== 'EADDRINUSE') throw error;
    }
    const holders = holdersOf(claim.port, claim.host);
    const strangers = holders.filter((holder) => !claim.ours(holder));
    if (holders.length > 0 && strangers.length === 0) return null;
    if (strangers.some(({ pid }) => suspects.has(pid)) || look === LOOKS) throw portTaken(claim, strangers);
    suspects = new Set(strangers.map(({ pid }) => pid));
    await pause(POLL);
  }
}

function portTaken(
  { protocol, shown }: Pick<Claim<unknown>, 'protocol' | 'shown'>,
  holders: readonly PortHolder[],
): KapalError {
  return new KapalError('port_taken', `${shown} is held by ${describeHolders(holders)}`, {
    hint: `Stop that program, or choose another address for ${names[protocol]} with --${protocol} HOST:PORT.`,
  });
}
