import { hasInstances, listens, type ServiceId } from '../../../src/model/service.ts';
import type { RolloutRow, ServiceRow } from '../../../src/state/records.ts';
import type { Store } from '../../../src/state/store.ts';
import type { Checks, Surveyed } from './checks.ts';
import { endpointsOf } from './edge.ts';

/** Milliseconds in which a daemon that lives, over an edge that lives, has to notice and mend. */
const patience = 30_000;

/** What takes time to go wrong: looked at now and then, over all services. */
export class Survey {
  readonly #world: Surveyed;
  readonly #checks: Checks;
  /** When a rollout was first seen by the daemon that lives. */
  readonly #begun = new Map<string, number>();

  constructor(world: Surveyed, checks: Checks) {
    this.#world = world;
    this.#checks = checks;
  }

  /** A daemon that begins anew gives what is under way its time anew. */
  restarted(): void {
    this.#begun.clear();
  }

  look(): void {
    const { store } = this.#world;
    if (store === null) return;
    for (const row of store.services.all()) {
      this.#current(store, row);
      if (listens(row.spec.type) && this.#isSettled()) this.#reached(store, row);
    }
    for (const rollout of store.rollouts.allActive()) this.#deadline(store, rollout);
    this.#ports(store);
    if (this.#isSettled()) this.#endpoints();
  }

  /** The daemon and the edge have been there for long enough. */
  #isSettled(): boolean {
    const { time, edge, readySince } = this.#world;
    return time.elapsed - Math.max(edge.since, readySince) > patience;
  }

  /** I2: what serves is a release on record that went live, or whose rollout is under way. */
  #current(store: Store, row: ServiceRow): void {
    if (row.current === null) return;
    const release = store.releases.get(row.id, row.current);
    const rollout = store.rollouts.active(row.id);
    const sound = release?.status === 'live' || (release?.status === 'pending' && rollout?.to === row.current);
    if (!sound)
      this.#checks.fail(`I2: release ${row.current} of ${row.id} is current and ${release?.status ?? 'unknown'}`);
    if (release?.pruned === true)
      this.#checks.fail(`I2: release ${row.current} of ${row.id} is current and was pruned`);
  }

  /** I1: where an instance of the current release has been answering for long, each worker of the edge names one that answers. */
  #reached(store: Store, row: ServiceRow): void {
    const { machine, edge, time } = this.#world;
    if (row.stopped || row.removing || row.current === null || row.scale === 0) return;
    // What has a disk is told to stop before its successor is started.
    if (row.spec.disk !== undefined && store.rollouts.active(row.id) !== null) return;
    if (this.#checks.isExcused(row.id) || machine.isTroubled(row.id, patience)) return;
    const answering = store.instances.of(row.id).filter((instance) => {
      const since = machine.answersSince(`${instance.id}.${instance.attempt}`);
      return instance.release === row.current && since !== null && time.elapsed - since > patience;
    });
    if (answering.length === 0) return;
    for (const table of edge.tables)
      if (![...endpointsOf(table)].some((id) => machine.run(id)?.handle.service === row.id && machine.answers(id)))
        this.#checks.fail(`I1: ${row.id} has ${answering.map(({ id }) => id).join(', ')} and the edge names nobody`);
  }

  /** I5: what ended long ago is named no more. */
  #endpoints(): void {
    const { machine, edge } = this.#world;
    for (const table of edge.tables)
      for (const id of endpointsOf(table)) {
        if (machine.goneFor(id) > patience) this.#checks.fail(`I5: the edge names ${id}, which does not live any more`);
      }
  }

  /** I4, with the limits said once more and not taken from the source, and room for what was lost on the way. */
  #deadline(store: Store, rollout: RolloutRow): void {
    const { time, readySince } = this.#world;
    if (!Number.isFinite(readySince)) return;
    const begun = this.#begun.get(rollout.id) ?? time.elapsed;
    this.#begun.set(rollout.id, begun);
    const spec = store.releases.get(rollout.service, rollout.to)?.spec;
    if (spec === undefined) return this.#checks.fail(`I2: rollout ${rollout.id} has no release`);
    const { startTimeout, shutdownDelay } = spec;
    const preparing = rollout.prepare === 'absent' ? 0 : 30 * 60_000;
    const warming = 3 * startTimeout + 10_000;
    const shifting = 5 * (startTimeout + 5_000);
    const withdrawing = 2 * startTimeout + 2 * shutdownDelay + 10_000;
    const longest = preparing + warming + shifting + withdrawing + 60_000;
    const took = time.elapsed - begun;
    if (took > longest)
      this.#checks.fail(`I4: rollout ${rollout.id} of ${rollout.service} is ${rollout.phase} after ${took} ms`);
  }

  /** I6: a port has one owner. */
  #ports(store: Store): void {
    const owners = new Map<number, string>();
    const claim = (port: number | null, owner: string): void => {
      if (port === null) return;
      const other = owners.get(port);
      if (other !== undefined) this.#checks.fail(`I6: port ${port} belongs to ${other} and to ${owner}`);
      owners.set(port, owner);
    };
    for (const { id, port } of store.instances.all()) claim(port, id);
    for (const { id, privatePort } of store.services.all()) claim(privatePort, id);
  }
}

