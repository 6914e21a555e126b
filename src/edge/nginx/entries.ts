import { isIP } from 'node:net';
import type { EdgeCertificate } from '../certificate.ts';
import type { Policy } from '../policy.ts';
import type { Endpoint, Pool } from '../pool.ts';
import type { HttpChallenge, Route, RouteTable } from '../port.ts';

/** What shared memory holds, and a file on disk: texts by key. One entry changes without the others, so a deploy costs what it changes. */
export type Entries = ReadonlyMap<string, string>;

/** A state of the entries. `version` is the route table's, or the certificates' own. */
export interface EntryState {
  readonly version: number;
  readonly entries: Entries;
}

export const noEntries: EntryState = { version: 0, entries: new Map() };

/** What `POST /entries` and `POST /certificates` take. `base: null`: everything that `set` does not name goes. */
export interface EntryDelta {
  readonly base: number | null;
  readonly version: number;
  readonly set: Readonly<Record<string, string>>;
  readonly delete: readonly string[];
}

/** A route as Lua reads it; the host is in the key, the path has no slash at its end. */
type RouteEntry = Omit<Route, 'host'>;

/** An endpoint as Lua reads it: with the address of its host, where that is a name. */
type EndpointEntry = Endpoint & { readonly address?: string };

/**
 * The public part of a table. `addresses`: those of the hosts that are names; an endpoint whose name has none is left out.
 *
 *   route:HOST            JSON array of the host's routes, longest path first; HOST may be `*.example.com`
 *   pool:ID, policy:ID    JSON as in pool.ts and policy.ts
 *   challenge:HOST/TOKEN  the answer, as it is
 */
export function tableEntries(table: RouteTable, addresses: ReadonlyMap<string, string> = new Map()): Entries {
  const entries = new Map<string, string>();
  for (const [host, routes] of routesByHost(table.routes)) entries.set(`route:${host}`, JSON.stringify(routes));
  for (const pool of table.pools) entries.set(`pool:${pool.id}`, JSON.stringify(withAddresses(pool, addresses)));
  for (const policy of table.policies ?? []) entries.set(`policy:${policy.id}`, JSON.stringify(policy));
  for (const { host, token, answer } of table.challenges ?? []) entries.set(`challenge:${host}/${token}`, answer);
  return entries;
}

function withAddresses(pool: Pool, addresses: ReadonlyMap<string, string>): Pool {
  if (pool.kind === 'static') return pool;
  const endpoints = pool.endpoints.flatMap((endpoint): EndpointEntry[] => {
    if (isIP(endpoint.host) !== 0) return [endpoint];
    const address = addresses.get(endpoint.host);
    return address === undefined ? [] : [{ ...endpoint, address }];
  });
  return { ...pool, endpoints };
}

/** The addresses of named hosts that entries hold. */
export function addressesIn(entries: Entries): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, text] of entries) {
    if (!key.startsWith('pool:') || !text.includes('"address":')) continue;
    const pool = JSON.parse(text) as Pool;
    if (pool.kind === 'static') continue;
    for (const { host, address } of pool.endpoints as readonly EndpointEntry[])
      if (address !== undefined) found.set(host, address);
  }
  return found;
}

/** Ids of the endpoints that entries name. */
export function endpointsIn(entries: Entries): string[] {
  return [...entries].flatMap(([key, text]) => {
    if (!key.startsWith('pool:')) return [];
    const pool = JSON.parse(text) as Pool;
    return pool.kind === 'static' ? [] : pool.endpoints.map(({ id }) => id);
  });
}

function routesByHost(routes: readonly Route[]): Map<string, RouteEntry[]> {
  const byHost = new Map<string, RouteEntry[]>();
  for (const { host, ...route } of routes) {
    const all = byHost.get(host) ?? [];
    all.push({ ...route, path: route.path.replace(/\/+$/, '') });
    byHost.set(host, all);
  }
  for (const all of byHost.values()) all.sort((a, b) => b.path.length - a.path.length);
  return byHost;
}

/**
 * Certificates by name:
 *
 *   cert:NAME, acme:NAME  the id of the certificate, as it is; `acme` for the purpose acme-tls/1
 *   pem:ID                JSON `{chain, key}`
 */
export function certificateEntries(certificates: readonly EdgeCertificate[]): Entries {
  const entries = new Map<string, string>();
  for (const { id, names, chain, key, purpose } of certificates) {
    entries.set(`pem:${id}`, JSON.stringify({ chain, key }));
    for (const name of names) entries.set(`${purpose === undefined ? 'cert' : 'acme'}:${name}`, id);
  }
  return entries;
}

/** What leads from one state to the next. */
export function deltaBetween(before: EntryState, after: EntryState): EntryDelta {
  const changed = [...after.entries].filter(([key, text]) => before.entries.get(key) !== text);
  const gone = [...before.entries.keys()].filter((key) => !after.entries.has(key));
  return { base: before.version, version: after.version, set: Object.fromEntries(changed), delete: gone };
}

/** Whether both have the same entries, whatever their versions. */
export function isSame(one: EntryState, other: EntryState): boolean {
  if (one.entries.size !== other.entries.size) return false;
  return [...one.entries].every(([key, text]) => other.entries.get(key) === text);
}

export function wholeOf(state: EntryState): EntryDelta {
  return { base: null, version: state.version, set: Object.fromEntries(state.entries), delete: [] };
}

/** The table that the entries came from, without private streams, for people to read. */
export function tableOf(state: EntryState): RouteTable {
  const routes: Route[] = [];
  const pools: Pool[] = [];
  const policies: Policy[] = [];
  const challenges: HttpChallenge[] = [];
  for (const [key, text] of state.entries) {
    const [kind = '', rest = ''] = splitOnce(key, ':');
    // What this module wrote, it reads: the shapes are those of tableEntries.
    if (kind === 'route') {
      for (const route of JSON.parse(text) as RouteEntry[])
        routes.push({ ...route, host: rest, path: route.path === '' ? '/' : route.path });
    } else if (kind === 'pool') pools.push(JSON.parse(text) as Pool);
    else if (kind === 'policy') policies.push(JSON.parse(text) as Policy);
    else if (kind === 'challenge') {
      const [host = '', token = ''] = splitOnce(rest, '/');
      challenges.push({ host, token, answer: text });
    }
  }
  return { version: state.version, routes, pools, policies, streams: [], challenges };
}

function splitOnce(text: string, by: string): string[] {
  const at = text.indexOf(by);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}
