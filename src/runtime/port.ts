import type { Readable, Writable } from 'node:stream';
import type { Exit } from '../model/instance.ts';
import type { CacheFolder } from '../model/garbage.ts';
import type { ServiceId } from '../model/service.ts';

/** What a driver can do on this machine, found by trying. Callers ask this, never the driver's name. */
export interface RuntimeCapabilities {
  /** Memory limits are enforced by the kernel (cgroup v1 or v2); else the driver looks at what is resident, once a second, while the daemon runs. */
  readonly memoryLimit: boolean;
  /** Every service runs as a system user of its own. */
  readonly separateUsers: boolean;
  /** Runs can have a folder of their own at an absolute path of the machine, which nobody else sees there. */
  readonly mounts: boolean;
  /** One sentence for `kapal doctor` and the log: what is missing and what would bring it. */
  readonly notes: readonly string[];
}

/** What to run: a service's start command, or a one-off command (`preDeployCommand`, a build). */
export interface RunSpec {
  /** Unique for ever, `[a-z0-9.-]+`; `start` with a known id starts nothing twice. */
  readonly id: string;
  readonly service: ServiceId;
  /** Working folder, absolute. */
  readonly directory: string;
  /** Shell text that the user declared. */
  readonly command: string;
  /** The whole environment of the program; values may be secret and travel by environment only. */
  readonly environment: Readonly<Record<string, string>>;
  /** The port the program is told to listen on, `null` for workers and one-off commands. */
  readonly port: number | null;
  /** Bytes, `null` without a limit. */
  readonly memoryLimit: number | null;
  /** Processes and threads that it may have; absent: what the driver gives every run. */
  readonly processLimit?: number;
  /** A folder that the run sees at another path too, and nobody else; absent: none. Both absolute, the path admitted by `admitMount`. */
  readonly mount?: { readonly folder: string; readonly path: string };
  /** Absent: SIGTERM goes to the whole group. `leader`: to its leader alone, which ends its other processes in order. */
  readonly terminate?: 'leader';
  /** The network namespace that it runs in, as a path (ip-netns(8)); absent: the machine's. */
  readonly network?: string;
  /** Above 0 for builds, so that they give way to what serves (nice(1), 0..19). */
  readonly niceness: number;
}

/** All that a restarted daemon needs to find the run again: JSON. */
export interface RunHandle {
  readonly id: string;
  readonly service: ServiceId;
  readonly port: number | null;
  /** Where its output is appended; ingested and freed by the log collector. */
  readonly log: string;
  /** Private to the driver, JSON. */
  readonly driver: Readonly<Record<string, string | number | boolean | null>>;
}

export type RunObservation =
  /** The keeper has not reported the process yet. */
  | { readonly phase: 'launching' }
  /** `pid` leads the process group. `listening`: a socket of the run's own processes listens on `port` (always false without one). */
  | { readonly phase: 'running'; readonly pid: number; readonly startedAt: number; readonly listening: boolean }
  /** The leader has ended. `remains`: processes of its group are still there. */
  | { readonly phase: 'exited'; readonly exit: Exit; readonly remains: boolean };

/** Usage of a run at a moment: resident bytes and CPU milliseconds since its start, over all its processes. */
export interface RunUsage {
  readonly residentBytes: number;
  readonly cpuMilliseconds: number;
}

/**
 * Runs processes that outlive the daemon. Every method may be repeated: the daemon may have died between any two lines.
 * Drivers: `process/`, `simulated/`; `test/conformance/runtime.ts` runs over all of them.
 */
export interface Runtime {
  readonly name: string;
  capabilities(): RuntimeCapabilities;

  /** The environment every run of the service gets before its own variables (PATH with its Node, HOME, USER, TMPDIR), and the folder ownership it needs. Makes the service's user where users are separate. */
  prepare(service: ServiceId): Promise<ServiceAccount>;

