import assert from 'node:assert/strict';
import type { Outcome } from '../../../src/model/deploy.ts';
import type { Action, Decision, InstanceView, RolloutView, ServiceView } from '../../../src/rollout/view.ts';
import type { Agenda } from './agenda.ts';
import type { SimulatedEdge } from './edge.ts';
import type { Processes } from './processes.ts';
import type { ServiceRecord } from './record.ts';
import type { Scenario } from './scenario.ts';

/** What the checks look at. */
export interface Surveyed {
  readonly agenda: Agenda;
  readonly record: ServiceRecord;
  readonly processes: Processes;
  readonly edge: SimulatedEdge;
  readonly scenario: Scenario;
}

/** How long an endpoint that the world broke excuses that nobody else answers. */
const mourning = 10_000;

/**
 * What must hold in every history. Where it is about visitors it looks at what the edge serves and at which processes answer, not at what
 * the record says. A failure throws, with what happened.
 */
export class Checks {
  readonly #world: Surveyed;
  /** Releases that were current at some time. */
  readonly #served = new Set<number>();
  /** Answering endpoints that the world, not the machine, took away, and when. */
  readonly #broken = new Map<string, number>();
  /** The service has had an endpoint and must not lose it. */
  #armed = false;
  #lastLate = Number.NEGATIVE_INFINITY;
  #lastStop = Number.NEGATIVE_INFINITY;
  #wanted = 0;
  #beganAt = 0;
  #downtime = 0;
  readonly #prepared = new Set<string>();
  /** Instances that were told to stop while none was wanted: that does not wait for the edge for ever. */
  readonly #stoppedByUser = new Set<string>();
  /** For figures: how rollouts ended. */
  readonly outcomes: Record<string, number> = {};

  constructor(world: Surveyed) {
    this.#world = world;
  }

  began(): void {
    this.#beganAt = this.#world.agenda.now;
    this.#downtime = 0;
  }

  daemonDown(duration: number): void {
    this.#downtime += duration;
  }

  /** An action is carried out long after its decision. */
  late(): void {
    this.#lastLate = this.#world.agenda.now;
  }

  broke(endpoint: string): void {
    this.#broken.set(endpoint, this.#world.agenda.now);
  }

