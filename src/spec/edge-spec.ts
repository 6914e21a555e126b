/** What a declaration asks of the edge for one service. What is optional is absent where it was not asked for, also in records of earlier versions. */

export const balances = ['round-robin', 'least-connections', 'ip-hash', 'random-two'] as const;
export type Balance = (typeof balances)[number];

export interface EdgeSpec {
  readonly balance: Balance;
  /** Largest request body in bytes. */
  readonly maxBodySize: number;
  /** Milliseconds until the first byte of a response. */
  readonly responseTimeout: number;
  /** Milliseconds of silence that end a response or an upgraded connection; null: none. */
  readonly idleTimeout: number | null;
  readonly sticky?: StickySpec;
  /** Milliseconds in which the share of a new endpoint grows to its whole. */
  readonly slowStart?: number;
  /** Requests under way at one instance. */
  readonly maxConnections?: number;
  /** Requests that wait for a place under `maxConnections`, and for how many milliseconds. */
  readonly queue?: QueueSpec;
  /** Nothing is refused because of overload; absent: what is more than the instances can answer. */
  readonly overload?: 'off';
  /** Upstreams of a proxy are told their own address as Host, not the visitor's. */
  readonly ownHost?: true;
  /** Upstreams of a proxy are spoken to over TLS. */
  readonly upstreamTls?: UpstreamTlsSpec;
  /** The path of a domain is taken off before the request goes on. */
  readonly stripPath?: true;
  readonly https?: HttpsSpec;
  readonly policy?: PolicySpec;
}

export interface StickySpec {
  readonly cookie: string;
  /** Seconds. */
  readonly maxAge?: number;
}

export interface QueueSpec {
  readonly size: number;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface UpstreamTlsSpec {
  /** `null`: the Host that the upstream is sent. */
  readonly serverName: string | null;
  readonly verify: boolean;
}

export const redirectsToHttps = ['auto', 'always', 'never'] as const;

/** `auto`: where a publicly trusted certificate is held. */
export interface HttpsSpec {
  readonly redirect: (typeof redirectsToHttps)[number];
  /** Seconds; absent for the default. */
  readonly hsts?: number;
}

/** Conditions and changes of requests. Networks are canonical (`10.0.0.0/8`), names of headers in lower case. */
export interface PolicySpec {
  readonly trustedProxies?: readonly string[];
  readonly maintenance?: true;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly rateLimits?: readonly RateLimitSpec[];
  readonly connectionLimit?: { readonly connections: number; readonly key: ClientKeySpec };
  readonly basicAuth?: BasicAuthSpec;
  readonly rules?: readonly PathRuleSpec[];
  readonly requestHeaders?: readonly HeaderChangeSpec[];
  readonly responseHeaders?: readonly (HeaderChangeSpec & { readonly path?: string })[];
  /** Absent: the default of the type. */
  readonly gzip?: boolean;
}

export type ClientKeySpec = { readonly kind: 'ip' } | { readonly kind: 'header'; readonly name: string };

export interface RateLimitSpec {
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly key: ClientKeySpec;
}

export interface BasicAuthSpec {
  readonly realm: string;
  /** `variable` holds the password. */
  readonly users: readonly { readonly name: string; readonly variable: string }[];
}

/** Patterns are those of the edge: literals, `:name` for a segment, `*` last for the rest. */
export type PathRuleSpec =
  | {
      readonly kind: 'redirect';
      readonly source: string;
      readonly destination: string;
      readonly status: RedirectStatus;
    }
  | { readonly kind: 'rewrite'; readonly source: string; readonly destination: string };

export type RedirectStatus = 301 | 302 | 307 | 308;

/** `null` removes. */
export interface HeaderChangeSpec {
  readonly name: string;
  readonly value: string | null;
}
