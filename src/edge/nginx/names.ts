import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import { errorCode } from '../../lib/files.ts';
import type { RouteTable } from '../port.ts';

/** Milliseconds for which an answer is taken for true, after which a name that has none is asked for again, and for which one question may last. */
const freshness = 30_000;
const retryAfter = 5_000;
const patience = 3_000;

/** The addresses of a name, in no order; rejects where it has none. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** As programs of this machine resolve: /etc/hosts, then DNS (getaddrinfo(3)). */
export const systemLookUp: LookUp = async (name) => (await lookup(name, { all: true })).map(({ address }) => address);

interface Known {
  /** The last good answer; null before the first. */
  readonly address: string | null;
  /** Why the last question had no answer. */
  readonly problem: string | null;
  readonly next: number;
}

/**
 * Addresses for endpoints that are named: nginx itself resolves none while it runs. Of a name's addresses one is used, and stays as long as the name has
 * it; the last good one stays while the name does not resolve.
 */
export class Names {
  readonly #lookUp: LookUp;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(options: { readonly lookUp: LookUp; readonly clock: Clock }) {
    this.#lookUp = options.lookUp;
    this.#clock = options.clock;
  }

  /** Whether a question about one of the table's names is due. */
  isDue(table: RouteTable): boolean {
    return namesOf(table).some((name) => this.#isDue(name));
  }

  /** The address of each of the table's names that has one; asks where that is due. `before`: what a former daemon found out. */
  async resolve(
    table: RouteTable,
    before: () => Promise<ReadonlyMap<string, string>>,
  ): Promise<ReadonlyMap<string, string>> {
    const names = namesOf(table);
    for (const name of this.#known.keys()) if (!names.includes(name)) this.#known.delete(name);
    const unknown = names.some((name) => !this.#known.has(name));
    const last = unknown ? await before() : new Map<string, string>();
    await Promise.all(names.filter((name) => this.#isDue(name)).map((name) => this.#ask(name, last.get(name) ?? null)));
    const found = names.map((name) => [name, this.#known.get(name)?.address ?? null] as const);
    return new Map(found.filter((pair): pair is [string, string] => pair[1] !== null));
  }

  /** What does not resolve now, one sentence each. */
  problems(): string[] {
    return [...this.#known].flatMap(([name, { address, problem }]) => {
      if (problem === null) return [];
      return [`${name} does not resolve (${problem}): ${address === null ? 'left out' : `${address} is used on`}`];
    });
  }

  #isDue(name: string): boolean {
    return (this.#known.get(name)?.next ?? 0) <= this.#clock.monotonic();
  }

  async #ask(name: string, last: string | null): Promise<void> {
    const address = this.#known.get(name)?.address ?? last;
    try {
      const addresses = await withinPatience(this.#lookUp(name));
      const chosen = address !== null && addresses.includes(address) ? address : preferred(addresses);
      if (chosen === null) throw new Error('no address');
      this.#known.set(name, { address: chosen, problem: null, next: this.#clock.monotonic() + freshness });
    } catch (error) {
      const problem = errorCode(error) ?? (error instanceof Error ? error.message : String(error));
      this.#known.set(name, { address, problem, next: this.#clock.monotonic() + retryAfter });
    }
  }
}

function namesOf(table: RouteTable): string[] {
  const hosts = table.pools.flatMap((pool) => (pool.kind === 'proxy' ? pool.endpoints.map(({ host }) => host) : []));
  return [...new Set(hosts.filter((host) => isIP(host) === 0))];
}

/** IPv4 first, as many machines have no way out over IPv6; then by text, so that a server that turns its answers around changes nothing. */
function preferred(addresses: readonly string[]): string | null {
  const usable = addresses.filter((address) => isIP(address) !== 0);
  return usable.toSorted((a, b) => isIP(a) - isIP(b) || (a < b ? -1 : 1))[0] ?? null;
}

async function withinPatience<T>(answer: Promise<T>): Promise<T> {
  const end = new AbortController();
  try {
    const late = pause(patience, null, { signal: end.signal }).then(() => {
      throw new Error(`no answer in ${patience / 1000} s`);
    });
    return await Promise.race([answer, late]);
  } finally {
    end.abort();
  }
}
