import type { Builder, ToolStore } from '../build/port.ts';
import type { Edge } from '../edge/port.ts';
import type { Clock, Random } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { SourceRecord } from '../model/deploy.ts';
import type { Network } from '../network/port.ts';
import type { LogStore } from '../observe/logs/port.ts';
import type { Prober } from '../observe/probe-port.ts';
import type { Attacher, HomeCaches, PortFinder, Runtime } from '../runtime/port.ts';
import type { PushedCommit, PushedRepositories } from '../source/repositories.ts';
import type { Vault } from '../secrets/vault.ts';
import type { DeclarationFiles } from '../spec/files.ts';
import type { CertificateSources } from './certificate-sources.ts';
import type { Decisions } from './decisions.ts';
import type { KeepFree } from './disk-decision.ts';
import type { Disk } from './disk-port.ts';
import type { Store } from '../state/store.ts';

/** Everything outside that the reconciler touches; `main.ts` names the drivers, tests give simulated ones. */
export interface Dependencies {
  readonly store: Store;
  readonly runtime: Runtime;
  /** Where the runtime can tell at which ports a run listens. */
  readonly portFinder?: PortFinder;
  /** Where the runtime can give a run's streams to this process. */
  readonly attacher?: Attacher;
  /** Where instances can be kept apart by networks of their own; absent where the runtime has none. */
  readonly network?: Network;
  readonly edge: Edge;
  readonly builder: Builder;
  readonly tools: ToolStore;
  readonly caches: HomeCaches;
  readonly sources: SourceStore;
  readonly repositories: RepositoryStore;
  readonly artifacts: ArtifactStore;
  readonly disks: DiskStore;
  readonly vault: Vault;
  readonly logs: LogStore;
  readonly prober: Prober;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether nothing listens on a port of this machine now. */
  readonly isPortFree: (port: number) => Promise<boolean>;
  /** Who listens on a port of this machine, in words; null where that is not known. */
  readonly portHolder?: (port: number) => string | null;
  readonly decisions: Decisions;
  readonly log: Log;
  readonly certificates: CertificateSources;
  readonly disk: Disk;
  /** Bytes of the machine's memory, and those that programs could still have; null where that is not known. */
  readonly memory: () => Promise<{ readonly total: number; readonly available: number } | null>;
  readonly settings: Settings;
}

export interface Settings {
  readonly version: string;
  readonly data: string;
  readonly socket: string;
  /** `host:port` of API and edge, as people reach them. */
  readonly api: string;
  readonly http: string;
  readonly httpPort: number;
  /** Null where HTTPS is not served. */
  readonly https: string | null;
  readonly httpsPort: number | null;
  /** Names without `domains` live under it. */
  readonly domain: string;
  /** Of the server, by its IANA name: schedules that name no other go by it. */
  readonly timeZone: string;
  /** Builds at a time. */
  readonly buildSlots: number;
  /** Instances that boot at a time; for rollouts and for what has to be restarted so many each. */
  readonly startSlots: number;
  /** Bytes for a build that declares no limit: one build must not take the machine from what serves. Null for none. */
  readonly buildMemory: number | null;
  /** Of the disk under the data folder. */
  readonly keepFree: KeepFree;
  readonly edgeWhy: string;
  readonly runtimeWhy: string;
}

/** Content-addressed trees: see `source/sources.ts`. */
export interface SourceStore {
  has(digest: string): Promise<boolean>;
  put(digest: string, tar: AsyncIterable<Uint8Array>): Promise<void>;
  files(digest: string): Promise<DeclarationFiles>;
  /** Copies the tree into a folder that is made for it, owned by the given user. */
  copyTo(digest: string, folder: string, owner: { readonly uid: number; readonly gid: number } | null): Promise<void>;
  /** Fetches a branch (or the default one) of a remote into the store. `notices` are for the user. */
  fetch(request: {
    url: string;
    branch: string | null;
    signal: AbortSignal;
    /** Private key in the form of OpenSSH. */
    key?: string;
  }): Promise<{ record: SourceRecord; notices: readonly string[] }>;
  /** Folders of the trees that `collect` would delete, keeping none for their newness. `inUse` is asked once the folders have been read. */
  unused(inUse: () => ReadonlySet<string>): Promise<readonly string[]>;
  /** Mirrors of remotes other than these (URLs as on record), none of which is being fetched. */
  unusedMirrors(urls: ReadonlySet<string>): Promise<readonly string[]>;
  removeMirror(path: string): Promise<void>;
  /** Paths that differ between two commits of a remote that were fetched; null where that is not known. */
  changes(commits: {
    readonly url: string;
    readonly from: string;
    readonly to: string;
  }): Promise<readonly string[] | null>;
  /** A key pair in the form of OpenSSH. */
  makeKey(comment: string): Promise<{ readonly privateKey: string; readonly publicKey: string }>;
  /** Keeps the tree of a commit that was pushed. */
  keep(commit: PushedCommit, branch: string): Promise<{ record: SourceRecord; notices: readonly string[] }>;
  /** Deletes trees that are not in use, but for the newest few (`keep`, where told). */
  collect(inUse: ReadonlySet<string>, keep?: number): Promise<void>;
}

/** Folders of services that outlive their releases; by service and name. */
export interface DiskStore {
  /** Where it is, whether it is there or not. */
  path(service: string, name: string): string;
  exists(service: string, name: string): Promise<boolean>;
  /** Makes it, the owner's and nobody else's. */
  ensure(service: string, name: string, owner: { readonly uid: number; readonly gid: number } | null): Promise<void>;
  /** Makes a path of an artifact lead to it. Throws `mount_refused` where something is in the way. */
  link(input: {
    service: string;
    name: string;
    artifact: string;
    path: string;
    owner: { readonly uid: number; readonly gid: number } | null;
    /** What becomes of files of the source or of the build in its place: refused, the first content of the disk, or dropped. */
    files: 'refuse' | 'move' | 'drop';
  }): Promise<void>;
  isEmpty(service: string, name: string): Promise<boolean>;
  /** Bytes; null where they could not be counted in time. */
  used(service: string, name: string): Promise<number | null>;
  /** Lets nobody but the daemon in any more: its service's user goes. */
  close(service: string, name: string): Promise<void>;
  /** Deletes it; missing is no error. */
  remove(service: string, name: string): Promise<void>;
}
/** Repositories that are pushed to: see `source/repositories.ts`. */
export type RepositoryStore = Pick<
  PushedRepositories,
  'begin' | 'close' | 'make' | 'point' | 'serve' | 'commit' | 'clear' | 'tidy' | 'remove'
>;

/** The folders that builds yield. */
export interface ArtifactStore {
  /** The folder of an artifact, whether it is there or not. */
  folder(service: string, artifact: string): string;
  /** Lets in who has to read it: the service's own user, and for static files the edge's too. */
  protect(path: string, readers: 'service' | 'edge'): Promise<void>;
  /** Resolves when all that a folder of ours holds is on disk. */
  sync(path: string): Promise<void>;
  /** Deletes a folder of ours; missing is no error. */
  remove(path: string): Promise<void>;
  /** Whether a path of an artifact is a folder, and lies in the artifact when links are resolved. */
  hasFolder(artifact: string, path: string): Promise<boolean>;
  /** Every artifact folder on disk of a service. */
  list(service: string): Promise<readonly string[]>;
  forget(service: string): Promise<void>;
}
