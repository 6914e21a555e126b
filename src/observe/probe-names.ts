import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { errorCode } from '../lib/files.ts';

/** The addresses of a name, the best first; rejects where it has none. */
export type LookUp = (name: string) => Promise<readonly LookupAddress[]>;

/** As programs of this machine resolve: /etc/hosts, then DNS (getaddrinfo(3)). */
export const systemLookUp: LookUp = (name) =>
  new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/** A name has no address. `why`: the resolver's code, or that it did not answer. */
export class NameProblem extends Error {
  constructor(name: string, why: string, cause?: unknown) {
    super(`${name} does not resolve (${why})`, { cause });
  }
}

/**
 * Finds addresses for probes. Who asks for a name while it is being asked for gets the same answer: getaddrinfo(3) waits for a server that is away for
 * longer than probes do, in a thread that nothing can stop, and questions would heap up before it.
 */
export class ProbeNames {
  readonly #lookUp: LookUp;
  readonly #asked = new Map<string, Promise<readonly LookupAddress[]>>();

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp;
  }

  /** For one connection: `resolve` is what `net.connect` takes as `lookup`; `waits` while it has no answer. */
  forOne(): { readonly resolve: LookupFunction; readonly waits: () => boolean } {
    let waiting = false;
    const answer = async (...[name, options, done]: Parameters<LookupFunction>): Promise<void> => {
      const found = await this.#addresses(name).catch((error: unknown) => problemOf(name, error));
      waiting = false;
      if (found instanceof NameProblem) return done(found, '');
      const [first] = found;
      if (first === undefined) return done(new NameProblem(name, 'no address'), '');
      return options.all === true ? done(null, [...found]) : done(null, first.address, first.family);
    };
    const resolve: LookupFunction = (...question) => {
      waiting = true;
      void answer(...question);
    };
    return { resolve, waits: () => waiting };
  }

  #addresses(name: string): Promise<readonly LookupAddress[]> {
    const under = this.#asked.get(name);
    if (under !== undefined) return under;
    const asked = this.#lookUp(name).finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }
}

function problemOf(name: string, error: unknown): NameProblem {
  return new NameProblem(name, errorCode(error) ?? String(error), error);
}
