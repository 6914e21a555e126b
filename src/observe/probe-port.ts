/** One question to one address. Never throws. */
export interface Prober {
  /**
   * HTTP GET of `path`; ready is 200 to 399 within `timeout` milliseconds, with `content` in the body where that is asked for. `host` is sent as Host. At
   * loopback, unless an address is given.
   */
  http(request: {
    address?: string;
    port: number;
    path: string;
    host: string;
    timeout: number;
    content?: string | undefined;
  }): Promise<ProbeResult>;
  /** Whether a TCP connection is accepted within `timeout`; `address` as for `http`. */
  tcp(request: { address?: string; port: number; timeout: number }): Promise<ProbeResult>;
  /** Whether an upstream works: as `http` where it has a path, else as `tcp`, at an address of any machine. */
  upstream(question: AddressQuestion): Promise<UpstreamResult>;
  /** Whether anything at all comes back for a request (an accepted connection proves nothing of a stopped process): HEAD of `/` without a path. */
  alive(question: AddressQuestion): Promise<ProbeResult>;
}

export interface AddressQuestion {
  readonly address: string;
  readonly port: number;
  readonly path: string | null;
  /** The text that the body of the path's answer has to hold, in its first 64 KiB. */
  readonly content?: string | undefined;
  /** Sent as Host, and over TLS as the name that is asked for unless `serverName` says another. */
  readonly host: string;
  /** Null: in clear. */
  readonly tls: { readonly serverName: string | null; readonly verify: boolean } | null;
  /** Milliseconds for the whole of it. */
  readonly timeout: number;
}

/** `detail` says what was seen: `answered 500`, `answered 200 without "ready" in its body, which is empty`, `connection refused`, `no answer within 5 s`, `app.internal does not resolve (ENOTFOUND)`. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly detail: string;
  /** Nothing came in time, not even a refusal. */
  readonly late?: true;
  /** Its name has no address now, so nobody was asked. */
  readonly unresolved?: true;
}

/** `refused`: nobody listens there, which needs no second look. */
export interface UpstreamResult extends ProbeResult {
  readonly refused: boolean;
}
