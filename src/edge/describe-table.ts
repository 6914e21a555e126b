import { describePolicy, describeTerms } from './describe-policy.ts';
import type { Pool, ProxyPool } from './pool.ts';
import type { RouteTable } from './port.ts';

/** A route table as text for people: routes in the order in which they win, then private ports, then pools with their endpoints. */
export function describeTable(table: RouteTable): string {
  const sections = [
    `route table, version ${table.version}`,
    section(
      'routes',
      [...table.routes]
        .sort(byPrecedence)
        .map((route) => `${route.host}${route.path} -> ${route.pool}${describeTerms(route)}`),
    ),
    section(
      'private ports',
      [...table.streams].sort((a, b) => a.port - b.port).map((stream) => `127.0.0.1:${stream.port} -> ${stream.pool}`),
    ),
    ...(table.policies === undefined || table.policies.length === 0
      ? []
      : [section('policies', table.policies.flatMap(describePolicy))]),
    section('pools', [...table.pools].sort((a, b) => compare(a.id, b.id)).flatMap(describePool)),
  ];
  return `${sections.join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...(lines.length === 0 ? ['none'] : lines).map((line) => `  ${line}`)].join('\n');
}

function describePool(pool: Pool): string[] {
  if (pool.kind === 'static') {
    const fallback = pool.fallback === null ? '' : `, else ${pool.fallback}`;
    return [`${pool.id} (${pool.service}): files of ${pool.root}${fallback}`];
  }
  const idle = pool.idleTimeout === null ? 'any silence' : `silence up to ${pool.idleTimeout} ms`;
  const host = pool.rewriteHost ? ', told its own address as Host' : '';
  return [
    `${pool.id} (${pool.service}): ${pool.balance}, bodies up to ${pool.maxBodySize} bytes, first answer within ${pool.responseTimeout} ms, ${idle}${host}`,
    ...(pool.endpoints.length === 0 ? [`  no endpoint: ${describeEmpty(pool)}`] : []),
    ...describeBalancing(pool).map((line) => `  ${line}`),
    ...pool.endpoints.map(
      (endpoint) =>
        `  ${endpoint.id} ${endpoint.host}:${endpoint.port} weight ${endpoint.weight}${endpoint.down === true ? ', down' : ''}`,
    ),
  ];
}

function describeEmpty({ waitForEndpoint }: ProxyPool): string {
  if (waitForEndpoint === undefined) return 'answers 503';
  return `${waitForEndpoint.size} requests wait for one up to ${waitForEndpoint.timeout} ms, the rest 503`;
}

/** What a pool asks beyond the balance, one line each. The key of the cookie is not told. */
function describeBalancing({ sticky, slowStart, maxConnections, queue, overload, tls }: ProxyPool): string[] {
  const lines: string[] = [];
  if (sticky !== undefined) lines.push(`visitors stay at their endpoint by the cookie ${sticky.cookie}`);
  if (slowStart !== undefined) lines.push(`a new endpoint's weight grows for ${slowStart} ms`);
  if (maxConnections !== undefined) {
    const waiting = queue === undefined ? 'none waits' : `${queue.size} wait up to ${queue.timeout} ms`;
    lines.push(`at most ${maxConnections} under way at an endpoint, ${waiting}`);
  }
  if (maxConnections === undefined)
    lines.push(
      overload === 'off'
        ? 'under overload everything is passed on'
        : 'under overload so much is passed on as is answered, the rest 503',
    );
  if (tls !== undefined) {
    const name = tls.serverName ?? 'the Host that it is sent';
    lines.push(`over TLS as ${name}, ${tls.verify ? 'verified' : 'not verified'}`);
  }
  return lines;
}

/** Exact hosts before wildcards, then by name; within a host the longest path first. */
function byPrecedence(a: RouteTable['routes'][number], b: RouteTable['routes'][number]): number {
  const wildcard = Number(a.host.startsWith('*.')) - Number(b.host.startsWith('*.'));
  return wildcard || compare(a.host, b.host) || b.path.length - a.path.length || compare(a.path, b.path);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
