import type { Readable, Writable } from 'node:stream';

/** What the command line needs from the process around it. `main.ts` makes the real one; tests make their own. */
export interface CliHost {
  readonly version: string;
  readonly stdin: Readable & {
    readonly isTTY?: boolean | undefined;
    /** Of a terminal: every key as it is typed, none of them a signal (tty(4)). */
    readonly setRawMode?: (raw: boolean) => unknown;
  };
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
  /** What a deploy of a folder would build and run. Rejects with a KapalError. */
  examineSource(options: ExamineOptions): Promise<ExaminedSource>;
  /** Writes what starts the daemon at boot. Rejects with a KapalError. */
  installService(options: ServiceInstallOptions): Promise<InstalledService>;
  /** Whether the nginx engine could serve on this machine. `detail`: what is there, or what is not. */
  examineNginx(): Promise<{ readonly serves: boolean; readonly detail: string }>;
  /** Another tool's declaration as a kapal.yaml. Rejects with a KapalError. */
  importDeclaration(request: ImportRequest): Promise<ImportedDeclaration>;
  /** The declaration that a folder does without, written down. Rejects with a KapalError. */
  initDeclaration(request: InitRequest): Promise<InitialDeclaration>;
  /** The declaration of a folder for another tool. Rejects with a KapalError. */
  exportDeclaration(request: ExportRequest): Promise<ExportedDeclaration>;
  /** The Debian packages of the nginx engine that this machine lacks; empty where it can serve. Rejects with a KapalError where they cannot be installed. */
  missingEdgePackages(): Promise<readonly string[]>;
  /** Installs them. Resolves with remarks for the user; rejects with a KapalError. */
  installEdge(): Promise<readonly string[]>;
}

