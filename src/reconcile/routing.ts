import { join } from 'node:path';
import type { Endpoint, Pool } from '../edge/pool.ts';
import type { Route, StreamRoute } from '../edge/port.ts';
import { listens } from '../model/service.ts';
import type { InstanceRow, ReleaseRow, ServiceRow } from '../state/records.ts';

/** What the edge serves for one service. */
export interface ServiceRoutes {
  readonly pool: Pool | null;
  readonly routes: readonly Route[];
  readonly stream: StreamRoute | null;
}

export interface RoutedService {
  readonly service: ServiceRow;
  /** The release that serves, with its artifact; null before the first. */
  readonly current: ReleaseRow | null;
  /** Declared and added domains. */
  readonly domains: readonly string[];
  /** The instances that may take requests, decided by `rollout/table.ts`. */
  readonly endpoints: readonly InstanceRow[];
}

/** Pure: from the record to the rows of the route table. A service without a ready endpoint keeps its routes: visitors get 503, not 404. */
export function routesOf(input: RoutedService): ServiceRoutes {
  const { service } = input;
  if (service.spec.type === 'worker' || service.removing) return { pool: null, routes: [], stream: null };
  const pool = poolOf(input);
  const hosts =
    service.spec.type === 'pserv' ? [] : [...(service.host === null ? [] : [service.host]), ...input.domains];
  return {
    pool,
    routes: hosts.map((host) => ({ host, path: '/', pool: pool.id })),
    stream:
      service.privatePort === null || !listens(service.spec.type) ? null : { port: service.privatePort, pool: pool.id },
  };
}

function poolOf({ service, current, endpoints }: RoutedService): Pool {
  const { id, spec } = service;
  if (spec.type === 'static' && current?.artifact && !service.stopped) {
    const root = join(current.artifact.path, current.spec.rootDir, current.spec.publishPath ?? '.');
    return { kind: 'static', id, service: id, root, fallback: current.spec.static?.fallback ?? null };
  }
  return {
    kind: 'proxy',
    id,
    service: id,
    balance: spec.edge.balance,
    endpoints: service.stopped ? [] : spec.type === 'proxy' ? upstreams(current) : endpoints.flatMap(endpointOf),
    maxBodySize: spec.edge.maxBodySize,
    responseTimeout: spec.edge.responseTimeout,
    idleTimeout: spec.edge.idleTimeout,
    rewriteHost: false,
  };
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
function endpointOf(instance: InstanceRow): Endpoint[] {
  return instance.port === null ? [] : [{ id: runOf(instance), host: '127.0.0.1', port: instance.port, weight: 1 }];
}

/** The id of an instance's present run: what the runtime and the edge call it. */
export function runOf(instance: Pick<InstanceRow, 'id' | 'attempt'>): string {
  return `${instance.id}.${instance.attempt}`;
}
