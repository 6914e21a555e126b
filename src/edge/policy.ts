/**
 * What a service asks of requests before they reach its pool, in this order: the client's address (`trustedProxies`), `maintenance`, `deny` and `allow`,
 * `rateLimits`, `connectionLimit`, `basicAuth`, `rules`, then the pool. `requestHeaders` are changed last before the pool, `responseHeaders` on every
 * answer under the policy, the edge's own included. All of it comes after ACME challenges, the redirect to HTTPS and 421.
 */
export interface Policy {
  readonly id: string;
  /** Networks whose `X-Forwarded-For` is believed, from the right end; none unless there. X-Forwarded-Proto is believed from them too. */
  readonly trustedProxies?: readonly Network[];
  /** 503 with Retry-After and a page, whatever the pool. */
  readonly maintenance?: { readonly retryAfter: number };
  /** Where it is there only these get in, 403 to all others. */
  readonly allow?: readonly Network[];
  /** 403; wins over `allow`. */
  readonly deny?: readonly Network[];
  /** All of them hold; 429 with Retry-After. */
  readonly rateLimits?: readonly RateLimit[];
  readonly connectionLimit?: ConnectionLimit;
  readonly basicAuth?: BasicAuth;
  /** The first that matches. For a static pool files that exist come first. */
  readonly rules?: readonly PathRule[];
  readonly requestHeaders?: readonly HeaderChange[];
  readonly responseHeaders?: readonly ResponseHeaderChange[];
  /** gzip for text of 1 KiB and more that is not encoded yet, to clients that take it. */
  readonly gzip?: true;
}

/** CIDR of IPv4 or IPv6, canonical: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.1/32`. */
export type Network = string;

/** By what a client is told from another: its address (IPv6: its /64), or the value of a header (lower-case name), where absent the address. */
export type ClientKey = { readonly kind: 'ip' } | { readonly kind: 'header'; readonly name: string };

/** A bucket of `burst` requests that fills at `requestsPerSecond`, over all workers (they may differ for a moment by what came in a quarter of a second). */
export interface RateLimit {
  readonly requestsPerSecond: number;
  /** At least 1. */
  readonly burst: number;
  readonly key: ClientKey;
}

/** Requests and upgraded connections under way of one client over all workers, at most; 429 beyond. */
export interface ConnectionLimit {
  readonly connections: number;
  readonly key: ClientKey;
}

/** RFC 7617. 401 with a challenge; the Authorization that was accepted does not go on to the pool. */
export interface BasicAuth {
  readonly realm: string;
  readonly users: readonly BasicUser[];
}

/** PBKDF2-HMAC-SHA256 of the password, 32 bytes. */
export interface BasicUser {
  readonly name: string;
  /** Hex. */
  readonly salt: string;
  readonly iterations: number;
  /** Hex. */
  readonly digest: string;
}

/**
 * `source` is compared with the decoded path of the request, segment by segment: a literal, `:name` for one segment, `*` as the last for the rest (none
 * included). `destination` may hold `:name` and, for the rest, `*`; what is put in is percent-encoded again. The query goes along unless `destination` has its own.
 *
 * Exactly (`src/model/path-pattern.ts`): the path is as the client sent it, before `stripPath`; `//`, `.` and `..` are resolved, then each segment is decoded
 * once, so `%2F` is part of its segment. A slash at the end counts: `/a` is not `/a/`; `/a/*` takes `/a`, `/a/` and all below. All bytes but `A-Za-z0-9-._~`
 * are encoded, upper-case hex, when put in; segments of the rest are joined by `/`, its slash at the end stays. A `Location` is the expanded destination as it
 * stands: not made absolute, never beginning with `//`. What a rewrite leads to is asked as it stands: nothing is stripped from it.
 */
export type PathRule =
  /** `destination`: a path, or an absolute http(s) URL. */
  | {
      readonly kind: 'redirect';
      readonly source: string;
      readonly destination: string;
      readonly status: 301 | 302 | 307 | 308;
    }
  /** `destination`: a path, asked of the same pool; rules are not looked at again. */
  | { readonly kind: 'rewrite'; readonly source: string; readonly destination: string };

/** `value` replaces what was sent, `null` removes it. Names are lower-case and never of the connection or of framing (`isChangeable` in model). */
export interface HeaderChange {
  readonly name: string;
  readonly value: string | null;
}

export interface ResponseHeaderChange extends HeaderChange {
  /** A `source` as in rules, compared with the path as the client sent it; all paths unless there. */
  readonly path?: string;
}