export type Terminal = Writable & {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

/** An address to listen on. `host` null means every interface of the machine. */
export interface ListenAddress {
  readonly host: string | null;
  readonly port: number;
}

export interface DaemonOptions {
  /** Absolute. */
  readonly data: string;
  readonly http: ListenAddress;
  /** `asked`: not to have it is an error, else a warning. Null: not to be served. */
  readonly https: { readonly address: ListenAddress; readonly asked: boolean } | null;
  readonly acme: AcmeOptions;
  readonly api: ListenAddress;
  readonly edge: 'auto' | 'embedded' | 'nginx';
  readonly runtime: 'auto' | 'process';
  /** Services without `domains` answer below it. */
  readonly domain: string;
  /** Of the data folder's disk: bytes, a share in [0, 1), or `auto`. Zero: whatever there is may be used. */
  readonly keepFree: { readonly bytes: number } | { readonly share: number } | 'auto';
  /** Called once, when the daemon answers and everything that it owns has been observed. */
  readonly onReady: (facts: DaemonFacts) => void;
}

/** How certificates are asked of an authority. */
export interface AcmeOptions {
  /** Consent to the authority's terms, and where it writes to; null: none is asked. */
  readonly email: string | null;
  /** URL of the authority's directory; null: Let's Encrypt's. */
  readonly directory: string | null;
  /** PEM file of roots that the directory's own TLS is verified by; absolute. */
  readonly ca: string | null;
  /** Program that writes records into DNS; absolute. */
  readonly hook: string | null;
}

/** Where a daemon that is ready can be reached. */
export interface DaemonFacts {
  readonly pid: number;
  readonly data: string;
  readonly socket: string;
  /** `host:port`, as people reach them. */
  readonly api: string;
  readonly http: string;
  /** Null where HTTPS is not served. */
  readonly https: string | null;
  /** What did not come as it could, in whole sentences. */
  readonly notes: readonly string[];
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

export interface ExamineOptions {
  /** Absolute. */
  readonly folder: string;
  readonly project: string | undefined;
}

/** `kapal detect --json`. */
export interface ExaminedSource {
  readonly project: string;
  /** The declaration, or the file that told what to run, and why. */
  readonly origin: { readonly kind: 'declared' | 'detected'; readonly file: string; readonly why?: string };
  readonly services: readonly ExaminedService[];
  /** Of what was detected: which file told each part. */
  readonly told: readonly ToldPart[];
  readonly warnings: readonly string[];
}

export interface ExaminedService {
  readonly service: string;
  readonly type: string;
  readonly runtime: string | null;
  readonly rootDir: string;
  readonly evidence: string | null;
  readonly install: readonly { readonly title: string; readonly command: string }[];
  readonly build: readonly { readonly title: string; readonly command: string }[];
  readonly preDeploy: string | null;
  /** Runs once, after the first release went live. */
  readonly initialDeploy: string | null;
  /** Of a cron. */
  readonly schedule: string | null;
  readonly instances: number;
  /** Null: its port has to accept, or it listens on nothing. */
  readonly healthCheckPath: string | null;
  readonly healthCheckContent: string | null;
  /** Those of its groups too, without values. */
  readonly variables: readonly { readonly key: string; readonly from: string }[];
  readonly start: string | null;
  readonly publishPath: string | null;
  readonly needs: readonly string[];
  readonly notes: readonly string[];
}

/** One part of what was detected, and the file that told it. */
export interface ToldPart {
  /** Null: a variable of a group. */
  readonly service: string | null;
  /** As kapal.yaml calls it. */
  readonly field: string;
  readonly file: string;
  /** From 1; null where no one line says it. */
  readonly line: number | null;
  readonly why: string;
}

export interface InitRequest {
  /** Absolute. */
  readonly folder: string;
  readonly project: string | undefined;
  /** Null: nothing is written. `force`: over what is there. */
  readonly write: { readonly force: boolean } | null;
}

/** `kapal init --json`. */
export interface InitialDeclaration {
  readonly project: string;
  /** The text of a kapal.yaml. */
  readonly declaration: string;
  readonly told: readonly ToldPart[];
  /** What the files ask for and does not come along. */
  readonly warnings: readonly string[];
  /** The file that was written; absolute. */
  readonly written: string | null;
}

export interface ImportRequest {
  readonly from: 'render' | 'procfile' | 'heroku' | 'compose' | 'pm2';
  /** A folder, or the file itself; absolute. */
  readonly path: string;
  /** The name of the project, where the file has none; undefined: that of the folder. */
  readonly project: string | undefined;
  /** Whether this is root: a configuration that is a program is run as nobody then. */
  readonly root: boolean;
  /** Null: nothing is written. `force`: over what is there. */
  readonly write: { readonly force: boolean } | null;
}

/** What became of a field. `refused`: it did not come along, and the message says what to do instead. */
export interface ConversionNote {
  readonly kind: 'carried' | 'warned' | 'refused';
  readonly field: string;
  readonly message: string;
}

/** A note with where the field stands, from 1. */
export interface ImportNote extends ConversionNote {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ImportedDeclaration {
  /** The text of a kapal.yaml that a deploy takes. */
  readonly declaration: string;
  readonly notes: readonly ImportNote[];
  /** The file that was written; absolute. */
  readonly written: string | null;
}

export interface ExportRequest {
  readonly to: 'render' | 'procfile' | 'compose' | 'systemd' | 'nginx';
  /** A folder, or the declaration in it; absolute. */
  readonly path: string;
  readonly project: string | undefined;
  /** Where the files go, a folder that is there; absolute. Null: nothing is written. */
  readonly write: { readonly folder: string; readonly force: boolean } | null;
}

export interface ExportedDeclaration {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly notes: readonly ConversionNote[];
  /** What the declaration itself was warned about. */
  readonly warnings: readonly {
    readonly message: string;
    readonly file: string;
    readonly line: number;
    readonly column: number;
  }[];
  /** The files that were written; absolute. */
  readonly written: readonly string[];
}
