import type { RouteTable } from '../../../src/edge/port.ts';
import type { ServiceId } from '../../../src/model/service.ts';
import type { RunSpec } from '../../../src/runtime/port.ts';
import type { SimulatedRun } from '../../../src/runtime/simulated/world.ts';
import type { Store } from '../../../src/state/store.ts';
import type { EdgeProcesses } from './edge.ts';
import type { Machine } from './machine.ts';
import type { Time } from './time.ts';

/** What the checks look at: the world as it is, and the record as it is on disk. */
export interface Surveyed {
  readonly time: Time;
  readonly machine: Machine;
  readonly edge: EdgeProcesses;
  /** Null while no daemon has it open. */
  readonly store: Store | null;
  /** When the daemon that lives was done with its start; infinite while none is. */
  readonly readySince: number;
}

/** Milliseconds for which what the world broke, or a command that ended everything, excuses that nobody answers. */
const mourning = 10_000;
/** Starts of one instance in ten seconds: the back-off doubles from 0.2 s. */
const mostStarts = 8;
const shortestPause = 150;

/** What must hold at every step of a history, whatever goes wrong. The first violation is kept: it must not be thrown into the daemon, which would catch it. */
export class Checks {
  violation: string | null = null;
  decisions = 0;
  readonly #world: Surveyed;
  /** When the world last took an answering run of a service, or a command allowed it to have none. */
  readonly #excused = new Map<string, number>();
  /** Releases that took traffic. */
  readonly #served = new Set<string>();
  readonly #starts = new Map<string, number[]>();

  constructor(world: Surveyed) {
    this.#world = world;
  }

  fail(what: string): void {
    this.violation ??= `${Math.round(this.#world.time.elapsed)} ms: ${what}`;
  }

  excuse(service: string): void {
    this.#excused.set(service, this.#world.time.elapsed);
  }

  /** I2: `current` moves by compare-and-set from what it was. */
  promoted(input: {
    service: ServiceId;
    from: number | null;
    to: number | null;
    before: number | null;
    moved: boolean;
  }): void {
    const { service, from, to, before, moved } = input;
    if (moved !== (before === from))
      this.fail(`I2: ${service} went from ${before} to ${to} though ${from} was expected`);
    if (moved && to !== null) this.#served.add(`${service} ${to}`);
  }

