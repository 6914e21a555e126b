import type {
  DeployRequest,
  DomainCheckDocument,
  DomainDocument,
  DomainRequest,
  EventDocument,
  GarbageDocument,
  LogDocument,
  OperationDocument,
  OperationEvent,
  PersistentDiskDocument,
  PlanDocument,
  ReleaseDocument,
  ServiceDocument,
  StatusDocument,
  VariableDocument,
} from '../api/contract/types.ts';
import type { ServiceId } from '../model/service.ts';
import type { JobCommands } from './job-commands.ts';

/**
 * What people and programs can ask of a running Kapal; the API is a thin translation of it. Methods that change something resolve when the
 * intent is durable. All throw KapalError.
 */
export interface Commands {
  status(): Promise<StatusDocument>;

  /** Finds a service by name; throws `not_found` (with the nearest name) or `ambiguous` (naming the projects). */
  resolve(name: string, at: { project?: string | undefined; environment: string }): ServiceId;

  /** Resolves once everything that is owned has been observed. */
  services(filter: {
    project?: string | undefined;
    environment?: string | undefined;
    service?: string | undefined;
  }): Promise<readonly ServiceDocument[]>;

  hasSource(digest: string): Promise<boolean>;
  /** Takes a tar stream (see `source/archive.ts`), checks that its tree has this digest, keeps it. */
  putSource(digest: string, tar: AsyncIterable<Uint8Array>): Promise<void>;

  deploy(request: DeployRequest): Promise<OperationDocument>;
  plan(request: DeployRequest): Promise<PlanDocument>;
  operation(id: string): OperationDocument;
  /** Everything so far, then what follows, ending after `finished`. */
  follow(id: string, signal: AbortSignal): AsyncIterable<OperationEvent>;

  releases(service: ServiceId): readonly ReleaseDocument[];
  /** Without a number: the live release before the current one. */
  rollback(service: ServiceId, release: number | null): Promise<OperationDocument>;
  restart(service: ServiceId): Promise<OperationDocument>;
  stop(service: ServiceId): Promise<OperationDocument>;
  start(service: ServiceId): Promise<OperationDocument>;
  scale(service: ServiceId, instances: number): Promise<OperationDocument>;
  /** Cancels what is in flight for the service: build, warm-up or shift. Throws `conflict` when nothing is. */
  cancel(service: ServiceId): Promise<void>;

  variables(service: ServiceId, reveal: boolean): readonly VariableDocument[];
  /** `null` unsets. Answers the operation that rolls the change out, or null where the service has no release yet. `name` need not exist yet: it is made known by project and environment. */
  setVariables(
    at: { project: string | undefined; environment: string; service: string },
    changes: Readonly<Record<string, string | null>>,
  ): Promise<OperationDocument | null>;

  domains(service: ServiceId): readonly DomainDocument[];
  /** `domain` is a host, or a host with a path. Resolves when the edge routes it; a certificate may come later. */
  addDomain(service: ServiceId, domain: string, request: DomainRequest): Promise<DomainDocument>;
  removeDomain(service: ServiceId, domain: string): Promise<void>;
  checkDomain(service: ServiceId, domain: string): Promise<DomainCheckDocument>;

  logs(
    service: ServiceId,
    query: { since?: number; grep?: string; after?: number; limit: number },
  ): Promise<readonly LogDocument[]>;
  /** Resolves when there may be more lines, or the signal aborts. */
  moreLogs(service: ServiceId, signal: AbortSignal): Promise<void>;
  readonly jobs: JobCommands;

  events(query: { after?: number; limit: number }): readonly EventDocument[];
  moreEvents(signal: AbortSignal): Promise<void>;

  /** Deletes what nothing needs, or only says what it would. */
  collectGarbage(dryRun: boolean): Promise<GarbageDocument>;

  edgeConfig(): Promise<string>;
  edgeCheck(): Promise<readonly string[]>;

  /**
   * Drains, stops and forgets every service of a project, its users, files, logs. Resolves when they are gone. Throws `conflict` while a disk of it holds data,
   * unless the disks are to go too.
   */
  removeProject(name: string, more: { readonly withDisks: boolean }): Promise<void>;
  /** Counted just now. */
  persistentDisks(filter: {
    project?: string | undefined;
    environment?: string | undefined;
  }): Promise<readonly PersistentDiskDocument[]>;
  /** Deletes a disk that no service has any more; its service may be gone. */
  removeDisk(service: ServiceId, name: string): Promise<void>;
  /** Ends the daemon; with `apps` everything that it runs too, the edge last. Resolves before the daemon exits. */
  shutdown(apps: boolean): Promise<void>;
}
