import { join } from 'node:path';
import type { Policy } from '../edge/policy.ts';
import type { Endpoint, Pool, ProxyPool } from '../edge/pool.ts';
import type { Route, StreamRoute } from '../edge/port.ts';
import type { DomainName } from '../model/domains.ts';
import { listens, type ServiceType } from '../model/service.ts';
import type { ServiceSpec } from '../spec/spec.ts';
import type { InstanceRow, ReleaseRow, ServiceRow } from '../state/records.ts';
import { type EndpointCheck, instanceCheck, upstreamChecks } from './endpoint-check.ts';
import type { EdgeSecretValues } from './edge-secrets.ts';
import { policyOf } from './policies.ts';
import type { HostTransport } from './transport.ts';

/** What the edge serves for one service, and how its endpoints are checked. */
export interface ServiceRoutes {
  readonly pool: Pool | null;
  /** Null where nothing is asked of requests. */
  readonly policy: Policy | null;
  readonly routes: readonly Route[];
  readonly stream: StreamRoute | null;
  readonly checks: readonly EndpointCheck[];
}

export interface RoutedService {
  readonly service: ServiceRow;
  /** The release that serves, with its artifact; null before the first. */
  readonly current: ReleaseRow | null;
  /** Declared and added domains. */
  readonly domains: readonly DomainName[];
  /** The instances that may take requests, decided by `rollout/table.ts`. */
  readonly endpoints: readonly InstanceRow[];
  /** The service was stopped so that its successor can have its disk: a rollout that has not ended. */
  readonly changesHands: boolean;
  readonly secrets: EdgeSecretValues;
  /** How the routes of a host treat plain HTTP. */
  readonly transport: (host: string) => HostTransport;
}

/** How many requests wait, and how many milliseconds at most, where an endpoint comes soon and the declaration says no other (`edge.queue`). */
const waiting = { size: 1_000, longest: 30_000 };

/** Pure: from the record to the rows of the route table. A service without a ready endpoint keeps its routes: visitors get 503, not 404. */
export function routesOf(input: RoutedService): ServiceRoutes {
  const { service } = input;
  const type = typeOf(input);
  if (type === 'worker' || type === 'cron' || service.removing)
    return { pool: null, policy: null, routes: [], stream: null, checks: [] };
  const pool = poolOf(input);
  const policy = type === 'pserv' ? null : policyOf(service.id, service.spec, input.secrets.users);
  const domains = type === 'pserv' ? [] : domainsOf(service.host, input.domains);
  return {
    pool,
    policy,
    routes: domains.map((domain) => routeOf(domain, { ...input, pool, policy })),
    stream: service.privatePort === null || !listens(type) ? null : { port: service.privatePort, pool: pool.id },
    checks: checksOf(input),
  };
}

/** Of the release that serves: while a service becomes one of another type, what is in force is still the old. */
function typeOf({ service, current }: RoutedService): ServiceType {
  return current?.spec.type ?? service.spec.type;
}

/** The host that every service has, and its domains, which may name that host too: a route that is there twice would have the edge refuse the whole table. */
function domainsOf(host: string | null, domains: readonly DomainName[]): readonly DomainName[] {
  const isNamed = domains.some((domain) => domain.host === host && domain.path === '/');
  return host === null || isNamed ? domains : [{ host, path: '/' }, ...domains];
}

function routeOf(
  { host, path }: DomainName,
  { service, pool, policy, transport }: RoutedService & { pool: Pool; policy: Policy | null },
): Route {
  const { stripPath } = service.spec.edge;
  return {
    host,
    path,
    pool: pool.id,
    ...(policy === null ? {} : { policy: policy.id }),
    ...(stripPath === true && path !== '/' ? { stripPath } : {}),
    ...transport(host),
  };
}

function poolOf(input: RoutedService): Pool {
  const { service, current, endpoints, secrets } = input;
  const { id, spec } = service;
  const type = typeOf(input);
  if (type === 'static' && current?.artifact && !service.stopped) {
    const root = join(current.artifact.path, current.spec.rootDir, current.spec.publishPath ?? '.');
    return { kind: 'static', id, service: id, root, fallback: current.spec.static?.fallback ?? null };
  }
  const {
    balance,
    maxBodySize,
    responseTimeout,
    idleTimeout,
    sticky,
    slowStart,
    maxConnections,
    queue,
    overload,
    ownHost,
  } = spec.edge;
  // Like its upstreams, how they are spoken to belongs to the release.
  const tls = current?.spec.edge.upstreamTls;
  return {
    kind: 'proxy',
    id,
    service: id,
    balance,
    endpoints: service.stopped
      ? []
      : type === 'proxy'
        ? upstreams(current)
        : endpoints.flatMap((instance) => endpointOf(instance, slowStart)),
    maxBodySize,
    responseTimeout,
    idleTimeout,
    rewriteHost: ownHost === true,
    ...(sticky === undefined || secrets.stickyKey === null ? {} : { sticky: { ...sticky, key: secrets.stickyKey } }),
    ...(slowStart === undefined ? {} : { slowStart }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(queue === undefined ? {} : { queue }),
    ...(isAwaited(input) ? { waitForEndpoint: waitOf(spec) } : {}),
    ...(overload === undefined ? {} : { overload }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function isAwaited({ service, endpoints, changesHands }: RoutedService): boolean {
  return changesHands && !service.stopped && endpoints.length === 0;
}

/** What was stopped may take its whole time to end, and what follows its whole time to start. */
function waitOf({ edge, shutdownDelay, startTimeout }: ServiceSpec): NonNullable<ProxyPool['waitForEndpoint']> {
  return edge.queue ?? { size: waiting.size, timeout: Math.min(waiting.longest, shutdownDelay + startTimeout) };
}

function upstreams(current: ReleaseRow | null): Endpoint[] {
  return (current?.spec.upstreams ?? []).map(({ host, port, weight }) => ({
    id: `${host}:${port}`,
    host,
    port,
    weight,
  }));
}

/** An endpoint is one attempt: the next attempt of an instance has another port, so it is another endpoint. */
function endpointOf(instance: InstanceRow, slowStart: number | undefined): Endpoint[] {
  if (instance.port === null) return [];
  const endpoint = { id: runOf(instance), host: instance.address ?? loopback, port: instance.port, weight: 1 };
  return [slowStart === undefined || instance.state !== 'ready' ? endpoint : { ...endpoint, since: instance.since }];
}

/**
 * Instances that are named although they answer nothing (the last that there are) are not checked: that is known, and the instance's own probes bring
 * it back.
 */
function checksOf(input: RoutedService): EndpointCheck[] {
  const { service, current, domains, endpoints } = input;
  const type = typeOf(input);
  if (service.stopped || type === 'static') return [];
  if (type === 'proxy') {
    const named = domains.find(({ host }) => !host.startsWith('*.'))?.host ?? service.host;
    return current === null ? [] : upstreamChecks(service.spec, current.spec, named);
  }
  const path = current?.spec.health.path ?? null;
  return endpoints.flatMap((instance) =>
    instance.port === null || instance.state !== 'ready'
      ? []
      : [
          instanceCheck({
            endpoint: runOf(instance),
            address: instance.address ?? loopback,
            port: instance.port,
            host: service.host,
            path,
          }),
        ],
  );
}

const loopback = '127.0.0.1';

/** The id of an instance's present run: what the runtime and the edge call it. */
export function runOf(instance: Pick<InstanceRow, 'id' | 'attempt'>): string {
  return `${instance.id}.${instance.attempt}`;
}
