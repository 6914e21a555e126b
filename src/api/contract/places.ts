/** Files of a data folder that a client on the same machine reads, relative to it. */

/** JSON of `DaemonDocument`, written by the daemon once its socket answers. */
export const daemonFile = 'daemon.json';

/** The bearer token for the API over TCP, one line of text, mode 0600. */
export const tokenFile = 'keys/api-token';

/** Where the Unix socket is unless its path would be too long for `sun_path` (108 bytes, unix(7)). */
export const socketFile = 'kapal.sock';

/** The daemon's own log, JSON lines, and what it says on stderr in the background. */
export const logFile = 'logs/daemon.log';

export interface DaemonDocument {
  readonly pid: number;
  /** Absolute path of the Unix socket. */
  readonly socket: string;
  /** `host:port`, as people reach them. */
  readonly api: string;
  readonly http: string;
  /** Null where HTTPS is not served. */
  readonly https: string | null;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
}
