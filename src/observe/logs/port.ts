import type { ServiceId } from '../../model/service.ts';

/** `app`: what instances print. `build` and `predeploy`: what those commands print. `kapal`: what Kapal says about the service. */
export const logKinds = ['app', 'build', 'predeploy', 'kapal'] as const;
export type LogKind = (typeof logKinds)[number];

export interface LogLine {
  /** Grows by one with every line of the store; the cursor of `follow`. */
  readonly sequence: number;
  /** Milliseconds since the epoch when the line was read. */
  readonly time: number;
  readonly service: ServiceId;
  readonly kind: LogKind;
  /** Run or instance it came from; for builds the build's id. */
  readonly run: string;
  readonly instance: string | null;
  readonly release: number | null;
  readonly text: string;
}

/** What a run prints: a file that it appends to, and those that continue it (segments.ts). The store removes what it has read. */
export interface LogSource {
  readonly path: string;
  readonly run: string;
  readonly service: ServiceId;
  readonly kind: LogKind;
  readonly instance: string | null;
  readonly release: number | null;
  /** Values that are replaced by `[masked]` before anything is written; travels by message, never to disk. */
  readonly masks: readonly string[];
}

/** Output that nobody will ever read: it came faster than it could be stored, or while the disk was full. */
export interface LogLoss {
  readonly service: ServiceId;
  readonly run: string;
  readonly instance: string | null;
  readonly bytes: number;
}

export interface LogQuery {
  readonly service?: ServiceId;
  readonly run?: string;
  readonly kinds?: readonly LogKind[];
  /** Only lines after this sequence. */
  readonly after?: number;
  /** Only lines at or after this time (milliseconds since the epoch). */
  readonly since?: number;
  /** A regular expression (RE2-safe or time-bounded; a bad one throws KapalError `usage`). */
  readonly grep?: string;
  /** The last `limit` lines that match, oldest first; with `after` the first `limit` after it, so that a follower misses none. */
  readonly limit: number;
}

/** Keeps what programs print, within a quota, off the daemon's event loop. */
export interface LogStore {
  /** Begins to drain a file; repeating it updates the masks. Resumes where the last daemon stopped: no line twice, none lost. */
  attach(source: LogSource): Promise<void>;
  /** Reads to the end of the file, then forgets it. Resolves when the last line is stored. */
  detach(run: string): Promise<void>;
  /** Reads what is there now without forgetting; resolves when it is stored. For error messages that show the last lines. */
  flush(run: string): Promise<void>;
  write(line: {
    service: ServiceId;
    kind: LogKind;
    run: string;
    instance: string | null;
    release: number | null;
    text: string;
  }): void;
  query(query: LogQuery): Promise<readonly LogLine[]>;
  /** Calls back soon after lines were stored; the follower then queries with `after`. */
  watch(service: ServiceId | null, more: () => void): Disposable;
  /** Removes the oldest lines of all services, about so many bytes of them, and gives the room back to the disk. Answers how many lines went; the newest few megabytes stay. */
  reclaim(bytes: number): Promise<number>;
  /** Removes all lines of a service. */
  forget(service: ServiceId): Promise<void>;
  close(): Promise<void>;
}
