import type { PersistentDiskDocument } from '../api/contract/types.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import type { DiskRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { bytesText } from './disk-decision.ts';
import { DiskUsage } from './disk-usage.ts';
import { currentDisks } from './disks.ts';

type Needs = Pick<Dependencies, 'store' | 'disks' | 'clock'>;

/** What people ask of disks: which there are, and to remove those that nothing has any more. */
export class DiskCommands {
  readonly #needs: Needs;
  readonly #usage: DiskUsage;
  readonly #told: () => void;

  /** `told` is called when there are events. */
  constructor(needs: Dependencies, told: () => void) {
    this.#needs = needs;
    this.#usage = new DiskUsage(needs, told);
    this.#told = told;
  }

  /** Removes what a dead daemon was to remove, and counts from now on. */
  async begin(): Promise<void> {
    await this.removeDoomed();
    this.#usage.begin();
  }

  close(): void {
    this.#usage.close();
  }

  async list(filter: {
    readonly project?: string | undefined;
    readonly environment?: string | undefined;
  }): Promise<PersistentDiskDocument[]> {
    await this.#usage.count();
    return this.#needs.store.disks
      .all()
      .map((row) => diskDocument(this.#needs, row))
      .filter(({ project, environment }) => {
        const isOf = filter.project === undefined || filter.project === project;
        return isOf && (filter.environment === undefined || filter.environment === environment);
      });
  }

  /** Deletes a detached disk with all that is on it. Throws `not_found`, or `conflict` for one that a service has. */
  async remove(service: ServiceId, name: string): Promise<void> {
    const { store } = this.#needs;
    const row = store.disks.get(service, name);
    if (row === null) throw this.#unknown(service, name);
    if (diskDocument(this.#needs, row).state === 'attached')
      throw new KapalError('conflict', `${serviceKey(service).service} has the disk ${name}`, {
        hint: 'Take disk out of the declaration and deploy first, or remove the project with kapal project remove --with-disks.',
      });
    store.disks.update(service, name, { removing: true });
    crashpoint('disk.removing');
    await this.#erase(row);
  }

  /** Whether the project has any disk on record. */
  areOf(project: string): boolean {
    return this.#needs.store.disks.all().some(({ service }) => serviceKey(service).project === project);
  }

  /** Throws `conflict` where a disk of the project holds data: it is not lost without being named. */
  async refuseKept(project: string): Promise<void> {
    const { store, disks } = this.#needs;
    const rows = store.disks.all().filter(({ service }) => serviceKey(service).project === project);
    const full: string[] = [];
    for (const { service, name, used } of rows)
      if (!(await disks.isEmpty(service, name)))
        full.push(`${name} of ${serviceKey(service).service}${used === null ? '' : ` (${bytesText(used)})`}`);
    if (full.length === 0) return;
    throw new KapalError(
      'conflict',
      `${project} has ${full.length === 1 ? 'a disk' : 'disks'} with data: ${full.join(', ')}`,
      {
        hint: `To lose ${full.length === 1 ? 'it' : 'them'} too: kapal project remove ${project} --yes --with-disks`,
      },
    );
  }

  /** All disks of the project go with their services. Part of the transaction that marks those. */
  doom(project: string): void {
    const { store } = this.#needs;
    for (const { service, name } of store.disks.all())
      if (serviceKey(service).project === project) store.disks.update(service, name, { removing: true });
  }

  /** What was to go, and whose service is gone: also what a daemon that died left of that. */
  async removeDoomed(): Promise<void> {
    const { store } = this.#needs;
    for (const row of store.disks.all()) {
      if (!row.removing || store.services.get(row.service)?.removing === true) continue;
      if (diskDocument(this.#needs, row).state === 'attached') {
        store.disks.update(row.service, row.name, { removing: false });
        continue;
      }
      await this.#erase(row);
    }
  }

  /** The record last: as long as the disk is on it, what is left is found again. */
  async #erase(row: DiskRow): Promise<void> {
    const { store, disks } = this.#needs;
    await disks.remove(row.service, row.name);
    crashpoint('disk.erased');
    store.disks.remove(row.service, row.name);
    this.#tell(row, `the disk ${row.name} was removed`);
  }

  #unknown(service: ServiceId, name: string): KapalError {
    const there = this.#needs.store.disks.of(service).map((row) => row.name);
    return new KapalError('not_found', `${serviceKey(service).service} has no disk ${name}`, {
      hint: there.length === 0 ? 'See what there is: kapal disk list' : `It has: ${there.join(', ')}.`,
    });
  }

  #tell(row: DiskRow, message: string): void {
    const { store, clock } = this.#needs;
    const { project } = serviceKey(row.service);
    store.events.append({ time: clock.now(), kind: 'disk.removed', service: row.service, project, message });
    this.#told();
  }
}

/** A disk as people see it. */
export function diskDocument(needs: Pick<Needs, 'store' | 'disks'>, row: DiskRow): PersistentDiskDocument {
  const service = needs.store.services.get(row.service);
  const disk = service === null ? undefined : currentDisks(needs, service).find(({ name }) => name === row.name);
  return {
    ...serviceKey(row.service),
    name: row.name,
    state: disk === undefined ? 'detached' : 'attached',
    mountPath: disk?.mountPath ?? null,
    path: needs.disks.path(row.service, row.name),
    sizeBytes: disk?.size ?? row.size,
    usedBytes: row.used,
  };
}
