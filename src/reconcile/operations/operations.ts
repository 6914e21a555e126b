import type { OperationDocument, OperationEvent } from '../../api/contract/types.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { type ErrorDocument, errorDocument, KapalError } from '../../model/errors.ts';
import { type ServiceId, serviceKey } from '../../model/service.ts';
import type { OperationRow, RolloutRow, TaskRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { newId } from '../ids.ts';
import { Slots } from '../slots.ts';
import { stored } from '../storing.ts';
import { newTask, operationRow, refuseRemoving } from './acknowledge.ts';
import { deployedService, operationDocument } from './documents.ts';
import { Progress } from './progress.ts';
import { hookEnded } from './hook.ts';
import type { ReleaseDraft } from './releasing.ts';
import { releaseTask, type TaskContext } from './task.ts';

/** What operations ask of the services' loops. */
export interface Loops {
  wake(service: ServiceId): void;
  /** Resolves when the rollout has ended. */
  ended(rollout: string): Promise<RolloutRow>;
  /** Calls back after every pass over the service. */
  watch(service: ServiceId, seen: () => void): Disposable;
}

/** Finished operations that are kept, and for how many milliseconds every one is: who was told its id may come back for its outcome. */
const keptOperations = 500;
const operationsKeptFor = 3_600_000;

/**
 * Long work that was acknowledged. A row with the intent stands before anything happens; each service of an operation is a task of its own, so that
 * one slow build holds up nobody else; when the last task has ended, the operation has.
 */
export class Operations {
  readonly #needs: Dependencies;
  readonly #loops: Loops;
  readonly #slots: Slots;
  readonly #admitBuild: () => Promise<void>;
  readonly #progress = new Progress();
  readonly #controllers = new Map<string, AbortController>();
  readonly #turns = new Map<ServiceId, Promise<void>>();
  readonly #works = new Set<Promise<void>>();
  /** The daemon ends. Nothing that fails from then on is recorded: the next daemon goes on from what stands. */
  readonly #leaving = new AbortController();
  #left = false;

  /** `admitBuild` throws while there is too little room on the disk. */
  constructor(needs: Dependencies, loops: Loops, admitBuild: () => Promise<void>) {
    this.#needs = needs;
    this.#loops = loops;
    this.#admitBuild = admitBuild;
    this.#slots = new Slots(needs.settings.buildSlots);
  }

  document(id: string): OperationDocument {
    return operationDocument(this.#needs, this.#row(id));
  }

  async *follow(id: string, signal: AbortSignal): AsyncIterable<OperationEvent> {
    if (this.#row(id).state === 'running') yield* this.#progress.follow(id, signal);
    else yield { kind: 'finished', operation: this.document(id) };
  }

  publish(id: string, event: OperationEvent): void {
    this.#progress.publish(id, event);
  }

  /** Records an operation with its tasks and makes older work on the same services give way. Part of the caller's transaction. */
  acknowledge(row: OperationRow, tasks: readonly TaskRow[]): void {
    this.#needs.store.operations.insert(row, tasks);
    for (const task of tasks) this.supersede(task.service, row.id);
  }

  /** Older tasks of the service that have no release yet are cancelled; a rollout in flight is asked to give way when the new release is ready for it. */
  supersede(service: ServiceId, by: string): void {
    for (const task of this.#needs.store.operations.openTasks(service)) {
      if (task.operation === by || task.stage === 'rollout') continue;
      this.#abort(task, 'superseded');
    }
  }

  /** Cancels what is in flight for a service. Throws `conflict` when nothing is. */
  cancel(service: ServiceId): void {
    const { store } = this.#needs;
    const tasks = store.operations.openTasks(service);
    const rollout = store.rollouts.active(service);
    if (tasks.length === 0 && rollout === null)
      throw new KapalError('conflict', `nothing is in flight for ${serviceKey(service).service}`);
    for (const task of tasks) if (task.stage !== 'rollout') this.#abort(task, 'requested');
    if (rollout !== null) store.rollouts.update(rollout.id, { cancel: 'requested' });
    crashpoint('operation.cancelled');
    this.#loops.wake(service);
  }

  /** An operation over one service that only makes a release of what is there. */
  release(input: {
    service: ServiceId;
    kind: OperationRow['kind'];
    request: object;
    make: () => ReleaseDraft;
    /** What the release is made for. Is on record together with the operation, or not at all. */
    change?: () => void;
  }): OperationDocument {
    const { service, kind, make } = input;
    const row = operationRow(this.#needs, {
      id: newId('operation', this.#needs.random),
      kind,
      at: serviceKey(service),
      request: input.request,
    });
    this.#needs.store.transaction(() => {
      refuseRemoving(this.#needs, service);
      input.change?.();
      // Made once before the acknowledgement, so that what cannot be done is refused at once.
      make();
      this.acknowledge(row, [newTask(row.id, service, 0)]);
    });
    crashpoint('operation.acknowledged');
    this.run(row.id, [{ service, work: (context) => releaseTask(context, make) }]);
    return this.document(row.id);
  }

  /** The daemon ends, what was begun runs on by itself. */
  leave(): void {
    this.#left = true;
  }

  /** The daemon ends and with it all that it runs: builds are stopped and nothing is begun. Resolves when no task is at work; the next daemon begins them again. */
  async suspend(): Promise<void> {
    this.#left = true;
    this.#leaving.abort(new Error('the daemon ends'));
    await Promise.allSettled(this.#works);
  }

  /** Runs the tasks of an acknowledged operation and finishes it after the last. */
  run(id: string, works: readonly { service: ServiceId; work: (context: TaskContext) => Promise<void> }[]): void {
    const all = works.map(async ({ service, work }) => {
      const context = this.#context(id, service);
      try {
        await work(context);
      } catch (error) {
        if (this.#left) return;
        this.#needs.log.error({ err: error, operation: id, service }, 'a task failed by a fault');
        await this.#failTask(id, service, errorDocument(error));
      }
      this.#controllers.delete(taskKey(id, service));
      const task = this.#needs.store.operations.tasks(id).find((one) => one.service === service);
      if (task !== undefined) this.publish(id, { kind: 'service', result: deployedService(this.#needs, task) });
    });
    this.#keep(
      id,
      Promise.all(all).then(async () => {
        const open = this.#needs.store.operations.tasks(id).some((task) => task.stage !== 'finished');
        if (!(this.#left && open)) await this.#finish(id, null);
      }),
    );
  }

  /** Ends an operation that cannot go on as a whole, and with it the tasks that it has: an open one would hold up its service for ever. */
  fail(id: string, error: unknown): void {
    if (!(error instanceof KapalError))
      this.#needs.log.error({ err: error, operation: id }, 'an operation failed by a fault');
    this.#keep(id, this.#fail(id, errorDocument(error)));
  }

  /** Ends an operation whose tasks have ended; on a full disk as soon as there is room. */
  finish(id: string, error: ErrorDocument | null): void {
    this.#keep(id, this.#finish(id, error));
  }

  async #fail(id: string, document: ErrorDocument): Promise<void> {
    for (const task of this.#needs.store.operations.tasks(id))
      if (task.stage !== 'finished') await this.#failTask(id, task.service, document);
    await this.#finish(id, document);
  }

  async #failTask(id: string, service: ServiceId, error: ErrorDocument): Promise<void> {
    const end = { stage: 'finished', outcome: 'failed', error } as const;
    await this.#stored(() => this.#needs.store.operations.updateTask(id, service, end));
  }

  /** What goes on by itself: `suspend` waits for it, and how it fails is said in the log. */
  #keep(id: string, work: Promise<void>): void {
    const whole = work
      .catch((error: unknown) =>
        this.#needs.log.error({ err: error, operation: id }, 'an operation could not be finished'),
      )
      .finally(() => this.#works.delete(whole));
    this.#works.add(whole);
  }

  #stored<T>(step: () => T): Promise<T> {
    return stored(this.#needs, step, () => this.#left);
  }

  async #finish(id: string, error: ErrorDocument | null): Promise<void> {
    const now = this.#needs.clock.now();
    await this.#stored(() => this.#needs.store.operations.finish(id, now, error));
    crashpoint('operation.finished');
    const oldest = { keep: keptOperations, before: now - operationsKeptFor };
    await this.#stored(() => this.#needs.store.operations.trim(oldest));
    this.publish(id, { kind: 'finished', operation: this.document(id) });
  }

  #context(operation: string, service: ServiceId): TaskContext {
    const controller = new AbortController();
    this.#controllers.set(taskKey(operation, service), controller);
    const task = this.#needs.store.operations.tasks(operation).find((one) => one.service === service);
    // An earlier daemon wrote down that it gives way, and died before it did.
    if (task !== undefined && task.cancel !== 'no') controller.abort(givingWay(task));
    return {
      needs: this.#needs,
      operation,
      service,
      signal: AbortSignal.any([controller.signal, this.#leaving.signal]),
      isLeft: () => this.#left,
      slots: this.#slots,
      admitBuild: this.#admitBuild,
      clear: (id, signal) => this.#clear(id, signal),
      ended: (rollout) => this.#ended(rollout),
      hooked: (id, release) =>
        hookEnded({ needs: this.#needs, loops: this.#loops, leaving: this.#leaving.signal }, { service: id, release }),
      wake: (id) => this.#loops.wake(id),
      publish: (event) => this.publish(operation, event),
    };
  }

  /** Turns are taken in order; whoever has the turn sees the service without a rollout. */
  async #clear(service: ServiceId, signal: AbortSignal): Promise<Disposable> {
    const before = this.#turns.get(service) ?? Promise.resolve();
    const turn = Promise.withResolvers<void>();
    this.#turns.set(
      service,
      before.then(() => turn.promise),
    );
    try {
      await before;
      signal.throwIfAborted();
      const active = this.#needs.store.rollouts.active(service);
      if (active !== null) {
        if (active.cancel === 'no') this.#needs.store.rollouts.update(active.id, { cancel: 'superseded' });
        crashpoint('operation.superseded');
        this.#loops.wake(service);
        await this.#ended(active.id);
      }
      signal.throwIfAborted();
    } catch (error) {
      turn.resolve();
      throw error;
    }
    return { [Symbol.dispose]: () => turn.resolve() };
  }

  /** Rejects when everything ends: the loops look no more. */
  #ended(rollout: string): Promise<RolloutRow> {
    const { signal } = this.#leaving;
    return new Promise((resolve, reject) => {
      const leave = () => reject(new Error('the daemon ends'));
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      void this.#loops.ended(rollout).then((row) => {
        signal.removeEventListener('abort', leave);
        resolve(row);
      }, reject);
    });
  }

  #abort(task: TaskRow, cancel: Exclude<TaskRow['cancel'], 'no'>): void {
    this.#needs.store.operations.updateTask(task.operation, task.service, { cancel });
    this.#controllers.get(taskKey(task.operation, task.service))?.abort(givingWay({ ...task, cancel }));
  }

  #row(id: string): OperationRow {
    const row = this.#needs.store.operations.get(id);
    if (row === null) throw new KapalError('not_found', `no operation ${id}`);
    return row;
  }
}

/** Why a task that gives way does so, for its user. */
function givingWay({ cancel, service }: TaskRow): KapalError {
  return cancel === 'superseded'
    ? new KapalError('superseded', `a newer deploy of ${serviceKey(service).service} took its place`)
    : new KapalError('cancelled', 'the deploy was cancelled');
}

function taskKey(operation: string, service: ServiceId): string {
  return `${operation} ${service}`;
}
