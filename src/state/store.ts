import type { ServiceId } from '../model/service.ts';
import type {
  CertificateAccountRow,
  CertificateOrderRow,
  CertificateRow,
  DiskRow,
  DomainRow,
  EventRow,
  HookRow,
  InstanceRow,
  JobRow,
  OperationRow,
  ReleaseRow,
  RepositoryRow,
  RolloutRow,
  ScheduleRow,
  ServiceRow,
  TaskRow,
  VariableRow,
} from './records.ts';

/**
 * The record: one SQLite file, WAL, `synchronous=FULL`. Every method is one durable step (or part of `transaction`), synchronous on purpose:
 * a statement takes microseconds and the order of intents is the order of the code. What returned is on disk.
 */
export interface Store {
  /** All or nothing. May be nested (the inner one joins the outer). */
  transaction<T>(work: () => T): T;
  /** Small durable facts: install id, table version, API token digest. */
  readonly facts: { get(key: string): string | null; set(key: string, value: string): void };
  readonly services: Services;
  readonly releases: Releases;
  readonly rollouts: Rollouts;
  readonly instances: Instances;
  readonly jobs: Jobs;
  readonly operations: Operations;
  readonly variables: Variables;
  readonly domains: Domains;
  readonly certificates: Certificates;
  readonly disks: Disks;
  readonly repositories: Repositories;
  readonly hooks: Hooks;
  readonly events: Events;
  close(): void;
}

export interface Services {
  get(id: ServiceId): ServiceRow | null;
  /** Sorted by id. */
  all(): readonly ServiceRow[];
  insert(row: ServiceRow): void;
  update(id: ServiceId, change: Partial<Omit<ServiceRow, 'id' | 'current' | 'nextRelease' | 'createdAt'>>): void;
  /** Compare-and-set of `current`: whether it was `from`. */
  promote(id: ServiceId, from: number | null, to: number | null): boolean;
  /** Takes the next release number. */
  takeReleaseNumber(id: ServiceId): number;
  /** Deletes the service and all rows that belong to it. */
  remove(id: ServiceId): void;
}

export interface Releases {
  get(service: ServiceId, number: number): ReleaseRow | null;
  /** Newest first. */
  of(service: ServiceId): readonly ReleaseRow[];
  insert(row: ReleaseRow): void;
  update(
    service: ServiceId,
    number: number,
    change: Partial<Pick<ReleaseRow, 'status' | 'error' | 'pruned' | 'insists'>>,
  ): void;
  remove(service: ServiceId, number: number): void;
}

export interface Rollouts {
  insert(row: RolloutRow): void;
  /** The one in flight, or null. At most one by a unique index. */
  active(service: ServiceId): RolloutRow | null;
  allActive(): readonly RolloutRow[];
  get(id: string): RolloutRow | null;
  update(id: string, change: Partial<Omit<RolloutRow, 'id' | 'service' | 'to' | 'from' | 'startedAt'>>): void;
  /** Drops the ended ones of a service beyond the newest `keep`. */
  trim(service: ServiceId, keep: number): void;
}

export interface Instances {
  get(id: string): InstanceRow | null;
  /** Without those that are gone. */
  of(service: ServiceId): readonly InstanceRow[];
  all(): readonly InstanceRow[];
  insert(row: InstanceRow): void;
  update(id: string, change: Partial<Omit<InstanceRow, 'id' | 'service' | 'release' | 'createdAt'>>): void;
  /** Gone instances leave the record. */
  remove(id: string): void;
}

/** Jobs of services, the slots that have had one, and how far each schedule is decided. */
export interface Jobs {
  get(id: string): JobRow | null;
  /** Newest first. */
  of(service: ServiceId): readonly JobRow[];
  /** Those that have not ended, in the order in which they were asked for. */
  open(service: ServiceId): readonly JobRow[];
  allOpen(): readonly JobRow[];
  insert(row: JobRow): void;
  update(
    id: string,
    change: Partial<Pick<JobRow, 'state' | 'ending' | 'handle' | 'startedAt' | 'endedAt' | 'exit' | 'result'>>,
  ): void;
  /** Drops the ended ones of a service beyond the newest `keep`. */
  trim(service: ServiceId, keep: number): void;
  isTaken(service: ServiceId, slot: number): boolean;
  /** Throws where the slot was taken before. */
  take(service: ServiceId, slot: number): void;
  forgetSlots(service: ServiceId, before: number): void;
  schedule(service: ServiceId): ScheduleRow | null;
  putSchedule(row: ScheduleRow): void;
  forgetSchedule(service: ServiceId): void;
}