  promoted(): void {
    if (this.#world.record.current !== null) this.#served.add(this.#world.record.current);
  }

  prepared(rollout: RolloutView): void {
    assert.equal(this.#startsOf(rollout.to), 0, `preDeployCommand of release ${rollout.to} runs before its instances`);
    if (rollout.prepare === 'wanted') {
      assert.ok(!this.#prepared.has(rollout.id), 'preDeployCommand runs once');
      this.#prepared.add(rollout.id);
    }
    this.#checkAlone(`preDeployCommand of release ${rollout.to}`, null);
  }

  /** A process begins. */
  spawned(endpoint: string): void {
    this.#checkAlone(endpoint, endpoint);
    const { scenario, record } = this.#world;
    if (scenario.exclusive)
      assert.notEqual(
        record.rollout?.prepare,
        'running',
        `${endpoint} begins beside preDeployCommand on the same disk`,
      );
  }

  /** One disk has one process group at a time, whatever was lost, late or done twice. */
  #checkAlone(who: string, own: string | null): void {
    const { scenario, processes } = this.#world;
    if (!scenario.exclusive) return;
    const others = processes.alive.map(({ endpoint }) => endpoint).filter((endpoint) => endpoint !== own);
    assert.deepEqual(others, [], `${who} begins beside others on the same disk`);
  }

  #startsOf(release: number): number {
    return [...this.#world.record.rows.values()].filter((row) => row.release === release).length;
  }

  /** Each decision by itself, against the view it was made on. */
  decision(view: ServiceView, decision: Decision): void {
    const { actions, wakeAt } = decision;
    // What was drained for one number may be seen to leave when another is wanted.
    if (view.desired !== this.#wanted) this.late();
    this.#wanted = view.desired;
    if (view.desired === 0) {
      this.#lastStop = this.#world.agenda.now;
      for (const action of actions) if (action.kind === 'terminate') this.#stoppedByUser.add(action.instance);
    }
    for (const action of actions) assert.ok(action.reason.length > 3, `${action.kind} has a reason`);
    const keys = actions
      .filter((action) => 'instance' in action)
      .map((action) => `${action.kind} ${'instance' in action ? action.instance : ''}`);
    assert.equal(new Set(keys).size, keys.length, `nothing is asked for twice: ${keys.join(', ')}`);
    assert.ok(wakeAt === null || wakeAt > view.now, 'wakeAt lies ahead');
    if (actions.length > 0) assert.ok(wakeAt !== null, 'what was asked for is looked after');
    const live = actions.some((action) => action.kind === 'finish' && action.outcome === 'live');
    assert.ok(!live || view.rollout?.cancel !== 'requested', 'a cancelled deploy does not go live');
    if (live) checkReplaced(view);
    checkSurge(view, actions);
    checkSuccession(view, actions);
    checkGate(view, actions);
    checkDrains(view, actions);
  }

  /** The edge is about to serve another table. */
  table(names: ReadonlySet<string>, desiredThen: number): void {
    for (const endpoint of names) {
      const row = this.#world.record.rowOf(endpoint);
      if (row === undefined) continue;
      assert.ok(this.#served.has(row.release), `release ${row.release} is routed only after its promotion`);
    }
    // What has a disk is stopped before its successor is there.
    if (this.#world.scenario.exclusive) return;
    const before = this.#answering(this.#world.edge.names);
    const after = this.#answering(names);
    const mayEnd = desiredThen === 0 || this.#mayEnd();
    if (names.size === 0 && !mayEnd) {
      const left = [...this.#world.edge.names].filter((endpoint) => this.#isOfUse(endpoint));
      assert.deepEqual(left, [], 'an empty table leaves out what still runs');
    }
    const enough = Math.min(before.length, desiredThen, this.#world.record.desired);
    if (this.#armed && after.length < enough && !mayEnd) {
      const excused = after.length === 0 ? this.#isMourning() : this.#hasMourned();
      assert.ok(
        excused,
        `${before.length} endpoints answered and ${after.length} are left: ${[...names].join(', ') || 'none'}`,
      );
    }
    const active = after.some((endpoint) => {
      const state = this.#world.record.rowOf(endpoint)?.life.state;
      return state !== 'draining' && state !== 'stopping';
    });
    this.#armed = active && !mayEnd;
  }

  /** Nobody has a right to an endpoint: the service is stopped or was just now, or its first release is withdrawn, with none to go back to. */
  #mayEnd(): boolean {
    const { desired, current, rollout } = this.#world.record;
    if (desired === 0 || current === null || this.#world.agenda.now - this.#lastStop < mourning) return true;
    return rollout !== null && rollout.phase === 'withdrawing' && rollout.from === null;
  }

  /** Runs and has not been told to stop; one that drains counts while its release serves. */
  #isOfUse(endpoint: string): boolean {
    const { current, rollout } = this.#world.record;
    const row = this.#world.record.rowOf(endpoint);
    const runs = this.#world.processes.all.get(endpoint)?.state === 'running';
    if (!runs || row === undefined || row.life.state === 'stopping') return false;
    return row.life.state !== 'draining' || row.release === current || row.release === rollout?.from;
  }

  #answering(names: ReadonlySet<string>): string[] {
    return [...names].filter((endpoint) => this.#world.processes.answers(endpoint));
  }

  /** Nothing answers, and something would if the world had not broken it. */
  #isMourning(): boolean {
    const { agenda, processes } = this.#world;
    return [...this.#broken].some(([endpoint, at]) => agenda.now - at < mourning && !processes.answers(endpoint));
  }

  /** Fewer answer than are wanted: what broke has recovered and is not known to have yet, or an old decision was carried out late. */
  #hasMourned(): boolean {
    return [...this.#broken.values(), this.#lastLate].some((at) => this.#world.agenda.now - at < mourning);
  }

  /** A signal reaches a process. */
  signal(endpoint: string): void {
    if (this.#stoppedByUser.has(endpoint.split('.')[0] ?? '') || !this.#world.processes.answers(endpoint)) return;
    assert.ok(!this.#world.edge.names.has(endpoint), `${endpoint} is told to stop while the edge sends requests to it`);
  }

  finished(rollout: RolloutView, outcome: Outcome): void {
    const { agenda, record } = this.#world;
    const { current } = record;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    const took = agenda.now - this.#beganAt - this.#downtime;
    assert.ok(took <= this.#longest(), `the rollout ended after ${took} ms`);
    assert.equal(current === rollout.to, outcome === 'live', `${outcome}, and release ${current} is current`);
    const served = this.#served.has(rollout.to);
    assert.equal(
      served,
      outcome === 'live' || outcome === 'rolled_back',
      `${outcome}, and it ${served ? 'took' : 'never took'} traffic`,
    );
    if (outcome !== 'live') assert.ok(rollout.failure !== null, 'what did not go live says why');
  }

  /** Said once more here, not taken from the source: what a rollout may take at most, with four instances, and room for lost actions. */
  #longest(): number {
    const { startTimeout, shutdownDelay } = this.#world.scenario.policy;
    const preparing = 30 * 60_000;
    const warming = 3 * startTimeout + 10_000;
    const shifting = 5 * (startTimeout + 5_000);
    const withdrawing = 2 * startTimeout + 2 * shutdownDelay + 10_000;
    // With a disk: what runs is stopped before, twice at most, and started again.
    const succession = this.#world.scenario.exclusive ? 4 * shutdownDelay + 2 * startTimeout + 10_000 : 0;
    return preparing + warming + shifting + withdrawing + succession + 60_000;
  }

  /** After the faults have ended and nothing is left to happen. */
  atRest(): void {
    const { processes, edge, agenda, scenario } = this.#world;
    const { rollout, rows, desired, current } = this.#world.record;
    assert.equal(agenda.next, null, 'the service comes to rest');
    assert.equal(rollout, null, `the rollout ends, and does not stay ${rollout?.phase}`);
    const wanted = current === null ? 0 : desired;
    const owned = [...rows.values()];
    const seen = owned.map((row) => `${row.id} of release ${row.release} is ${row.life.state}`).join(', ');
    assert.ok(
      owned.every((row) => row.release === current && row.life.state === 'ready'),
      `only ready instances of release ${current} are left: ${seen}`,
    );
    assert.equal(owned.length, wanted, `as many instances as are wanted: ${seen}`);
    const expected = owned.map((row) => `${row.id}.${row.attempt}`).sort();
    assert.deepEqual(
      processes.alive.map((process) => process.endpoint).sort(),
      expected,
      'every process belongs to an instance',
    );
    assert.deepEqual([...edge.names].sort(), scenario.routed ? expected : [], 'the edge serves exactly these');
  }
}

function isActive(instance: InstanceView): boolean {
  return !['draining', 'stopping', 'gone'].includes(instance.state);
}

/** Who is told that a release is live gets no answer of another one any more, unless the edge was too slow to wait for. */
function checkReplaced({ rollout, routed, instances, now, policy }: ServiceView): void {
  if (rollout === null || rollout.cancel === 'superseded' || !routed) return;
  if (now - rollout.since >= policy.startTimeout + 5_000) return;
  const named = instances.filter((instance) => instance.release !== rollout.to && instance.inTable !== false);
  assert.deepEqual(named, [], 'a live release serves alone');
}

/** Instances that exist and are not on their way out stay below the limit. */
function checkSurge(view: ServiceView, actions: readonly Action[]): void {
  const starts = actions.filter((action) => action.kind === 'start').length;
  if (starts === 0) return;
  const ended = new Set(
    actions.flatMap((action) => (action.kind === 'drain' || action.kind === 'terminate' ? [action.instance] : [])),
  );
  const active = view.instances.filter((instance) => isActive(instance) && !ended.has(instance.id)).length;
  const above = view.policy.strategy === 'rolling' ? view.policy.maxSurge : view.desired;
  assert.ok(active + starts <= view.desired + above, `${active} instances and ${starts} more are too many`);
}

/** With a disk nothing starts while anything is there, and what serves is stopped for a reason only. */
function checkSuccession(view: ServiceView, actions: readonly Action[]): void {
  if (!view.exclusive) return;
  const { rollout, current, desired } = view;
  for (const action of actions) {
    if (action.kind === 'start' || action.kind === 'prepare') {
      const there = view.instances.filter(({ state }) => state !== 'gone').map(({ id, state }) => `${id} ${state}`);
      assert.deepEqual(there, [], `${action.kind} of release ${action.release} beside what has the disk`);
    }
    if (action.kind !== 'drain' || desired === 0) continue;
    const instance = view.instances.find(({ id }) => id === action.instance);
    const serves = instance?.state === 'ready' && instance.release === current;
    const phases = ['preparing', 'warming', 'withdrawing'];
    const isMeant = rollout !== null && phases.includes(rollout.phase);
    assert.ok(!serves || isMeant, `${action.instance} serves and is stopped in ${rollout?.phase ?? 'peace'}`);
  }
}

/** Promotion is a compare-and-set from what serves, by a target that has passed its gate, or back from a target that is withdrawn. */
function checkGate(view: ServiceView, actions: readonly Action[]): void {
  const { rollout } = view;
  for (const action of actions) {
    if (action.kind === 'start' && rollout !== null && action.release === rollout.to) {
      assert.ok(
        rollout.prepare === 'absent' || rollout.prepare === 'succeeded',
        'preDeployCommand comes before the first instance',
      );
    }
    if (action.kind !== 'promote') continue;
    assert.ok(rollout !== null, 'only a rollout promotes');
    assert.equal(action.from, view.current, 'promotion starts from what serves');
    if (action.to !== rollout.to) {
      assert.deepEqual([action.to, rollout.phase], [rollout.from, 'withdrawing'], 'it goes back only in a withdrawal');
      continue;
    }
    if (rollout.phase !== 'warming') continue;
    const ready = view.instances.filter(
      (instance) => instance.release === rollout.to && instance.state === 'ready',
    ).length;
    const gate = view.policy.strategy === 'rolling' ? Math.min(1, view.desired) : view.desired;
    assert.ok(ready >= gate, `${ready} ready instances do not open the gate`);
  }
}

/** What serves, as the view knows it, is drained only while enough others are known to serve. */
function checkDrains(view: ServiceView, actions: readonly Action[]): void {
  const { rollout } = view;
  if (
    view.exclusive ||
    view.desired === 0 ||
    view.current === null ||
    (rollout?.phase === 'withdrawing' && rollout.from === null)
  )
    return;
  const ended = new Set(
    actions.flatMap((action) => (action.kind === 'drain' || action.kind === 'terminate' ? [action.instance] : [])),
  );
  const serving = view.instances.filter((instance) => instance.state === 'ready' && takesWork(view, instance));
  const left = serving.filter((instance) => !ended.has(instance.id)).length;
  const enough = Math.min(serving.length, view.desired);
  assert.ok(left >= enough, `${left} of ${serving.length} serving instances are left`);
}

/** A worker cannot be seen to serve: it does, unless it is of a target before its promotion. */
function takesWork(view: ServiceView, instance: InstanceView): boolean {
  const { current, rollout } = view;
  if (view.routed) return instance.inTable === true;
  return instance.release !== rollout?.to || current === rollout.to || rollout.phase === 'withdrawing';
}
