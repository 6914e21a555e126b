/**
 * What the edge serves, whole. `version` grows by one with every change of one data folder. The table is level, not a delta:
 * applying it twice, or skipping a version, is harmless. It names no secret.
 */
export interface RouteTable {
  readonly version: number;
  readonly routes: readonly Route[];
  readonly pools: readonly Pool[];
  /** Private listeners for `pserv` and service-to-service traffic: bytes, not HTTP. */
  readonly streams: readonly StreamRoute[];
}

/** Host and path to a pool. The longest matching path wins, exact hosts before `*.` wildcards. */
export interface Route {
  /** Lower-case, no port; `*.example.com` matches one label. */
  readonly host: string;
  /** A prefix at a segment border, `/` for all. */
  readonly path: string;
  readonly pool: string;
}

export type Pool = ProxyPool | StaticPool;

/** Endpoints that take requests. Empty endpoints answer 503. */
export interface ProxyPool {
  readonly kind: 'proxy';
  readonly id: string;
  readonly service: string;
  readonly balance: 'round-robin' | 'least-connections' | 'ip-hash';
  readonly endpoints: readonly Endpoint[];
  /** Bytes. */
  readonly maxBodySize: number;
  /** Milliseconds until the head of a response. */
  readonly responseTimeout: number;
  /** Milliseconds of silence, `null` for none. */
  readonly idleTimeout: number | null;
  /** `true`: the upstream is told its own address as Host (upstreams that Kapal does not run keep the client's Host unless they ask). */
  readonly rewriteHost: boolean;
}

export interface Endpoint {
  /** Run id (instance and attempt), or `host:port` of a declared upstream. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

/** Files of one release. Replaced whole by a deploy: requests under way finish from the folder in which they began. */
export interface StaticPool {
  readonly kind: 'static';
  readonly id: string;
  readonly service: string;
  /** Absolute folder; links that lead out of it are refused. */
  readonly root: string;
  /** Relative file for what matches nothing, or null. */
  readonly fallback: string | null;
}

export interface StreamRoute {
  /** Loopback port that stays with the service. */
  readonly port: number;
  readonly pool: string;
}

export interface EdgeAddresses {
  /** `host:port` of plain HTTP. */
  readonly http: string;
}

export interface EdgeStatus {
  readonly engine: string;
  readonly addresses: EdgeAddresses;
  readonly workers: readonly { readonly pid: number; readonly version: number; readonly residentBytes: number }[];
}

/** Requests and upgraded connections under way at an endpoint, over all workers. */
export type InFlight = ReadonlyMap<string, number>;

/** Counters since the workers' start, by pool id. */
export interface PoolCounters {
  readonly pool: string;
  readonly requests: number;
  readonly responses: Readonly<Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx', number>>;
  readonly retries: number;
  readonly ejections: number;
}

/**
 * What answers on the public ports: processes of their own, which keep serving the last good table while the daemon is dead.
 * Drivers: `embedded/`, `simulated/` (nginx follows). `test/conformance/edge.ts` runs over all of them.
 */
export interface Edge {
  readonly name: string;

  /** Adopts the running engine of this data folder, or starts one that serves the last table on disk. Throws KapalError `port_taken` naming the holder. */
  ensure(): Promise<EdgeStatus>;

  /** Resolves when the table is on disk and every worker serves it: from then on no new request goes to an endpoint that it does not name. */
  apply(table: RouteTable): Promise<void>;

  /** What runs now, read from the workers; throws `edge_failed` when none answers. */
  status(): Promise<EdgeStatus>;

  /** For draining: endpoints that are not in the table any more are reported until they reach 0. Missing means 0. */
  inFlight(): Promise<InFlight>;

  counters(): Promise<readonly PoolCounters[]>;

  /** The configuration that the engine runs, as text for people. */
  describe(): Promise<string>;

  /** Whether the table would be taken, without taking it: the list of what is wrong, empty when sound. */
  check(table: RouteTable): Promise<readonly string[]>;

  /** Ends the engine after requests under way, at most `grace` milliseconds. */
  stop(grace: number): Promise<void>;
}
