export type Pool = ProxyPool | StaticPool;

export type Balance = 'round-robin' | 'least-connections' | 'ip-hash' | 'random-two';

/**
 * Endpoints that take requests. Empty endpoints answer 503 (see `waitForEndpoint`). How one is chosen, the same in every engine:
 *
 * 1. Out of the choice: endpoints that are `down`, ejected, at `maxConnections`, overloaded, or already tried by this request. Where none is left, those at
 *    `maxConnections` included, the ejected come back, then those that are down: the last one is never given up, and a fit endpoint that is full is
 *    waited for, never given up for one that fails.
 * 2. The sticky cookie's endpoint, if it is in the choice; else `balance` decides among the weights. A weight grows from a tenth to its whole
 *    during `slowStart`. Endpoints that are stalled (see `Edge.stalled`) are passed over by all but `ip-hash` and cookies while others are there. A new
 *    cookie is set when another endpoint answers than the cookie names, unless that one was only full.
 * 3. An endpoint is ejected after 3 failures in a row (reset, malformed answer, time-out) or one connect that did not come about (refused, unreachable,
 *    not accepted in 2.5 s, TLS not established), for 1 s, then twice as long each time up to 30 s; one request at a time tries it again. Each worker
 *    learns for itself.
 * 4. A request is repeated elsewhere when it failed before it was sent, or when its method is idempotent (RFC 9110 9.2.2) and nothing of the
 *    answer has gone out; 2 repeats at most, and of one pool's requests at most a fifth in ten seconds (but 10 are always free), by each worker's
 *    count. The only endpoint is asked once more, over a new connection, when the first ended without an answer. Rescues from an endpoint that became
 *    `down` are of safe methods only (a process that wakes would do a PUT late), count as repeats of the request, and are not refused by the budget.
 */
export interface ProxyPool {
  readonly kind: 'proxy';
  readonly id: string;
  readonly service: string;
  /** `ip-hash` is consistent: one endpoint more among N moves about 1/N of the clients. */
  readonly balance: Balance;
  readonly endpoints: readonly Endpoint[];
  /** Bytes. */
  readonly maxBodySize: number;
  /** Milliseconds until the head of a response. */
  readonly responseTimeout: number;
  /** Milliseconds of silence, `null` for none. */
  readonly idleTimeout: number | null;
  /** `true`: the upstream is told its own address as Host (upstreams that Kapal does not run keep the client's Host unless they ask). */
  readonly rewriteHost: boolean;
  readonly sticky?: Sticky;
  /** Milliseconds after `Endpoint.since` in which the weight grows; none unless there. Only beside endpoints that are older. */
  readonly slowStart?: number;
  /** Requests and upgraded connections under way at one endpoint, at most, over all workers; more wait in the queue. No limit unless there. */
  readonly maxConnections?: number;
  /** Requests that wait for a place, at most, over all workers; beyond `size` or after `timeout` milliseconds 503 with Retry-After. Where it is absent nothing waits. */
  readonly queue?: { readonly size: number; readonly timeout: number };
  /** While there is no endpoint requests wait for one, which comes soon, instead of 503 at once: at most so many and so long as in `queue`, in the same queue. */
  readonly waitForEndpoint?: { readonly size: number; readonly timeout: number };
  /** Nothing is refused because of overload. Where it is absent an endpoint that is asked for more than it can answer gets so much as it can, the rest 503 with Retry-After; not in pools with `maxConnections`, which say themselves how much that is. */
  readonly overload?: 'off';
  /** Endpoints are spoken to over TLS. */
  readonly tls?: UpstreamTls;
}

export interface UpstreamTls {
  /** Sent as SNI and looked for in the certificate; `null`: the Host that the endpoint is sent. */
  readonly serverName: string | null;
  /** Whether the certificate must be of an authority that the machine trusts. */
  readonly verify: boolean;
}

/** The cookie is `ID.SIGNATURE`, the first 16 bytes in hex of a digest of the endpoint's id and of HMAC-SHA256 over that digest: it tells a visitor nothing. Path=/, HttpOnly, SameSite=Lax, Secure over HTTPS. */
export interface Sticky {
  readonly cookie: string;
  /** 32 bytes in hex. */
  readonly key: string;
  /** Seconds; a session cookie unless there. */
  readonly maxAge?: number;
}

export interface Endpoint {
  /** Run id (instance and attempt), or `host:port` of a declared upstream. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** Fails its checks: takes no new request while another is left, and safe requests that wait there for the head of an answer are sent again elsewhere. */
  readonly down?: true;
  /** When it came, or came back; milliseconds since the epoch. */
  readonly since?: number;
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
