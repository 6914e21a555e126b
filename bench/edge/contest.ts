/** A proxy that is measured: where it answers, and the process whose CPU time counts. */
export interface Contestant extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

export interface Ground {
  /** Of this run, passable for other users: nginx's workers are not root. */
  readonly folder: string;
  readonly proxyCore: number;
  readonly otherCore: number;
}

/** What a contestant is measured over: plain HTTP, or HTTPS with this certificate. */
export interface Transport {
  readonly certificate: string;
  readonly key: string;
}

/** The name under which all contestants are asked: in every machine's hosts file, and TLS clients send it, as they do not send addresses (RFC 6066 3). */
export const benchHost = 'localhost';
