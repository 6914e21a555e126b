import type { Route, RouteTable } from '../../port.ts';
import type { RouteEntry } from '../policy/route-entry.ts';

const challengePath = '/.well-known/acme-challenge/';

/** Routes and challenges of the present table, as requests look for them. */
export class RouteIndex {
  #exact: ReadonlyMap<string, readonly RouteEntry[]> = new Map();
  /** By what follows the first label. */
  #wildcard: ReadonlyMap<string, readonly RouteEntry[]> = new Map();
  /** By host and path. */
  #challenges: ReadonlyMap<string, string> = new Map();

  /** `host`: lower case, no port, no trailing dot. `path`: decoded and resolved where it was unusual. */
  find(host: string, path: string): RouteEntry | null {
    const exact = this.#exact.get(host);
    const found = exact === undefined ? null : longest(exact, path);
    if (found !== null || this.#wildcard.size === 0) return found;
    const dot = host.indexOf('.');
    const wildcard = dot < 1 ? undefined : this.#wildcard.get(host.slice(dot + 1));
    return wildcard === undefined ? null : longest(wildcard, path);
  }

  /** What an authority is to be answered at this address; `null`: it is none of theirs. */
  challenge(host: string, path: string): string | null {
    if (this.#challenges.size === 0 || !path.startsWith(challengePath)) return null;
    return this.#challenges.get(host + path) ?? null;
  }

  /** `entered`: the route in the form in which it is found, `null` where its pool is not there. */
  apply(table: RouteTable, entered: (route: Route) => RouteEntry | null): void {
    const exact = new Map<string, RouteEntry[]>();
    const wildcard = new Map<string, RouteEntry[]>();
    for (const route of table.routes) {
      const entry = entered(route);
      if (entry === null) continue;
      const isWildcard = route.host.startsWith('*.');
      const host = isWildcard ? route.host.slice(2) : route.host;
      const routes = isWildcard ? wildcard : exact;
      const entries = routes.get(host) ?? [];
      entries.push(entry);
      routes.set(host, entries);
    }
    for (const entries of [...exact.values(), ...wildcard.values()]) {
      entries.sort((a, b) => b.prefix.length - a.prefix.length);
    }
    this.#exact = exact;
    this.#wildcard = wildcard;
    this.#challenges = new Map(
      (table.challenges ?? []).map(({ host, token, answer }) => [`${host}${challengePath}${token}`, answer]),
    );
  }
}

/** The first of the routes, longest first, whose path is the request's or ends at one of its slashes. */
function longest(entries: readonly RouteEntry[], path: string): RouteEntry | null {
  for (const entry of entries) {
    const { prefix } = entry;
    if (prefix === '') return entry;
    if (path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f))
      return entry;
  }
  return null;
}
