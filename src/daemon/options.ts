/** How a daemon is started; `kapal up` reads it from its flags. */
export interface DaemonOptions {
  /** Absolute. */
  readonly data: string;
  readonly http: Address;
  readonly api: Address;
  readonly edge: 'auto' | 'embedded';
  readonly runtime: 'auto' | 'process';
  /** Services without domains answer under it. */
  readonly domain: string;
  /** Worker processes of the edge; null: one a core, two at most. */
  readonly edgeWorkers: number | null;
}

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** What is known once the daemon serves; also written to `daemon.json` in the data folder. */
export interface DaemonFacts {
  readonly pid: number;
  readonly version: string;
  readonly socket: string;
  readonly api: string;
  readonly http: string;
  readonly startedAt: string;
}