export interface Operations {
  get(id: string): OperationRow | null;
  byKey(idempotencyKey: string): OperationRow | null;
  /** In the order in which they were acknowledged. */
  running(): readonly OperationRow[];
  insert(row: OperationRow, tasks: readonly TaskRow[]): void;
  finish(id: string, at: number, error: OperationRow['error']): void;
  tasks(operation: string): readonly TaskRow[];
  /** Adds a task to an operation (the services of a git deploy are known only after the fetch). */
  addTask(task: TaskRow): void;
  updateTask(operation: string, service: ServiceId, change: Partial<Omit<TaskRow, 'operation' | 'service'>>): void;
  /** Unfinished tasks of a service, oldest first. */
  openTasks(service: ServiceId): readonly TaskRow[];
  /** Whether what was acknowledged after an operation is at work on the service, or has brought it another release. */
  isOvertaken(operation: string, service: ServiceId): boolean;
  /** Drops operations that finished before a moment and are not among the newest `keep` finished ones. */
  trim(limits: { readonly keep: number; readonly before: number }): void;
}

export interface Variables {
  of(owner: string): readonly VariableRow[];
  get(owner: string, key: string): VariableRow | null;
  set(row: VariableRow): void;
  unset(owner: string, key: string): boolean;
  /** Drops those of all environment groups of a project's environment. */
  forgetGroups(project: string, environment: string): void;
}

export interface Domains {
  all(): readonly DomainRow[];
  of(service: ServiceId): readonly DomainRow[];
  /** `path` is `/` unless told. */
  get(host: string, path?: string): DomainRow | null;
  /** Throws KapalError `domain_taken` where another service holds the host with this path. */
  add(row: DomainRow): void;
  remove(host: string, path?: string): void;
  /** Makes the declared domains of a service exactly these, each a host or a host with a path (`example.com/api`); added ones stay. */
  declare(service: ServiceId, domains: readonly string[]): void;
}

/** Certificates, orders of new ones, and accounts at authorities. `put` replaces the row of the same key. */
export interface Certificates {
  all(): readonly CertificateRow[];
  get(host: string): CertificateRow | null;
  /** The certificate is there: its order goes. One step. */
  put(row: CertificateRow): void;
  remove(host: string): void;
  orders(): readonly CertificateOrderRow[];
  order(host: string): CertificateOrderRow | null;
  putOrder(row: CertificateOrderRow): void;
  removeOrder(host: string): void;
  account(directory: string): CertificateAccountRow | null;
  putAccount(row: CertificateAccountRow): void;
}

export interface Disks {
  /** Sorted by service and name. */
  all(): readonly DiskRow[];
  of(service: ServiceId): readonly DiskRow[];
  get(service: ServiceId, name: string): DiskRow | null;
  /** Puts the disk on record, or gives it another size. */
  declare(service: ServiceId, name: string, more: { readonly size: number; readonly at: number }): void;
  update(
    service: ServiceId,
    name: string,
    change: Partial<Pick<DiskRow, 'made' | 'removing' | 'used' | 'warned'>>,
  ): void;
  remove(service: ServiceId, name: string): void;
}

/** Repositories that are pushed to. `put` replaces the row of the same project. */
export interface Repositories {
  get(project: string): RepositoryRow | null;
  /** Sorted by project. */
  all(): readonly RepositoryRow[];
  put(row: RepositoryRow): void;
  remove(project: string): void;
}

/** Remotes whose pushes are deployed. `put` changes of a known one only what is due and what was seen. */
export interface Hooks {
  get(id: string): HookRow | null;
  /** The oldest first. */
  all(): readonly HookRow[];
  put(row: HookRow): void;
  /** Whether it was there. */
  remove(id: string): boolean;
  /** Remembers a delivery by each of its marks, of which the newest thousand of a hook are kept. Answers whether none was known. */
  take(hook: string, marks: readonly string[], at: number): boolean;
}

/** The newest ten thousand; those before leave by themselves. */
export interface Events {
  append(event: Omit<EventRow, 'sequence'>): EventRow;
  after(sequence: number, limit: number): readonly EventRow[];
  /** The last `limit`, oldest first. */
  last(limit: number): readonly EventRow[];
}
