import { crashpoint } from '../lib/crashpoint.ts';
import { errorDocument, KapalError } from '../model/errors.ts';
import { describeExit } from '../model/instance.ts';
import { serviceKey } from '../model/service.ts';
import type { LogSource } from '../observe/logs/port.ts';
import type { RunHandle, ServiceAccount } from '../runtime/port.ts';
import type { InstanceRow, ReleaseRow, RolloutRow } from '../state/records.ts';
import { type AttachedDisk, diskOfRelease } from './disks.ts';
import { instanceRun, masksOf, prepareRun, prepareRunId } from './launching.ts';
import { ownPorts, requireFree } from './placing.ts';
import { runOf } from './routing.ts';
import type { ServiceContext } from './service-context.ts';

/** What an event quotes of the last output: lines, and characters of each. */
const quotedLines = 5;
const quotedLength = 200;

/** The runs of one service: starts what the record intends, joins their output to the logs, and clears what has ended. Every method may be repeated. */
export class Runs {
  readonly #context: ServiceContext;
  /** Runs whose start this daemon has asked for: an intent of an earlier daemon is not among them and is carried out again. */
  readonly #launched = new Set<string>();
  /** Starts that the system refused, by instance: observed as an exit with reason `not-started`. */
  readonly #refused = new Map<string, { readonly run: string; readonly detail: string }>();
  /** The last preDeployCommand that it refused to start. */
  #unprepared: { readonly rollout: string; readonly detail: string } | null = null;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  isLaunched(instance: InstanceRow): boolean {
    return this.#launched.has(runOf(instance));
  }

  isPreparing(rollout: string): boolean {
    return this.#launched.has(rollout);
  }

  /** What the system said when it refused the instance's present attempt, or null. */
  refusal(instance: InstanceRow): string | null {
    const refused = this.#refused.get(instance.id);
    return refused?.run === runOf(instance) ? refused.detail : null;
  }

  /** How preDeployCommand of the rollout ended, in words: `exited with code 1`; null where this daemon does not know. */
  async preparationEnd(rollout: RolloutRow): Promise<string | null> {
    if (this.#unprepared?.rollout === rollout.id) return `could not be started: ${this.#unprepared.detail}`;
    if (rollout.prepareRun === null) return null;
    const seen = await this.#context.needs.runtime.observe(rollout.prepareRun);
    return seen.phase === 'exited' ? describeExit(seen.exit) : null;
  }

  /** Starts the run of the instance's present attempt, or finds it. */
  async launch(instance: InstanceRow): Promise<void> {
    const { needs, id, releases } = this.#context;
    const found = releases.get(instance.release);
    if (found === null) return;
    this.#launched.add(runOf(instance));
    try {
      const account = await needs.runtime.prepare(id);
      const disk = await this.#disk(found.release, account);
      await requireFree(needs, instance);
      const network = await this.#network(instance);
      crashpoint('instance.network.made');
      const handle = await needs.runtime.start(instanceRun({ instance, ...found, account, disk, network }));
      crashpoint('instance.started');
      await this.#own(handle, () => needs.store.instances.update(instance.id, { handle }));
      crashpoint('instance.run.recorded');
    } catch (error) {
      needs.log.error({ err: error, service: id, instance: instance.id }, 'an instance could not be started');
      this.#refused.set(instance.id, { run: runOf(instance), detail: errorDocument(error).message });
    }
    this.#context.wake();
  }

  /** Starts preDeployCommand, or finds the run of it that an earlier daemon began. */
  async prepare(rollout: RolloutRow): Promise<void> {
    const { needs, id, releases } = this.#context;
    const found = releases.get(rollout.to);
    if (found === null) return;
    this.#launched.add(rollout.id);
    needs.store.rollouts.update(rollout.id, { prepare: 'running' });
    crashpoint('prepare.recorded');
    try {
      const account = await needs.runtime.prepare(id);
      const disk = await this.#disk(found.release, account);
      const handle = await needs.runtime.start(prepareRun({ rollout: rollout.id, ...found, account, disk }));
      crashpoint('prepare.started');
      await this.#own(handle, () => needs.store.rollouts.update(rollout.id, { prepareRun: handle }));
      crashpoint('prepare.run.recorded');
    } catch (error) {
      needs.log.error({ err: error, service: id }, 'preDeployCommand could not be started');
      this.#unprepared = { rollout: rollout.id, detail: errorDocument(error).message };
      // Where even that cannot be done, the next pass begins it anew.
      this.#launched.delete(rollout.id);
      await this.discardPrepare(rollout);
    }
    // The record says it from here on.
    this.#launched.delete(rollout.id);
    this.#context.wake();
  }

  /**
   * Gives up preDeployCommand of a rollout that has no run on record. There may be one: a start that was refused after it had taken effect, or one of a daemon
   * that died before it wrote it down. It sees the disk, and must not go on beside what follows.
   */
  async discardPrepare(rollout: RolloutRow): Promise<void> {
    const { runtime, store } = this.#context.needs;
    const left = (await runtime.inventory()).find(({ id }) => id === prepareRunId(rollout.id));
    if (left !== undefined) await runtime.dispose(left);
    store.rollouts.update(rollout.id, { prepare: 'failed' });
  }

  /** The namespace of an instance that has a network of its own. */
  async #network(instance: InstanceRow): Promise<string | null> {
    const { needs } = this.#context;
    const { address } = instance;
    if (address === null) return null;
    if (needs.network === undefined || needs.network.refusal !== null)
      throw new KapalError('runtime_failed', needs.network?.refusal ?? 'this runtime makes no networks');
    return needs.network.attach({ run: runOf(instance), address, own: ownPorts(needs, instance) });
  }

  #disk(release: ReleaseRow, account: ServiceAccount): Promise<AttachedDisk | null> {
    return diskOfRelease(this.#context.needs, release, account);
  }

  /** A run that cannot be put on record is ended at once: nobody would own it. */
  async #own(handle: RunHandle, record: () => void): Promise<void> {
    try {
      record();
    } catch (error) {
      await this.#context.needs.runtime.dispose(handle);
      throw error;
    }
  }

  /** Drains the run's output into the log store; after a restart of the daemon it goes on where it stopped. */
  async attach(instance: InstanceRow, handle: RunHandle): Promise<void> {
    await this.#context.needs.logs.attach({
      ...this.#source(instance.release, handle),
      kind: 'app',
      instance: instance.id,
    });
  }

  async attachPrepare(rollout: RolloutRow, handle: RunHandle): Promise<void> {
    await this.#context.needs.logs.attach({ ...this.#source(rollout.to, handle), kind: 'predeploy', instance: null });
  }

  /** Forgets an ended run once its last lines are stored. */
  async clear(instance: InstanceRow): Promise<void> {
    const { needs } = this.#context;
    const handle = instance.handle ?? (await this.#leftBy(instance));
    if (handle !== null) {
      await needs.logs.detach(handle.id);
      crashpoint('instance.log.detached');
      await needs.runtime.dispose(handle);
      crashpoint('instance.disposed');
    }
    if (instance.address !== null) await needs.network?.detach(runOf(instance));
    crashpoint('instance.network.removed');
    this.#launched.delete(runOf(instance));
    this.#refused.delete(instance.id);
  }

  /** A start that was refused may have gone half its way, or all of it: what there is of it must not run beside the next attempt. */
  async #leftBy(instance: InstanceRow): Promise<RunHandle | null> {
    if (this.refusal(instance) === null) return null;
    const found = await this.#context.needs.runtime.inventory();
    return found.find((handle) => handle.id === runOf(instance)) ?? null;
  }

  /** Tells the service's log and the event stream what became of an instance. */
  report(instance: InstanceRow, next: Pick<InstanceRow, 'state' | 'lastExit' | 'retryAt'>): void {
    const { needs, id } = this.#context;
    const text = reportOf(instance, { ...next, now: needs.clock.steady() });
    needs.logs.write({
      service: id,
      kind: 'kapal',
      run: runOf(instance),
      instance: instance.id,
      release: instance.release,
      text,
    });
    needs.store.events.append({
      time: needs.clock.now(),
      kind: `instance.${next.state}`,
      service: id,
      project: serviceKey(id).project,
      message: text,
    });
  }

  /** What an instance said last before it was called crash-looping, as an event: the reason stands there more often than not. */
  async quoteLast(instance: InstanceRow): Promise<void> {
    const { needs, id } = this.#context;
    const run = runOf(instance);
    await needs.logs.flush(run);
    const lines = await needs.logs.query({ run, kinds: ['app'], limit: quotedLines });
    const words = lines.map(({ text }) => text.trim().slice(0, quotedLength)).filter((text) => text !== '');
    if (words.length === 0) return;
    needs.store.events.append({
      time: needs.clock.now(),
      kind: 'instance.last-lines',
      service: id,
      project: serviceKey(id).project,
      message: `instance ${instance.id} said before it ended: ${words.join(' | ')}`,
    });
  }

  #source(release: number, handle: RunHandle): Omit<LogSource, 'kind' | 'instance'> {
    const masks = masksOf(this.#context.releases.get(release)?.variables ?? []);
    return { path: handle.log, run: handle.id, service: this.#context.id, release, masks };
  }
}

/** What became of an instance, and when it goes on. */
function reportOf(
  { id, lastExit }: InstanceRow,
  next: Pick<InstanceRow, 'state' | 'lastExit' | 'retryAt'> & { readonly now: number },
): string {
  if (next.lastExit === null || next.lastExit === lastExit) return `instance ${id} is ${next.state}`;
  const wait = next.retryAt === null ? null : Math.max(0, next.retryAt - next.now) / 1000;
  const again = wait === null ? '' : `; it is started again in ${wait.toFixed(wait < 10 ? 1 : 0)} s`;
  return `instance ${id} ${describeExit(next.lastExit)}${again}`;
}
