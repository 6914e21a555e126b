import type { OperationDocument } from '../../api/contract/types.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { KapalError } from '../../model/errors.ts';
import { hasInstances, type ServiceId, serviceKey } from '../../model/service.ts';
import { isAlone } from '../../spec/spec.ts';
import type { OperationRow, ServiceRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { newId } from '../ids.ts';
import { obstacleTo, waysOut } from '../placing.ts';
import { type Reach, serviceView } from '../view.ts';
import { newTask, operationRow, refuseRemoving } from './acknowledge.ts';
import { abortReason } from './building.ts';
import type { Loops, Operations } from './operations.ts';
import { finishTask, type TaskContext } from './task.ts';

/** Most instances of one service on one machine: beyond it a typing error is likelier than a wish. */
const mostInstances = 100;

/** scale, stop and start: no release, only how many instances there are. The operation ends when the world has followed. */
export class Capacity {
  readonly #needs: Dependencies;
  readonly #operations: Operations;
  readonly #loops: Loops;
  readonly #reach: () => Reach;

  constructor(parts: { needs: Dependencies; operations: Operations; loops: Loops; reach: () => Reach }) {
    this.#needs = parts.needs;
    this.#operations = parts.operations;
    this.#loops = parts.loops;
    this.#reach = parts.reach;
  }

  scale(service: ServiceId, instances: number): OperationDocument {
    const row = this.#row(service);
    if (!hasInstances(row.spec.type))
      throw new KapalError(
        'usage',
        `${serviceKey(service).service} is of type ${row.spec.type} and has no instances to scale`,
      );
    if (!Number.isInteger(instances) || instances < 0 || instances > mostInstances) {
      throw new KapalError(
        'usage',
        `${instances} instances are not possible: a whole number from 0 to ${mostInstances} was expected`,
      );
    }
    if (isAlone(row.spec) && instances > 1)
      throw new KapalError(
        'usage',
        `${serviceKey(service).service} has a disk, which one instance may have at a time`,
        {
          hint: 'Scale it to 1 or 0, move what several instances share into a database, or let them all write to the disk (disk.shared: true in kapal.yaml).',
        },
      );
    const obstacle = obstacleTo(this.#needs, { service, release: row.current, desired: instances });
    if (obstacle !== null) throw new KapalError('port_insisted', obstacle, { hint: waysOut });
    return this.#change(service, 'scale', { scale: instances });
  }

  stop(service: ServiceId): OperationDocument {
    return this.#change(service, 'stop', { stopped: true });
  }

  start(service: ServiceId): OperationDocument {
    if (this.#row(service).current === null)
      throw new KapalError('conflict', `${serviceKey(service).service} has no live release yet`, {
        hint: 'Deploy it first: kapal deploy',
      });
    return this.#change(service, 'start', { stopped: false });
  }

  /** Waits until as many instances serve as are wanted and no other is left. */
  work(service: ServiceId): { service: ServiceId; work: (context: TaskContext) => Promise<void> } {
    return { service, work: (context) => this.#settle(context) };
  }

  #change(
    service: ServiceId,
    kind: OperationRow['kind'],
    change: Partial<Pick<ServiceRow, 'scale' | 'stopped'>>,
  ): OperationDocument {
    const needs = this.#needs;
    const row = operationRow(needs, {
      id: newId('operation', needs.random),
      kind,
      at: serviceKey(service),
      request: { service, ...change },
    });
    needs.store.transaction(() => {
      refuseRemoving(needs, service);
      const before = needs.store.services.get(service)?.stopped;
      needs.store.services.update(service, change);
      // Slots that pass while it is stopped are not missed.
      if (change.stopped !== undefined && change.stopped !== before) needs.store.jobs.forgetSchedule(service);
      needs.store.operations.insert(row, [{ ...newTask(row.id, service, 0), stage: 'rollout' }]);
    });
    crashpoint('capacity.recorded');
    this.#loops.wake(service);
    this.#operations.run(row.id, [this.work(service)]);
    return this.#operations.document(row.id);
  }

  async #settle(context: TaskContext): Promise<void> {
    const row = this.#row(context.service);
    const spec = row.spec;
    const limit = spec.startTimeout * 2 + spec.shutdownDelay * 2 + 10_000;
    const settled = await this.#watched(context, limit);
    if (context.isLeft()) throw abortReason(context.signal);
    if (settled) return finishTask(context, { outcome: 'live', error: null });
    const error = new KapalError(
      'health_failed',
      `${spec.name} did not reach its number of instances within ${limit / 1000} s`,
      { hint: `See what holds it up: kapal ps ${spec.name} ; kapal logs ${spec.name}` },
    );
    await finishTask(context, { outcome: 'failed', error: error.toDocument() });
  }

  #watched(context: TaskContext, limit: number): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = () => end(false);
      const end = (settled: boolean) => {
        context.signal.removeEventListener('abort', leave);
        watching[Symbol.dispose]();
        timer[Symbol.dispose]();
        resolve(settled);
      };
      const look = () => {
        if (context.signal.aborted || this.#isSettled(context.service)) end(!context.signal.aborted);
      };
      const watching = this.#loops.watch(context.service, look);
      const timer = this.#needs.clock.after(limit, () => end(false));
      context.signal.addEventListener('abort', leave, { once: true });
      this.#loops.wake(context.service);
    });
  }

  #isSettled(service: ServiceId): boolean {
    const row = this.#needs.store.services.get(service);
    if (row === null) return true;
    const view = serviceView(this.#needs, row, this.#reach());
    if (view.rollout !== null) return false;
    const serving = view.instances.filter(
      (instance) => instance.state === 'ready' && (!view.routed || instance.inTable),
    );
    return (
      serving.length === view.desired &&
      view.instances.every(
        (instance) => instance.state === 'ready' || instance.state === 'draining' || instance.state === 'stopping',
      ) &&
      (view.desired > 0 || view.instances.length === 0)
    );
  }

  #row(service: ServiceId): ServiceRow {
    const row = this.#needs.store.services.get(service);
    if (row === null) throw new KapalError('not_found', `no service ${serviceKey(service).service}`);
    return row;
  }
}
