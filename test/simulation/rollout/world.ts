import { Agenda } from './agenda.ts';
import { Checks } from './checks.ts';
import { Daemon, type Machine } from './daemon.ts';
import { SimulatedEdge } from './edge.ts';
import { Processes } from './processes.ts';
import { type Rollout, ServiceRecord } from './record.ts';
import { Noise } from '../noise.ts';
import type { Behaviour, Command, Scenario } from './scenario.ts';

/** Far enough from 0 that no duration passes for a moment. */
const epoch = 1_700_000_000_000;

/** A history that goes on after so many events goes round in circles. */
const mostEvents = 4_000;

/** One service, its processes, its edge, its daemon and the people who use it, through one history. */
export class World {
  readonly scenario: Scenario;
  readonly agenda = new Agenda();
  readonly checks: Checks;
  readonly record: ServiceRecord;
  readonly processes: Processes;
  readonly edge: SimulatedEdge;
  readonly daemon: Daemon;
  readonly #noise: Noise;
  #clockOffset = 0;
  #events = 0;

  constructor(scenario: Scenario, machine: Machine) {
    this.scenario = scenario;
    this.#noise = new Noise(scenario.seed);
    this.checks = new Checks(this);
    const { agenda, checks } = this;
    const noise = this.#noise;
    const wall = () => epoch + agenda.now + this.#clockOffset;
    this.record = new ServiceRecord({
      desired: scenario.desired,
      wall,
      events: {
        changed: () => this.daemon.changed(),
        promoted: () => checks.promoted(),
        began: () => checks.began(),
        finished: (rollout, outcome) => checks.finished(rollout, outcome),
        attempted: (row) => this.daemon.launch(row),
        prepare: (rollout) => this.#prepare(rollout),
      },
    });
    this.processes = new Processes({
      agenda,
      noise,
      wall,
      behaviour: (release) => this.#behaviour(release),
      changed: (process) => this.daemon.lookLater(process.endpoint),
      broke: (process) => checks.broke(process.endpoint),
      spawned: (process) => checks.spawned(process.endpoint),
    });
    this.edge = new SimulatedEdge({
      agenda,
      noise,
      faults: scenario.faults,
      longestRequest: 2 * scenario.policy.shutdownDelay,
      told: (names, desired) => checks.table(names, desired),
      changed: () => this.daemon.changed(),
    });
    const { record, edge, processes } = this;
    this.daemon = new Daemon({
      scenario,
      machine,
      agenda,
      noise,
      record,
      edge,
      processes,
      wall,
      decided: (view, decision) => checks.decision(view, decision),
      late: () => checks.late(),
      signalled: (endpoint) => checks.signal(endpoint),
    });
  }

  /** Commands under faults, then peace until nothing is left to happen. Throws what does not hold. */
  run(): void {
    let after = 0;
    this.agenda.plan(0, () => this.#command({ kind: 'deploy' }));
    for (const command of this.scenario.commands) {
      after += command.after;
      this.agenda.plan(after, () => this.#command(command.act));
    }
    this.#until(after + 20_000);
    this.#heal();
    // Longer than a preDeployCommand that hangs, and what follows it.
    this.#until(this.agenda.now + 60 * 60_000);
    this.checks.atRest();
  }

  #until(end: number): void {
    for (let next = this.agenda.next; next !== null && next <= end; next = this.agenda.next) {
      this.agenda.step();
      this.#events += 1;
      if (this.#events > mostEvents)
        throw new Error(`no rest after ${mostEvents} events: ${JSON.stringify(this.daemon.view())}`);
    }
  }

  #heal(): void {
    this.daemon.faults = 0;
    this.edge.faults = 0;
    this.processes.heal();
    for (const endpoint of this.processes.all.keys()) this.daemon.lookLater(endpoint);
  }

  #behaviour(release: number): Behaviour {
    const { releases } = this.scenario;
    const found = releases[Math.min(release, releases.length) - 1];
    if (found === undefined) throw new Error('a scenario has a release');
    return found;
  }

  #command(act: Command['act']): void {
    switch (act.kind) {
      case 'deploy':
        return this.record.deploy((release) => (this.#behaviour(release).prepare === 'absent' ? 'absent' : 'wanted'));
      case 'cancel':
        return this.record.cancel();
      case 'stop':
        return this.record.stopOrStart();
      case 'scale':
        return this.record.scale(act.desired);
      case 'crash':
      case 'sicken':
        return this.processes.strike(act.kind);
      case 'kill daemon':
        return this.#killDaemon(act.down);
      case 'jump':
        this.#clockOffset += act.by;
    }
  }

  #killDaemon(down: number): void {
    if (!this.daemon.runs) return;
    this.daemon.die();
    this.checks.daemonDown(down);
    this.agenda.plan(down, () => this.daemon.rise());
  }

  #prepare(rollout: Rollout): void {
    this.checks.prepared(rollout);
    if (rollout.prepare !== 'wanted') return;
    rollout.prepare = 'running';
    this.#endPreparing(rollout, this.#noise.between(10, 1_500));
  }

  /** preDeployCommand ends as its release says. One that hangs is ended by the daemon once the rollout has left the phase. */
  #endPreparing(rollout: Rollout, delay: number): void {
    this.agenda.plan(delay, () => {
      if (this.record.rollout !== rollout) return;
      const { prepare } = this.#behaviour(rollout.to);
      if (prepare === 'hangs' && rollout.phase === 'preparing') return this.#endPreparing(rollout, 1_500);
      rollout.prepare = prepare === 'succeeds' ? 'succeeded' : 'failed';
      this.daemon.changed();
    });
  }
}