  /** I5: a table names only runs on record, with their ports, of releases that may take traffic. */
  sent(table: RouteTable): void {
    const { store } = this.#world;
    if (store === null) return;
    for (const pool of table.pools) {
      if (pool.kind !== 'proxy') continue;
      for (const { id, port } of pool.endpoints) {
        const instance = store.instances.get(id.slice(0, id.lastIndexOf('.')));
        // What the record said a moment ago is still under way to the edge.
        if (instance === null || `${instance.id}.${instance.attempt}` !== id) continue;
        if (instance.port !== port) this.fail(`I5: ${id} is routed to port ${port}, and has ${instance.port}`);
        if (instance.service !== pool.service)
          this.fail(`I5: ${id} of ${instance.service} is in the pool of ${pool.service}`);
        if (!this.#served.has(`${instance.service} ${instance.release}`))
          this.fail(`I5: release ${instance.release} of ${instance.service} is routed and was never promoted`);
      }
    }
  }

  /** I1: no table takes a service's last answering endpoint away. */
  changes(before: RouteTable, after: RouteTable): void {
    const kept = new Map(after.pools.map((pool) => [pool.id, pool]));
    for (const pool of before.pools) {
      if (pool.kind !== 'proxy') continue;
      const did = pool.endpoints.filter(({ id }) => this.#world.machine.answers(id));
      if (did.length === 0) continue;
      const next = kept.get(pool.id);
      const does = next?.kind === 'proxy' && next.endpoints.some(({ id }) => this.#world.machine.answers(id));
      if (does || this.#mayEnd(pool.service as ServiceId)) continue;
      this.fail(`I1: ${pool.service} had ${did.map(({ id }) => id).join(', ')} and no answering endpoint is left`);
    }
  }

  /** I1: nothing is told to stop while the edge sends requests there; I6: what is wanted is not disposed of. */
  ending(run: SimulatedRun): void {
    const { machine, edge } = this.#world;
    const { id, service } = run.handle;
    if (!machine.answers(id) || !edge.names(id) || this.#mayEnd(service)) return;
    this.fail(`I1: ${id} is told to stop while the edge sends requests to it`);
  }

  broke(run: SimulatedRun): void {
    this.excuse(run.handle.service);
  }

  /** I6: one process per run, one run per instance; and restarts keep their distance. */
  started(spec: RunSpec, again: boolean): void {
    if (again) return;
    this.#checkDisk(spec);
    const { machine, time } = this.#world;
    const instance = spec.environment['KAPAL_INSTANCE'];
    if (instance === undefined) return;
    const others = machine.runs.filter(
      (run) => run.spec.environment['KAPAL_INSTANCE'] === instance && machine.lives(run.handle.id),
    );
    if (others.length > 0)
      this.fail(`I6: ${spec.id} is started beside ${others.map(({ handle }) => handle.id).join(', ')}`);
    this.#checkPause(spec.id);
    const recent = [...(this.#starts.get(instance) ?? []), time.elapsed].filter((at) => at > time.elapsed - 10_000);
    this.#starts.set(instance, recent);
    if (recent.length > mostStarts) this.fail(`I6: ${instance} was started ${recent.length} times in ten seconds`);
  }

  /** I9: of all runs that see a disk one lives at a time. */
  #checkDisk(spec: RunSpec): void {
    if (!this.#hasDisk(spec.service) || !seesDisk(spec)) return;
    const { machine } = this.#world;
    const others = machine.runs.filter(
      (run) => run.handle.service === spec.service && seesDisk(run.spec) && machine.lives(run.handle.id),
    );
    if (others.length > 0)
      this.fail(`I9: ${spec.id} is started beside ${others.map(({ handle }) => handle.id).join(', ')} on one disk`);
  }

  #hasDisk(service: ServiceId): boolean {
    return this.#world.store?.services.get(service)?.spec.disk !== undefined;
  }

  /** The shortest back-off is 0.2 s less a fifth. What a daemon finds that has just begun it may find late. */
  #checkPause(run: string): void {
    const dot = run.lastIndexOf('.');
    const before = `${run.slice(0, dot)}.${Number(run.slice(dot + 1)) - 1}`;
    const { machine, time, readySince } = this.#world;
    const pause = machine.endedAgo(before);
    if (pause === null || time.elapsed - pause < readySince || pause >= shortestPause) return;
    this.fail(`I6: ${run} was started ${pause} ms after its end`);
  }

  /** A daemon that begins anew. */
  restarted(): void {
    this.#starts.clear();
  }

  /** Nobody has a right to an endpoint now: by command, by the first release's withdrawal, or because the world has just taken one. */
  #mayEnd(service: ServiceId): boolean {
    const { store, machine } = this.#world;
    if (store === null || this.isExcused(service) || machine.isTroubled(service, mourning)) return true;
    const row = store.services.get(service);
    // What has a disk is stopped before its successor is there.
    if (row?.spec.disk !== undefined) return true;
    if (row === null || row.stopped || row.removing || row.current === null || row.scale === 0) return true;
    const rollout = store.rollouts.active(service);
    return rollout !== null && rollout.phase === 'withdrawing' && rollout.from === null;
  }

  isExcused(service: string): boolean {
    const since = this.#excused.get(service);
    return since !== undefined && this.#world.time.elapsed - since < mourning;
  }
}

/** A build does not. */
function seesDisk({ command }: RunSpec): boolean {
  return /\b(?:serve|migrate) /.test(command);
}
