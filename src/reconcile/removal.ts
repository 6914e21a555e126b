import { crashpoint } from '../lib/crashpoint.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import { recordedRollouts } from '../release/retention.ts';
import type { Dependencies } from './dependencies.ts';
import { forgetEdgeSecrets } from './edge-secrets.ts';
import type { EdgeSync } from './edge-sync.ts';
import type { Fleet } from './fleet.ts';
import { buildingFolders } from './garbage.ts';
import { Housekeeping } from './housekeeping.ts';
import { releasesInUse } from './releases-in-use.ts';
import type { DeployWork } from './operations/deploy-work.ts';
import type { Operations } from './operations/operations.ts';
import { openRequest } from './vaulting.ts';

export interface RemovalParts {
  readonly fleet: Fleet;
  readonly edge: EdgeSync;
  readonly operations: Pick<Operations, 'cancel'>;
}

/** Frees what nothing needs any more: old releases, artifacts without a release, trees, and services that are being removed. Works from what is there, so it may be repeated. */
export class Removal {
  readonly #needs: Dependencies;
  /** Services that are being looked at, and whether they settled again meanwhile. */
  readonly #again = new Map<ServiceId, boolean>();
  readonly #housekeeping: Housekeeping;
  #collecting: Promise<void> | null = null;

  constructor(needs: Dependencies) {
    this.#needs = needs;
    this.#housekeeping = new Housekeeping(needs);
  }

  close(): void {
    this.#housekeeping.close();
  }

