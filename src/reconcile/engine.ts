import type {
  DeployRequest,
  DomainDocument,
  DomainRequest,
  OperationDocument,
  OperationEvent,
  StatusDocument,
} from '../api/contract/types.ts';
import { wallTime } from '../lib/clock.ts';
import type { ServiceId } from '../model/service.ts';
import { Certificates } from './certificates.ts';
import type { Commands } from './commands.ts';
import type { Dependencies } from './dependencies.ts';
import { DiskCommands } from './disk-commands.ts';
import { DiskGuard } from './disk-guard.ts';
import { DomainCommands } from './domain-commands.ts';
import { EdgeSync } from './edge-sync.ts';
import { recordEndpoint, recordOverload } from './endpoint-events.ts';
import { Fleet } from './fleet.ts';
import { collectGarbage } from './garbage.ts';
import { Jobbing } from './job-commands.ts';
import { Hooks } from './hooks/hooks.ts';
import { Capacity } from './operations/capacity.ts';
import { Deploys } from './operations/deploys.ts';
import { Operations } from './operations/operations.ts';
import { draftOfCurrent, draftOfEarlier } from './operations/releasing.ts';
import { allocatorOf, instancePorts, privatePorts } from './ports.ts';
import { admitMemory } from './memory-floor.ts';
import { ProjectRemoval } from './project-removal.ts';
import { Pushes } from './pushes/pushes.ts';
import * as queries from './queries.ts';
import { adoptRuns, endOrphans, moveFutureMoments, resumeOperations } from './recovery.ts';
import { Removal } from './removal.ts';
import { next, Ripples } from './ripples.ts';
import { statusDocument } from './status-document.ts';
import { SettingsCommands } from './settings-commands.ts';
import { stopRuns } from './stopping.ts';

/** Milliseconds that the edge gets for requests under way when everything ends. */
const edgeGrace = 5_000;

/** Milliseconds between looks for runs that nothing owns. */
const sweepPace = 60_000;

/** A running Kapal: recovers what an earlier daemon left, keeps the world at what the record says, and does what people ask. */
export class Engine implements Commands {
  readonly #needs: Dependencies;
  readonly #edge: EdgeSync;
  readonly #fleet: Fleet;
  readonly #operations: Operations;
  readonly #deploys: Deploys;
  readonly #capacity: Capacity;
  readonly #removal: Removal;
  readonly #settings: SettingsCommands;
  readonly #certificates: Certificates;
  readonly #disk: DiskGuard;
  readonly #disks: DiskCommands;
  readonly #projects: ProjectRemoval;
  readonly #domains: DomainCommands;
  readonly jobs: Jobbing;
  readonly #events = new Ripples();
  readonly pushes: Pushes;
  readonly hooks: Hooks;
  readonly #startedAt: number;
  readonly #observed = Promise.withResolvers<void>();
  readonly #ended: (apps: boolean) => void;
  #watching: Disposable | null = null;
  #sweeping: Disposable | null = null;
  #ready = false;
  #closed = false;

