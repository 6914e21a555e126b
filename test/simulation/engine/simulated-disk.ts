import type { DiskSpace } from '../../../src/reconcile/disk-decision.ts';
import type { Disk } from '../../../src/reconcile/disk-port.ts';

/** A disk whose room the test says; the ballast file takes of it. */
export class SimulatedDisk implements Disk {
  readonly #total: number;
  /** Bytes that something else takes. */
  used = 0;
  #ballast = 0;

  constructor(total = 100 * 1024 ** 3) {
    this.#total = total;
  }

  get free(): number {
    return this.#total - this.used - this.#ballast;
  }

  space(): Promise<DiskSpace> {
    return Promise.resolve({ free: this.free, total: this.#total, freeFiles: null });
  }

  ballast(): Promise<number> {
    return Promise.resolve(this.#ballast);
  }

  makeBallast(bytes: number): Promise<void> {
    if (bytes > this.free) return Promise.reject(new Error('no room'));
    this.#ballast = bytes;
    return Promise.resolve();
  }

  releaseBallast(): Promise<void> {
    this.#ballast = 0;
    return Promise.resolve();
  }

  sizeOf(): Promise<number> {
    return Promise.resolve(0);
  }

  usage(): Promise<readonly string[]> {
    return Promise.resolve(['releases 3.0 GiB', 'logs 60 MiB']);
  }
}
