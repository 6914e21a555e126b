import type { EdgeCertificate } from './certificate.ts';
import type { Policy } from './policy.ts';
import type { Pool } from './pool.ts';

/**
 * What the edge serves, whole. `version` grows by one with every change of one data folder. The table is level, not a delta:
 * applying it twice, or skipping a version, is harmless. It holds keys of cookies and digests of passwords: on disk only the edge's own user reads it.
 */
export interface RouteTable {
  readonly version: number;
  readonly routes: readonly Route[];
  readonly pools: readonly Pool[];
  /** Named by routes; none unless there. */
  readonly policies?: readonly Policy[];
  /** Private listeners for `pserv` and service-to-service traffic: bytes, not HTTP. */
  readonly streams: readonly StreamRoute[];
  /** Answers to authorities that are asked whether a name is ours; they come before every route, policy and redirect. */
  readonly challenges?: readonly HttpChallenge[];
}

/** Host and path to a pool. The longest matching path wins, exact hosts before `*.` wildcards. */
export interface Route {
  /** Lower-case, no port; `*.example.com` matches one label. */
  readonly host: string;
  /** A prefix at a segment border, `/` for all. */
  readonly path: string;
  readonly pool: string;
  /** Id of the policy that its requests are under. */
  readonly policy?: string;
  /** The matched path is taken off before the request goes on, and told in X-Forwarded-Prefix. */
  readonly stripPath?: true;
  /** Plain HTTP is answered with a redirect to HTTPS: 301 to GET and HEAD, 308 to others. Never for names under `localhost`. */
  readonly redirectToHttps?: true;
  /** Seconds of Strict-Transport-Security (RFC 6797) on answers over HTTPS. */
  readonly hsts?: number;
}

/** HTTP-01 (RFC 8555 8.3): `/.well-known/acme-challenge/TOKEN` of the host, over plain HTTP, answers 200 with `answer` as text/plain. */
export interface HttpChallenge {
  readonly host: string;
  readonly token: string;
  readonly answer: string;
}

export interface StreamRoute {
  /** Loopback port that stays with the service. */
  readonly port: number;
  readonly pool: string;
}

export interface EdgeAddresses {
  /** `host:port` of plain HTTP. */
  readonly http: string;
  /** `host:port` of HTTPS; null where the edge was asked not to serve it. */
  readonly https: string | null;
}

export interface EdgeStatus {
  readonly engine: string;
  readonly addresses: EdgeAddresses;
  readonly workers: readonly { readonly pid: number; readonly version: number; readonly residentBytes: number }[];
  /** `PoolCounters.shed`, by pool, of those where it is not 0. */
  readonly shed: Readonly<Record<string, number>>;
  /** Ids of endpoints to which less is let through than is asked for (overload), and which have answered in the last seconds. */
  readonly overloaded: readonly string[];
}

/** Requests and upgraded connections under way at an endpoint, over all workers. */
export type InFlight = ReadonlyMap<string, number>;

/** Counters since the workers' start, by pool id. */
export interface PoolCounters {
  readonly pool: string;
  readonly requests: number;
  readonly retries: number;
  readonly ejections: number;
  /** Refused with 503, because all endpoints were asked for more than they can answer. */
  readonly shed: number;
}

/**
 * What answers on the public ports: processes of their own, which keep serving the last good table while the daemon is dead.
 * Drivers: `embedded/`, `nginx/`, `simulated/`. `test/conformance/edge*.ts` run over all of them.
 */
export interface Edge {
  readonly name: string;

  /**
   * Adopts the running engine of this data folder, or starts one that serves the last table on disk. One of another version, or of a program that was replaced
   * on disk, is upgraded without closing a port; where the new one does not come up, the old one serves on, and that is noted. Throws KapalError `port_taken`
   * naming the holder.
   */
  ensure(): Promise<EdgeStatus>;

  /**
   * Whether what the last `ensure` left still has the processes that hold and restart the rest: a few looks at /proc, cheap enough for several a second.
   * `false` says that `ensure` has something to do. A worker alone is theirs to restart; whether it answers is the business of `ensure`.
   */
  isAlive(): boolean;

  /** Resolves when the table is on disk and every worker serves it: from then on no new request goes to an endpoint that it does not name. */
  apply(table: RouteTable): Promise<void>;

  /**
   * The whole set of certificates: resolves when they are on disk (0600) and every worker presents them to new connections. Connections that are
   * open keep theirs. What is not in the set any more is presented no longer. Throws `edge_failed` naming a certificate that is not sound.
   */
  present(certificates: readonly EdgeCertificate[]): Promise<void>;

  /** What runs now, read from the workers; throws `edge_failed` when none answers. */
  status(): Promise<EdgeStatus>;

  /** For draining: endpoints that are not in the table any more are reported until they reach 0. Missing means 0. */
  inFlight(): Promise<InFlight>;

  /**
   * Endpoints at which requests wait for the head of an answer although nothing at all came from there for half a second: slow, or stopped. Only a
   * probe can tell which; an endpoint that does not answer it is to be marked `down` in the next table. One of `EdgeStatus.overloaded` is none of them, however
   * long some of its requests wait.
   */
  stalled(): Promise<readonly string[]>;

  counters(): Promise<readonly PoolCounters[]>;

  /** The configuration that the engine runs, as text for people. */
  describe(): Promise<string>;

  /** Whether the table would be taken, without taking it: the list of what is wrong, empty when sound. */
  check(table: RouteTable): Promise<readonly string[]>;

  /** Ends the engine after requests under way, at most `grace` milliseconds. */
  stop(grace: number): Promise<void>;
}