  /** Called when a service settled: it may have to go, or has a release too many. What settles meanwhile is looked at afterwards. */
  async settle(service: ServiceId, parts: RemovalParts): Promise<void> {
    const isBusy = this.#again.has(service);
    this.#again.set(service, isBusy);
    if (isBusy) return;
    do {
      this.#again.set(service, false);
      await this.#look(service, parts);
    } while (this.#again.get(service) === true);
    this.#again.delete(service);
    void this.#housekeeping.collect('usual');
  }

  /** The disk is short of room: all that nothing needs at once goes. */
  async makeRoom(): Promise<void> {
    // Not waited for: trees are quicker to free, and the next look at the disk is soon.
    void this.#housekeeping.collect('short');
    await this.collectSources(0);
  }

  /** Trees that no kept release came from. `keep`: the newest few are kept all the same, as many as the store says unless told. */
  collectSources(keep?: number): Promise<void> {
    this.#collecting ??= this.#collect(keep).finally(() => {
      this.#collecting = null;
    });
    return this.#collecting;
  }

  async #look(service: ServiceId, parts: RemovalParts): Promise<void> {
    try {
      const row = this.#needs.store.services.get(service);
      if (row === null) return;
      if (row.removing) await this.#remove(service, parts);
      else await this.#prune(service);
    } catch (error) {
      this.#needs.log.warn({ err: error, service }, 'could not free what is not needed any more');
    }
  }

  /** Something is in flight that nobody has cancelled: the daemon that was asked to remove the service died before it did, or the service has vanished from its file. */
  #goesOn(service: ServiceId): boolean {
    const { rollouts, operations } = this.#needs.store;
    return (
      rollouts.active(service)?.cancel === 'no' ||
      operations.openTasks(service).some(({ stage, cancel }) => stage !== 'rollout' && cancel === 'no')
    );
  }

  async #prune(service: ServiceId): Promise<void> {
    const { store, artifacts, decisions } = this.#needs;
    const releases = store.releases.of(service);
    const plan = decisions.retention(releases, releasesInUse(this.#needs, service));
    store.transaction(() => {
      for (const number of plan.prune) store.releases.update(service, number, { pruned: true });
      store.rollouts.trim(service, recordedRollouts);
    });
    crashpoint('release.pruned');
    for (const path of plan.artifacts) await artifacts.remove(path);
    for (const number of plan.forget) store.releases.remove(service, number);
    crashpoint('release.artifact.removed');
    // A build that was cancelled between its last command and its release left a folder that nothing names.
    const named = new Set(
      store.releases
        .of(service)
        .flatMap((release) => (release.pruned || release.artifact === null ? [] : [release.artifact.path])),
    );
    const building = buildingFolders(this.#needs, service);
    for (const path of await artifacts.list(service)) {
      // A copy under way has a name of its own, which begins with the artifact's.
      if (!named.has(path) && !building.some((folder) => path.startsWith(folder))) await artifacts.remove(path);
    }
    await this.collectSources();
  }

  async #collect(keep: number | undefined): Promise<void> {
    await this.#needs.sources.collect(this.treesInUse(), keep);
  }

  /** Digests of trees that a kept release came from, or that a deploy under way takes. */
  treesInUse(): ReadonlySet<string> {
    const { store, vault } = this.#needs;
    const inUse = new Set<string>();
    for (const row of store.services.all()) {
      for (const release of store.releases.of(row.id))
        if (!release.pruned && release.source !== null) inUse.add(release.source.digest);
    }
    for (const operation of store.operations.running()) {
      const digest = operation.kind === 'deploy' ? treeOf(openRequest(vault, operation)) : null;
      if (digest !== null) inUse.add(digest);
    }
    return inUse;
  }

  /** The instances are gone: now everything else, the record last, so that a crash in between finds the service still marked. */
  async #remove(service: ServiceId, parts: RemovalParts): Promise<void> {
    const { store, runtime, artifacts, logs, clock } = this.#needs;
    if (this.#goesOn(service)) parts.operations.cancel(service);
    if (
      store.instances.of(service).length > 0 ||
      store.jobs.open(service).length > 0 ||
      store.rollouts.active(service) !== null ||
      store.operations.openTasks(service).length > 0
    )
      return;
    await logs.forget(service);
    crashpoint('removal.logs.forgotten');
    await artifacts.forget(service);
    crashpoint('removal.artifacts.forgotten');
    await this.#leaveDisks(service);
    crashpoint('removal.disks.left');
    await runtime.forget(service);
    crashpoint('removal.user.forgotten');
    store.transaction(() => {
      store.services.remove(service);
      forgetEdgeSecrets(this.#needs, service);
      this.#forgetGroups(service);
      store.events.append({
        time: clock.now(),
        kind: 'service.removed',
        service: null,
        project: service.split('/')[0] ?? null,
        message: `${service} was removed`,
      });
    });
    crashpoint('removal.recorded');
    // Not before: its loop would ask for its (empty) routes again, and each of the two would wake the other for as long as a step above fails.
    parts.edge.forget(service);
    void parts.fleet.forget(service);
  }

  /** What holds data stays, closed to the next user of its owner's number, unless it was to go; what is empty goes. */
  async #leaveDisks(service: ServiceId): Promise<void> {
    const { store, disks } = this.#needs;
    for (const { name, removing } of store.disks.of(service)) {
      if (!removing && !(await disks.isEmpty(service, name))) {
        await disks.close(service, name);
        continue;
      }
      await disks.remove(service, name);
      crashpoint('removal.disk.removed');
      store.disks.remove(service, name);
    }
  }

  /** The values of groups go with the last service that could use them. */
  #forgetGroups(removed: ServiceId): void {
    const { store } = this.#needs;
    const { project, environment } = serviceKey(removed);
    const rest = store.services.all().map(({ id }) => serviceKey(id));
    if (rest.some((key) => key.project === project && key.environment === environment)) return;
    store.variables.forgetGroups(project, environment);
  }
}

/** The tree that a deploy was asked to take; null for a remote's, which it fetches itself. */
function treeOf(request: Readonly<Record<string, unknown>>): string | null {
  const { source } = request as Partial<DeployWork>;
  return source === undefined || source.kind === 'git' ? null : source.digest;
}
