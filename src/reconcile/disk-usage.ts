import { serviceKey } from '../model/service.ts';
import type { DiskRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { bytesText } from './disk-decision.ts';
import { currentDisks } from './disks.ts';

/** Milliseconds between two counts. */
const pace = 60_000;

/** Counts what is on disks, and says so when it nears or passes what was declared. Nothing is enforced: only few file systems could. */
export class DiskUsage {
  readonly #needs: Dependencies;
  readonly #told: () => void;
  #timer: Disposable | null = null;
  #counting: Promise<void> | null = null;
  #closed = false;

  constructor(needs: Dependencies, told: () => void) {
    this.#needs = needs;
    this.#told = told;
  }

  begin(): void {
    void this.count().then(() => this.#later());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
  }

  /** Counts all once. Never rejects: what does not work now is tried at the next count. */
  count(): Promise<void> {
    this.#counting ??= this.#count()
      .catch((error: unknown) => this.#needs.log.warn({ err: error }, 'what is on the disks could not be counted'))
      .finally(() => {
        this.#counting = null;
      });
    return this.#counting;
  }

  async #count(): Promise<void> {
    const { store, disks } = this.#needs;
    for (const { service, name } of store.disks.all()) {
      if (this.#closed) return;
      const used = await disks.used(service, name);
      const row = store.disks.get(service, name);
      if (used === null || row === null || this.#closed) continue;
      const size = this.#sizeOf(row);
      if (size !== row.size) store.disks.declare(service, name, { size, at: row.createdAt });
      const warned = warningOf({ used, size, before: row.warned });
      if (warned !== row.warned) this.#tell(row, { used, size, warned });
      if (used !== row.used || warned !== row.warned) store.disks.update(service, name, { used, warned });
    }
  }

  /** As declared now, which needs no new release. */
  #sizeOf(row: DiskRow): number {
    const service = this.#needs.store.services.get(row.service);
    const disk =
      service === null ? undefined : currentDisks(this.#needs, service).find(({ name }) => name === row.name);
    return disk?.size ?? row.size;
  }

  #tell(row: DiskRow, seen: { used: number; size: number; warned: DiskRow['warned'] }): void {
    const { store, clock, log } = this.#needs;
    const { project, service } = serviceKey(row.service);
    const words = `${bytesText(seen.used)} of ${bytesText(seen.size)} are used on the disk ${row.name} of ${service}`;
    const kind = { 0: 'disk.roomy', 80: 'disk.filling', 100: 'disk.over' }[seen.warned];
    const more = seen.warned === 100 ? '; nothing stops it, the size is not enforced' : '';
    log.warn({ kind, service: row.service }, `${words}${more}`);
    store.events.append({ time: clock.now(), kind, service: row.service, project, message: `${words}${more}` });
    this.#told();
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = this.#needs.clock.after(pace, () => void this.count().then(() => this.#later()));
  }
}

/** Pure: percent of the size to be warned of. A warning ends a twentieth below where it began, so that it is not said again and again. */
export function warningOf(seen: {
  readonly used: number;
  readonly size: number;
  readonly before: DiskRow['warned'];
}): DiskRow['warned'] {
  const { used, size, before } = seen;
  const share = used / size;
  if (share >= 1 || (before === 100 && share >= 0.95)) return 100;
  return share >= 0.8 || (before >= 80 && share >= 0.75) ? 80 : 0;
}