  /** `ended` is called when `shutdown` was asked for and done. */
  constructor(needs: Dependencies, ended: (apps: boolean) => void) {
    this.#needs = needs;
    this.#ended = ended;
    this.#startedAt = needs.clock.now();
    this.#edge = this.#edgeSync();
    this.#removal = new Removal(needs);
    this.#disk = this.#guard();
    this.#disks = new DiskCommands(needs, () => this.#events.spread());
    this.#certificates = new Certificates({
      needs,
      answer: (challenges) => this.#edge.answer(challenges),
      changed: (services) => services.forEach((service) => this.#fleet.wake(service)),
      told: () => this.#events.spread(),
    });
    this.#fleet = new Fleet({
      needs,
      edge: this.#edge,
      ports: allocatorOf(needs, instancePorts),
      trust: (host) => this.#certificates.trust(host),
      isHeld: (job) => this.jobs.isHeld(job),
      settled: (service) => this.#settled(service),
      passed: () => this.#events.spread(),
    });
    this.jobs = new Jobbing(needs, this.#fleet);
    const admitBuild = () => this.#disk.admitBuild().then(() => admitMemory(needs));
    this.#operations = new Operations(needs, this.#fleet, admitBuild);
    this.#deploys = new Deploys({
      needs,
      operations: this.#operations,
      loops: this.#fleet,
      privatePorts: allocatorOf(needs, privatePorts),
      admitBuild,
    });
    this.#projects = new ProjectRemoval(needs, {
      operations: this.#operations,
      fleet: this.#fleet,
      disks: this.#disks,
      forget: async (name) => [await this.pushes.forget(name), this.hooks.forget(name)].includes(true),
    });
    this.pushes = new Pushes({ needs, operations: this.#operations, deploys: this.#deploys, disk: this.#disk });
    this.hooks = new Hooks({ needs, deploys: this.#deploys });
    this.#settings = new SettingsCommands({ needs, operations: this.#operations });
    this.#domains = new DomainCommands({
      needs,
      certificates: this.#certificates,
      wake: (service) => this.#fleet.wake(service),
    });
    this.#capacity = new Capacity({
      needs,
      operations: this.#operations,
      loops: this.#fleet,
      reach: () => this.#fleet.reach(),
    });
  }

  /** Recovers and begins. Resolves when everything that is owned has been observed and the edge serves it. */
  async begin(): Promise<void> {
    const needs = this.#needs;
    await this.#disk.begin();
    await this.#edge.begin();
    await this.#certificates.begin();
    moveFutureMoments(needs);
    await adoptRuns(needs);
    this.#watching = needs.runtime.watch((run) => this.#fleet.wakeRun(run));
    await this.#fleet.begin();
    await this.#edge.open();
    this.#certificates.open();
    this.#ready = true;
    this.#observed.resolve();
    resumeOperations(needs, { operations: this.#operations, deploys: this.#deploys, capacity: this.#capacity });
    await this.pushes.begin();
    this.hooks.begin();
    for (const row of needs.store.services.all()) this.#settled(row.id);
    await this.#disks.begin();
    this.#sweepLater();
  }

  /** One pass over every service now; resolves when all have been made. Passes happen by themselves: this is for measuring them. */
  async lookAgain(): Promise<void> {
    await this.#fleet.pass();
  }

  /** Stops looking. What runs goes on running. */
  async close(): Promise<void> {
    this.#operations.leave();
    this.#disk.close();
    this.#removal.close();
    this.#disks.close();
    this.#watching?.[Symbol.dispose]();
    this.#beginNothing();
    await this.#certificates.close();
    await this.#fleet.close();
    this.#edge.close();
    await this.#needs.logs.close();
  }

  status(): Promise<StatusDocument> {
    const seen = { startedAt: this.#startedAt, isReady: this.#ready, edge: this.#edge.status, disk: this.#disk };
    return Promise.resolve(statusDocument(this.#needs, seen));
  }

  resolve(name: string, at: { project?: string | undefined; environment: string }): ServiceId {
    return queries.resolveService(this.#needs, name, at);
  }

  async services(filter: queries.ServiceFilter): ReturnType<Commands['services']> {
    await this.#observed.promise;
    return queries.serviceDocuments(this.#needs, {
      filter,
      reach: this.#fleet.reach(),
      pidOf: (service, instance) => this.#fleet.pidOf(service, instance),
      problem: (service, endpoint) => this.#edge.problem(service, endpoint),
      wallTime: (moment) => wallTime(this.#needs.clock, moment),
    });
  }

  hasSource(digest: string): Promise<boolean> {
    return this.#needs.sources.has(digest);
  }

  putSource(digest: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#deploys.putSource(digest, tar);
  }

  deploy(request: DeployRequest): Promise<OperationDocument> {
    return this.#deploys.deploy(request);
  }

  plan(request: DeployRequest): ReturnType<Commands['plan']> {
    return this.#deploys.plan(request);
  }

  operation(id: string): OperationDocument {
    return this.#operations.document(id);
  }

  follow(id: string, signal: AbortSignal): AsyncIterable<OperationEvent> {
    return this.#operations.follow(id, signal);
  }

  releases(service: ServiceId): ReturnType<Commands['releases']> {
    return queries.releaseDocuments(this.#needs, service);
  }

  rollback(service: ServiceId, release: number | null): Promise<OperationDocument> {
    const make = () => draftOfEarlier(this.#needs, service, release);
    return attempt(() => this.#operations.release({ service, kind: 'rollback', request: { service, release }, make }));
  }

  restart(service: ServiceId): Promise<OperationDocument> {
    const make = () => draftOfCurrent(this.#needs, service, 'restart');
    return attempt(() =>
      this.#operations.release({ service, kind: 'restart', request: { service, cause: 'restart' }, make }),
    );
  }

  stop(service: ServiceId): Promise<OperationDocument> {
    return attempt(() => this.#capacity.stop(service));
  }

  start(service: ServiceId): Promise<OperationDocument> {
    return attempt(() => this.#capacity.start(service));
  }

  scale(service: ServiceId, instances: number): Promise<OperationDocument> {
    return attempt(() => this.#capacity.scale(service, instances));
  }

  cancel(service: ServiceId): Promise<void> {
    return attempt(() => this.#operations.cancel(service));
  }

  variables(service: ServiceId, reveal: boolean): ReturnType<Commands['variables']> {
    return queries.variableDocuments(this.#needs, service, reveal);
  }

  setVariables(
    at: Parameters<Commands['setVariables']>[0],
    changes: Readonly<Record<string, string | null>>,
  ): Promise<OperationDocument | null> {
    return attempt(() => this.#settings.setVariables({ at, changes }));
  }

  domains(service: ServiceId): ReturnType<Commands['domains']> {
    return this.#domains.list(service);
  }

  async addDomain(service: ServiceId, domain: string, request: DomainRequest): Promise<DomainDocument> {
    const added = await this.#domains.add(service, domain, request);
    await this.#served(service);
    return added;
  }

  async removeDomain(service: ServiceId, domain: string): Promise<void> {
    this.#domains.remove(service, domain);
    await this.#served(service);
  }

  checkDomain(service: ServiceId, domain: string): ReturnType<Commands['checkDomain']> {
    return this.#domains.check(service, domain);
  }

  logs(service: ServiceId, query: Parameters<Commands['logs']>[1]): ReturnType<Commands['logs']> {
    return queries.logDocuments(this.#needs, service, query);
  }

  moreLogs(service: ServiceId, signal: AbortSignal): Promise<void> {
    return next((wake) => this.#needs.logs.watch(service, wake), signal);
  }

  events(query: { after?: number; limit: number }): ReturnType<Commands['events']> {
    return queries.eventDocuments(this.#needs, query);
  }

  moreEvents(signal: AbortSignal): Promise<void> {
    return next((wake) => this.#events.subscribe(wake), signal);
  }

  collectGarbage(dryRun: boolean): ReturnType<Commands['collectGarbage']> {
    return collectGarbage(this.#needs, { dryRun, treesInUse: () => this.#removal.treesInUse() });
  }

  edgeConfig(): Promise<string> {
    return this.#needs.edge.describe();
  }

  edgeCheck(): Promise<readonly string[]> {
    return this.#needs.edge.check(this.#edge.table());
  }

  async removeProject(name: string, more: { readonly withDisks: boolean }): Promise<void> {
    await this.#projects.remove(name, more);
  }

  persistentDisks(filter: Parameters<Commands['persistentDisks']>[0]): ReturnType<Commands['persistentDisks']> {
    return this.#disks.list(filter);
  }

  removeDisk(service: ServiceId, name: string): Promise<void> {
    return this.#disks.remove(service, name);
  }

  async shutdown(apps: boolean): Promise<void> {
    if (apps) {
      this.#beginNothing();
      await this.#operations.suspend();
      await this.#certificates.close();
      await this.#fleet.close();
      this.#edge.close();
      await this.#needs.edge.stop(edgeGrace);
      await stopRuns(this.#needs);
    }
    this.#ended(apps);
  }

  /** Resolves when the edge serves what the record says of the service. */
  async #served(service: ServiceId): Promise<void> {
    await this.#fleet.passOver(service);
    await this.#edge.settled(service);
  }

  #edgeSync(): EdgeSync {
    const needs = this.#needs;
    return new EdgeSync({
      edge: needs.edge,
      clock: needs.clock,
      changed: (services) => {
        services.forEach((service) => this.#fleet.wake(service));
        this.#certificates.see(this.#edge.table().routes);
      },
      failed: (error) => needs.log.warn({ err: error }, 'the edge did not answer as it should; trying again'),
      prober: needs.prober,
      noticed: (service, endpoint, problem) => {
        const of = { service, endpoint, problem };
        this.#said(of, () => recordEndpoint(needs, of));
      },
      overloaded: (service, news) => this.#said({ service }, () => recordOverload(needs, { service, news })),
    });
  }

  #guard(): DiskGuard {
    const collectTrees = () => this.#removal.makeRoom();
    return new DiskGuard({ needs: this.#needs, collectTrees, told: () => this.#events.spread() });
  }

  /** Called from timers: what the disk does not take must not end the daemon. */
  #said(of: { readonly service: ServiceId }, record: () => void): void {
    try {
      record();
    } catch (error) {
      this.#needs.log.warn({ err: error, ...of }, 'an event could not be recorded');
    }
    this.#events.spread();
  }

  #beginNothing(): void {
    this.#closed = true;
    this.pushes.close();
    this.hooks.close();
    this.#sweeping?.[Symbol.dispose]();
  }

  #sweepLater(): void {
    if (!this.#closed) this.#sweeping = this.#needs.clock.after(sweepPace, () => void this.#sweep());
  }

  async #sweep(): Promise<void> {
    try {
      await endOrphans(this.#needs, { beginning: false });
    } catch (error) {
      this.#needs.log.warn({ err: error }, 'could not end what nothing owns; trying again');
    }
    this.#sweepLater();
  }

  #settled(service: ServiceId): void {
    void this.#removal.settle(service, { fleet: this.#fleet, edge: this.#edge, operations: this.#operations });
  }
}

/** Commands that are one durable step throw from their promise, as those do that wait. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
