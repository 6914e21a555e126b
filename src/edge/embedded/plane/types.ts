import type { Server } from 'node:net';
import type { Readable } from 'node:stream';
import type { StaticPool } from '../../pool.ts';
import type { PoolCounters, RouteTable } from '../../port.ts';
import type { QuotaReport } from '../policy/quotas.ts';
import type { Places } from './places.ts';

/**
 * The data plane of one worker: connections of clients, routing, balancing, connections to endpoints.
 * It owns no listening socket, no file and no configuration: the worker gives it those.
 */
export interface Plane {
  /** Takes every connection that the server accepts from now on. The server should be made with `noDelay: true`. */
  serve(server: Server): void;

  /** From its return on, no new request goes to an endpoint that the table does not name. Endpoints that stay keep counters and idle connections. */
  apply(table: RouteTable): void;

  /** Requests and upgraded connections under way, by endpoint id; endpoints that left the table are listed until they reach 0. */
  inFlight(): Map<string, number>;

  /** Ids of endpoints; see `Edge.stalled`. */
  stalled(): string[];
  /** Ids of endpoints; see `EdgeStatus.overloaded`. */
  overloaded(): string[];

  /** Since this plane began, by pool id, for the pools of the table. */
  counters(): PoolCounters[];

  /** What clients have used of the limits that hold over all workers, since the last call; `null`: nothing new. `worker`: its pid. */
  quotaReport(worker: number): QuotaReport | null;

  /** Takes another worker's report. */
  learnQuotas(report: QuotaReport): void;

  /** Whether the table declares limits that hold over all workers. */
  readonly limited: boolean;

  /** Client connections that are open, idle ones included. */
  connections(): number;

  /** Answers what is under way with `Connection: close`, closes idle connections, and resolves when none is left. Upgraded connections are waited for too. */
  drain(): Promise<void>;

  /** Ends everything at once: every socket is destroyed, every timer cleared. A pending `drain` resolves. */
  close(): void;
}

export interface PlaneOptions {
  /** Never rejects for what a visitor can cause; a rejection becomes a 500 page. */
  answerStatic(pool: StaticPool, request: StaticRequest): Promise<StaticAnswer>;
  /** Whether a file, or a folder with its index, is there for the path: not the fallback, not 404.html. Rejects as `answerStatic` does. */
  hasFile(pool: StaticPool, path: string): Promise<boolean>;
  errorPage(status: number, request: ErrorRequest): ErrorPage;
  /** Called once per request, when its answer has ended in whatever way. Must be cheap and must not throw. */
  log(entry: AccessEntry): void;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of an exception in the plane's own code, which has cost one connection and not the worker. Without it, a process warning. */
  fault?(error: unknown): void;
  /** Counts connections at endpoints with a limit; those of this plane alone unless told. Closed with the plane. */
  readonly places?: Places;
  /** The port at which HTTPS is served, for redirects; `null`, and where it is not told: none. */
  httpsPort?(): number | null;
  /** What the limits of connections and times are unless told; tests shorten them. */
  readonly limits?: Partial<PlaneLimits>;
}

/** Times in milliseconds, sizes in bytes. */
export interface PlaneLimits {
  readonly maxConnections: number;
  readonly headSize: number;
  readonly requestLineSize: number;
  readonly headerCount: number;
  /** From accept to the end of a TLS handshake. */
  readonly handshakeTimeout: number;
  /** From the first byte of a head (or from accept) to its end. */
  readonly headTimeout: number;
  readonly keepAliveTimeout: number;
  /** Silence of the client while it owes body bytes or does not take ours. */
  readonly bodyTimeout: number;
  /** After our end of a connection, until the client's: answers would be lost if unread bytes of the client reset the connection. */
  readonly lingerTimeout: number;
  /** While draining: how long a connection may stay without a request. One that sends a request is answered with `Connection: close`. */
  readonly drainIdleTimeout: number;
  readonly connectTimeout: number;
  readonly upstreamIdleTimeout: number;
  readonly maxIdlePerEndpoint: number;
  /** Open upstream connections per endpoint; more requests get 503. */
  readonly maxPerEndpoint: number;
  /** Small answers to idempotent requests are held back whole up to this size and time, so that a broken one can be asked for elsewhere. */
  readonly holdSize: number;
  readonly holdTime: number;
  /** Request bodies up to this size are kept for a second try. */
  readonly replaySize: number;
}

export interface HeaderLookup {
  /** `name` in lower case. Several fields of one name are joined by `, ` (RFC 9110 5.2). */
  get(name: string): string | null;
}

export interface StaticRequest {
  readonly method: 'GET' | 'HEAD';
  /** Percent-decoded UTF-8, no query, begins with `/`, holds no NUL, no backslash, no `.` or `..` segment. Does not decode to more segments than `rawPath` has. */
  readonly path: string;
  /** As it was sent, without the query. */
  readonly rawPath: string;
  /** Without `?`; `null` where none was sent. */
  readonly query: string | null;
  readonly headers: HeaderLookup;
}

export interface StaticAnswer {
  readonly status: number;
  /** Without Content-Length, Transfer-Encoding, Connection and Date: the plane adds those. No CR, LF or NUL in a value. */
  readonly headers: readonly (readonly [string, string])[];
  /** For HEAD the same body as for GET: the plane takes its length and never opens it. `null`: the length is 0 (or the status has no body: 204, 304). */
  readonly body: null | Buffer | StaticBody;
}

export interface StaticBody {
  /** Bytes that `open()` yields; fewer break the client's connection. */
  readonly length: number;
  /** Called at most once; destroyed when the client leaves. */
  open(): Readable;
  /** Called instead of `open` where the body is not wanted (HEAD, client gone), to free a descriptor. */
  discard?(): void;
}

export interface ErrorRequest {
  /** The site is closed for maintenance, and says so. */
  readonly maintenance?: true;
  /** The Accept field, `null` where none was sent or the head could not be read. */
  readonly accept: string | null;
  /** The request's id, as in X-Request-Id and the access log. */
  readonly id: string;
}

export interface ErrorPage {
  readonly contentType: string;
  readonly body: Buffer;
}

/** How the answer ended: only `complete` reached the client whole. */
export type AccessOutcome = 'complete' | 'client-gone' | 'upstream-gone';

export interface AccessEntry {
  /** Start of the request, milliseconds since the epoch. */
  readonly time: number;
  /** `null`: no route matched, or the head was refused. */
  readonly service: string | null;
  readonly pool: string | null;
  readonly requestId: string;
  readonly remote: string;
  /** Empty where the head was refused before it was known. */
  readonly host: string;
  readonly method: string;
  readonly target: string;
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0';
  /** 0: the client left before an answer. */
  readonly status: number;
  /** Body bytes from the client. */
  readonly bytesIn: number;
  /** Body bytes to the client, without framing. */
  readonly bytesOut: number;
  readonly durationMs: number;
  /** Endpoint id of the last try. */
  readonly upstream: string | null;
  /** Tries at endpoints; 0 for static files and refusals. */
  readonly attempts: number;
  readonly userAgent: string | null;
  readonly referer: string | null;
  readonly outcome: AccessOutcome;
}
