import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';
import type { DiskCommands } from './disk-commands.ts';
import type { Fleet } from './fleet.ts';
import type { Operations } from './operations/operations.ts';
import { next } from './ripples.ts';

/** Milliseconds between looks at a service that is being removed. */
const pace = 100;
const never = new AbortController().signal;

interface Parts {
  readonly operations: Operations;
  readonly fleet: Fleet;
  readonly disks: DiskCommands;
  /** Removes what is pushed to and what calls: whether there was any. */
  readonly forget: (project: string) => Promise<boolean>;
}

/** Removes whole projects, and their disks where that is asked for. */
export class ProjectRemoval {
  readonly #needs: Dependencies;
  readonly #operations: Operations;
  readonly #fleet: Fleet;
  readonly #disks: DiskCommands;
  readonly #forget: Parts['forget'];

  constructor(needs: Dependencies, parts: Parts) {
    this.#needs = needs;
    this.#forget = parts.forget;
    this.#operations = parts.operations;
    this.#fleet = parts.fleet;
    this.#disks = parts.disks;
  }

  /** Resolves when all is gone. Throws `conflict` while a disk holds data, unless disks are to go too. */
  async remove(name: string, { withDisks }: { readonly withDisks: boolean }): Promise<void> {
    const rows = this.#needs.store.services.all().filter((row) => serviceKey(row.id).project === name);
    if (rows.length === 0) {
      if (await this.#forget(name)) return;
      throw this.#unknown(name);
    }
    // Without disks nothing waits until the services are marked: what is begun for them from now on is refused.
    if (!withDisks && this.#disks.areOf(name)) await this.#disks.refuseKept(name);
    this.#needs.store.transaction(() => {
      if (withDisks) this.#disks.doom(name);
      for (const row of rows) this.#needs.store.services.update(row.id, { removing: true });
    });
    crashpoint('removal.requested');
    await this.#forget(name);
    await Promise.all(rows.map((row) => this.#removeService(row.id)));
    if (withDisks) await this.#disks.removeDoomed();
  }

  #unknown(name: string): KapalError {
    const left = this.#needs.store.disks.all().filter((disk) => serviceKey(disk.service).project === name);
    return new KapalError('not_found', `no project ${name}`, {
      hint:
        left.length === 0
          ? 'See what there is: kapal ps'
          : `Only disks of it are left: kapal disk list ; kapal disk remove ${serviceKey(left[0]?.service ?? ('' as ServiceId)).service} ${left[0]?.name} --project ${name} --yes`,
    });
  }

  /** Cancels what is in flight, lets the loop drain and stop the instances, and waits until nothing is left. */
  async #removeService(service: ServiceId): Promise<void> {
    const { store, clock } = this.#needs;
    if (store.operations.openTasks(service).length > 0 || store.rollouts.active(service) !== null)
      this.#operations.cancel(service);
    while (store.services.get(service) !== null) {
      this.#fleet.wake(service);
      await next((wake) => clock.after(pace, wake), never);
    }
  }
}
