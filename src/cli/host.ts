import type { Readable, Writable } from 'node:stream';

/** What the command line needs from the process around it. `main.ts` makes the real one; tests make their own. */
export interface CliHost {
  readonly version: string;
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Whether the user is root: it decides the default data folder and ports. */
  readonly root: boolean;
  /** Argument list that starts this command line again: Node, its flags, the entry file. */
  readonly program: readonly string[];
  /** Calls back at every SIGINT; while one is registered, the signal does not end the process. */
  onInterrupt(handler: () => void): Disposable;
  /** Runs the daemon in this process. Resolves with the exit code when it has ended; rejects with a KapalError when it cannot start. */
  startDaemon(options: DaemonOptions): Promise<number>;
  /** Writes what starts the daemon at boot. Rejects with a KapalError. */
  installService(options: ServiceInstallOptions): Promise<InstalledService>;
}

export type Terminal = Writable & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined };

/** An address to listen on. `host` null means every interface of the machine. */
export interface ListenAddress {
  readonly host: string | null;
  readonly port: number;
}

export interface DaemonOptions {
  /** Absolute. */
  readonly data: string;
  readonly http: ListenAddress;
  readonly api: ListenAddress;
  readonly edge: 'auto' | 'embedded';
  readonly runtime: 'auto' | 'process';
  /** Services without `domains` answer below it. */
  readonly domain: string;
  /** Called once, when the daemon answers and everything that it owns has been observed. */
  readonly onReady: (facts: DaemonFacts) => void;
}

/** Where a daemon that is ready can be reached. */
export interface DaemonFacts {
  readonly pid: number;
  readonly data: string;
  readonly socket: string;
  /** `host:port`, as people reach them. */
  readonly api: string;
  readonly http: string;
  readonly version: string;
}

export interface ServiceInstallOptions extends Omit<DaemonOptions, 'onReady'> {
  /** Only says what would be written. */
  readonly dryRun: boolean;
}

export interface InstalledService {
  readonly kind: 'systemd' | 'init';
  /** The file that was, or would be, written. */
  readonly path: string;
  /** Its text. */
  readonly content: string;
  /** Whether it starts at the next boot without another command. */
  readonly enabled: boolean;
  /** Commands or remarks for the user, in order. */
  readonly notes: readonly string[];
}