  /**
   * Whether runs may have a folder mounted at this absolute path: throws KapalError `mount_refused` where the machine does not let the driver, or where
   * something would be hidden. Changes nothing.
   */
  admitMount(path: string): Promise<void>;

  /** Starts a run, or finds the one of this id. Resolves when the intent to start is on disk, not when the program is up. Throws KapalError `runtime_failed` when the system refuses. */
  start(run: RunSpec): Promise<RunHandle>;

  /** What is true of the run now. A handle whose process is gone without a record observes as exited with reason `unknown`; a reused pid is never taken for it. */
  observe(handle: RunHandle): Promise<RunObservation>;

  usage(handle: RunHandle): Promise<RunUsage | null>;

  /** Signals the whole process group and strays of the run (double forks). `terminate` is SIGTERM (to the leader alone, where the run says so), `kill` is SIGKILL. A run that is gone is no error. */
  signal(handle: RunHandle, signal: 'terminate' | 'kill'): Promise<void>;

  /** Forgets an ended run: removes its cgroup and folder (its log too). Kills what remains of it first. */
  dispose(handle: RunHandle): Promise<void>;

  /** Every run that exists in this data folder, recorded or not; for the recovery of what a dead daemon left. */
  inventory(): Promise<readonly RunHandle[]>;

  /** Calls `changed` with a run's id soon after it was reported or ended. A hint only: callers also look by themselves. */
  watch(changed: (run: string) => void): Disposable;

  /** Removes the service's user and folders; its runs must be gone. */
  forget(service: ServiceId): Promise<void>;
}

/** Who a service runs as. `uid` and `gid` are null where the daemon cannot separate users: then it is the daemon's own. */
export interface ServiceAccount {
  readonly user: string | null;
  readonly uid: number | null;
  readonly gid: number | null;
  /** The service's private home, absolute. */
  readonly home: string;
  /** The base environment: PATH, HOME, USER, LOGNAME, TMPDIR, LANG. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Rows and columns of a terminal, in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * What an attached run reads and prints, byte by byte, in this process. Ending `stdin` ends the run's input. `stdout` and `stderr` end when every process that
 * could write to them has gone. Disposing closes all three: a program that still prints gets SIGPIPE.
 */
export interface RunStreams extends Disposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** An ability that a driver may have beyond the port: runs whose streams are this process's, and not a log's. */
export interface Attacher {
  /**
   * Starts a run as `start` does, once: it is not found again by its id. With a terminal its program has one of this size on all three streams, and what it
   * prints comes on `stdout` alone. Throws KapalError `runtime_failed`.
   */
  startAttached(
    run: RunSpec,
    terminal: TerminalSize | null,
  ): Promise<{ readonly handle: RunHandle; readonly streams: RunStreams }>;
  /** Tells the terminal of an attached run its size. One without a terminal, or that is gone, is no error. */
  resize(handle: RunHandle, size: TerminalSize): Promise<void>;
}

/** A listening TCP socket: `address` as text (`127.0.0.1`, `0.0.0.0`, `::`, `::1`). */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

/**
 * An ability that a driver may have beyond the port: where a run's own processes listen, for messages such as "it listens on port 3000
 * instead" or "it listens on ::1 only, which 127.0.0.1 does not reach".
 */
export interface PortFinder {
  /** Empty when nothing listens or the run is gone. */
  listeners(handle: RunHandle): Promise<readonly Listener[]>;
}

/** What builds left in the homes of services to be quicker the next time. */
export interface HomeCaches {
  /** Services that have a home, whether anybody knows them or not. */
  services(): Promise<readonly ServiceId[]>;
  /** The folders of a service that builds fill and nothing else reads, and rests of such folders. */
  folders(service: ServiceId): Promise<readonly Omit<CacheFolder, 'bytes'>[]>;
  /** Removes one of them, as the service's own user. */
  remove(service: ServiceId, folder: Omit<CacheFolder, 'bytes'>): Promise<void>;
}