/** What has to be so when the faults have ended and nothing is under way. `wanted`: instances of each service. */
export function checkRest(world: Surveyed, checks: Checks): void {
  const { store, machine, edge } = world;
  if (store === null) return checks.fail('the daemon does not come back');
  const expected = new Set<string>();
  for (const row of store.services.all()) {
    const wanted =
      hasInstances(row.spec.type) && !row.stopped && row.current !== null ? (row.scale ?? row.spec.instances) : 0;
    const instances = store.instances.of(row.id);
    const seen = instances.map(({ id, release, state }) => `${id} of ${release} is ${state}`).join(', ');
    if (row.removing) checks.fail(`${row.id} is still being removed`);
    if (
      instances.length !== wanted ||
      instances.some(({ release, state }) => release !== row.current || state !== 'ready')
    )
      checks.fail(`${row.id} has not come to rest with ${wanted} ready instances of ${row.current}: ${seen || 'none'}`);
    if (store.rollouts.active(row.id) !== null) checks.fail(`${row.id} still has a rollout`);
    if (store.operations.openTasks(row.id).length > 0) checks.fail(`${row.id} still has an open task`);
    for (const { id, attempt } of instances) expected.add(`${id}.${attempt}`);
    checkRoutes(world, { row, named: instances.map(({ id, attempt }) => `${id}.${attempt}`), checks });
  }
  const services = new Set<string>(store.services.all().map(({ id }) => id));
  for (const run of machine.runs)
    if (!expected.has(run.handle.id)) checks.fail(`I6: the run ${run.handle.id} of ${run.handle.service} has no owner`);
  for (const account of machine.accounts) if (!services.has(account)) checks.fail(`I6: the user of ${account} is left`);
  for (const table of edge.tables)
    for (const { service } of table.pools)
      if (!services.has(service)) checks.fail(`I6: the edge has a pool of ${service}, which is gone`);
}

/** I5: each worker names exactly the ready instances. */
function checkRoutes(
  { edge }: Surveyed,
  { row, named, checks }: { readonly row: ServiceRow; readonly named: readonly string[]; readonly checks: Checks },
): void {
  if (!listens(row.spec.type)) return;
  if (edge.tables.length === 0) checks.fail('the edge does not come back');
  for (const table of edge.tables) {
    const pool = table.pools.find(({ id }) => id === row.id);
    const names = pool?.kind === 'proxy' ? pool.endpoints.map(({ id }) => id) : [];
    if (names.toSorted().join() !== named.toSorted().join())
      checks.fail(
        `I5: the edge names ${names.join(', ') || 'nobody'} of ${row.id}, and ${named.join(', ') || 'nobody'} is ready`,
      );
  }
}

/** I6 for files: every artifact belongs to a release that is kept. `folders`: of one service. */
export function checkArtifacts(
  store: Store,
  input: { service: ServiceId; folders: readonly string[]; checks: Checks },
): void {
  const { service, folders, checks } = input;
  const kept = store.releases
    .of(service)
    .flatMap(({ pruned, artifact }) => (pruned || artifact === null ? [] : [artifact.path]));
  for (const folder of folders) if (!kept.includes(folder)) checks.fail(`I6: ${folder} belongs to no release`);
  for (const path of kept) if (!folders.includes(path)) checks.fail(`I6: ${path} of a kept release is gone`);
}
