import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isHost } from '../model/names.ts';
import { checkPolicy } from './policy-check.ts';
import type { Pool, ProxyPool, StaticPool } from './pool.ts';
import { checkBalancing } from './pool-check.ts';
import type { HttpChallenge, Route, RouteTable, StreamRoute } from './port.ts';

/** What is wrong with the folders of a table's static pools, one sentence each. */
export async function checkFolders(table: RouteTable): Promise<string[]> {
  const pools = table.pools.filter((pool) => pool.kind === 'static');
  const problems = await Promise.all(pools.map(checkRoot));
  return problems.filter((problem) => problem !== null);
}

/** What is wrong with a table in itself, one sentence each; empty when it is sound. */
export function checkTable(table: RouteTable): string[] {
  const pools = new Map(table.pools.map((pool) => [pool.id, pool]));
  const policies = table.policies ?? [];
  const policyIds = new Set(policies.map((policy) => policy.id));
  const challenges = table.challenges ?? [];
  return [
    ...checkVersion(table),
    ...duplicates(table.pools.map((pool) => `pool ${pool.id}`)),
    ...duplicates(policies.map((policy) => `policy ${policy.id}`)),
    ...duplicates(challenges.map((challenge) => `challenge ${challenge.host} ${challenge.token}`)),
    ...duplicates(table.routes.map((route) => `route ${route.host}${route.path}`)),
    ...duplicates(table.streams.map((stream) => `stream on port ${stream.port}`)),
    ...table.routes.flatMap((route) => checkRoute(route, pools)),
    ...table.routes.flatMap((route) => checkRouteMore(route, policyIds)),
    ...policies.flatMap(checkPolicy),
    ...challenges.flatMap(checkChallenge),
    ...table.streams.flatMap((stream) => checkStream(stream, pools)),
    ...table.pools.flatMap((pool) => (pool.kind === 'proxy' ? checkProxy(pool) : checkStatic(pool))),
  ];
}

function checkVersion(table: RouteTable): string[] {
  return Number.isSafeInteger(table.version) && table.version >= 0
    ? []
    : [`version ${table.version} is no whole number from 0`];
}

function checkRoute(route: RouteTable['routes'][number], pools: ReadonlyMap<string, Pool>): string[] {
  const name = `route ${route.host}${route.path}`;
  const problems: string[] = [];
  if (!isHost(route.host)) problems.push(`${name}: the host is no lower-case host name without a port`);
  if (!/^\/[^?#\s\\]*$/.test(route.path))
    problems.push(`${name}: the path must begin with / and hold no query, blank or backslash`);
  if (!pools.has(route.pool)) problems.push(`${name}: there is no pool ${route.pool}`);
  return problems;
}

function checkRouteMore(route: Route, policies: ReadonlySet<string>): string[] {
  const name = `route ${route.host}${route.path}`;
  const problems: string[] = [];
  if (route.policy !== undefined && !policies.has(route.policy))
    problems.push(`${name}: there is no policy ${route.policy}`);
  if (route.hsts !== undefined && !(Number.isSafeInteger(route.hsts) && route.hsts >= 0))
    problems.push(`${name}: hsts ${route.hsts} is no whole number of seconds from 0`);
  if (route.redirectToHttps === true && /(?:^|\.)localhost$/.test(route.host))
    problems.push(`${name}: names under localhost answer plain HTTP and are not redirected`);
  return problems;
}

/** RFC 8555 8.3: token and key authorisation are base64url, the latter with a point in it. */
function checkChallenge({ host, token, answer }: HttpChallenge): string[] {
  const name = `challenge ${host} ${token}`;
  const problems: string[] = [];
  if (!isHost(host) || host.startsWith('*.'))
    problems.push(`${name}: the host is no lower-case host name without a port`);
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(token)) problems.push(`${name}: the token is not base64url`);
  if (!/^[A-Za-z0-9_.-]{1,1024}$/.test(answer)) problems.push(`${name}: the answer is not base64url with a point`);
  return problems;
}

function checkStream(stream: StreamRoute, pools: ReadonlyMap<string, Pool>): string[] {
  const name = `stream on port ${stream.port}`;
  const problems: string[] = [];
  if (!isPort(stream.port)) problems.push(`${name}: the port is not between 1 and 65535`);
  const pool = pools.get(stream.pool);
  if (pool === undefined) problems.push(`${name}: there is no pool ${stream.pool}`);
  else if (pool.kind === 'static')
    problems.push(`${name}: pool ${stream.pool} holds files, and a stream needs endpoints`);
  return problems;
}

function checkProxy(pool: ProxyPool): string[] {
  const problems = duplicates(pool.endpoints.map((endpoint) => `pool ${pool.id}: endpoint ${endpoint.id}`));
  for (const endpoint of pool.endpoints) {
    const name = `pool ${pool.id}: endpoint ${endpoint.id}`;
    if (endpoint.id === '') problems.push(`${name}: it needs an id`);
    if (!/^[^\s/@]+$/.test(endpoint.host)) problems.push(`${name}: ${JSON.stringify(endpoint.host)} is no host`);
    if (!isPort(endpoint.port)) problems.push(`${name}: port ${endpoint.port} is not between 1 and 65535`);
    if (!(Number.isFinite(endpoint.weight) && endpoint.weight > 0))
      problems.push(`${name}: weight ${endpoint.weight} is not above 0`);
  }
  if (!(pool.maxBodySize >= 0)) problems.push(`pool ${pool.id}: maxBodySize is below 0`);
  if (!(pool.responseTimeout > 0)) problems.push(`pool ${pool.id}: responseTimeout is not above 0`);
  if (pool.idleTimeout !== null && !(pool.idleTimeout > 0))
    problems.push(`pool ${pool.id}: idleTimeout is not above 0`);
  problems.push(...checkBalancing(pool));
  return problems;
}

function checkStatic(pool: StaticPool): string[] {
  const problems: string[] = [];
  if (!isAbsolute(pool.root)) problems.push(`pool ${pool.id}: the folder ${pool.root} is not absolute`);
  const { fallback } = pool;
  if (
    fallback !== null &&
    (isAbsolute(fallback) || fallback.split('/').some((part) => part === '' || part.startsWith('.')))
  ) {
    problems.push(`pool ${pool.id}: the fallback ${JSON.stringify(fallback)} is no plain relative file`);
  }
  return problems;
}

async function checkRoot(pool: StaticPool): Promise<string | null> {
  try {
    const found = await stat(pool.root);
    return found.isDirectory() ? null : `pool ${pool.id}: ${pool.root} is no folder`;
  } catch {
    return `pool ${pool.id}: the folder ${pool.root} is not there`;
  }
}

function duplicates(names: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return [...twice].map((name) => `${name} is there twice`);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
