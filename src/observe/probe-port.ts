/** One question to one address. Never throws. */
export interface Prober {
  /** HTTP GET of `path`; ready is 200 to 399 within `timeout` milliseconds. `host` is sent as Host. */
  http(request: { port: number; path: string; host: string; timeout: number }): Promise<ProbeResult>;
  /** Whether a TCP connection to loopback is accepted within `timeout`. */
  tcp(request: { port: number; timeout: number }): Promise<ProbeResult>;
}

/** `detail` says what was seen: `answered 500`, `connection refused`, `no answer within 5 s`. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly detail: string;
}
