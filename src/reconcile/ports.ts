import { KapalError } from '../model/errors.ts';
import type { Dependencies } from './dependencies.ts';

/** Loopback ports for instances, and above them the stable private listeners; below the kernel's ephemeral range (32768 on Linux). */
export const instancePorts = { first: 20_000, last: 29_999 } as const;
export const privatePorts = { first: 30_000, last: 31_999 } as const;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Hands out loopback ports: not one that Kapal's record names, and not one that anything listens on now. Another program may still take
 * it before the app does; then the app's listen fails, and its next attempt gets another port.
 */
export class PortAllocator {
  readonly #range: PortRange;
  readonly #isRecorded: (port: number) => boolean;
  readonly #isFree: (port: number) => Promise<boolean>;
  readonly #reserved = new Set<number>();
  #next: number;

  /** `isRecorded`: the record names it; `isFree`: nothing listens on it now; `fraction` in [0, 1): where to begin. */
  constructor(
    range: PortRange,
    options: {
      isRecorded: (port: number) => boolean;
      isFree: (port: number) => Promise<boolean>;
      fraction: number;
    },
  ) {
    this.#range = range;
    this.#isRecorded = options.isRecorded;
    this.#isFree = options.isFree;
    this.#next = range.first + Math.floor(options.fraction * (range.last - range.first + 1));
  }

  /** A free port, reserved until `release`. */
  async take(): Promise<number> {
    const size = this.#range.last - this.#range.first + 1;
    for (let tries = 0; tries < size; tries += 1) {
      const port = this.#next;
      this.#next = port >= this.#range.last ? this.#range.first : port + 1;
      if (this.#reserved.has(port) || this.#isRecorded(port)) continue;
      this.#reserved.add(port);
      if (await this.#isFree(port)) return port;
      this.#reserved.delete(port);
    }
    throw new KapalError('runtime_failed', `no free port between ${this.#range.first} and ${this.#range.last}`);
  }

  /** The record names the port now, or it is not needed any more. */
  release(port: number): void {
    this.#reserved.delete(port);
  }
}

type Range = typeof instancePorts | typeof privatePorts;

/** The ports of a range that nothing on record has and nothing on this machine listens on. */
export function allocatorOf(needs: Dependencies, range: Range): PortAllocator {
  const recorded = (port: number) =>
    needs.store.instances.all().some((row) => row.port === port) ||
    needs.store.services.all().some((row) => row.privatePort === port);
  return new PortAllocator(range, {
    isRecorded: recorded,
    isFree: needs.isPortFree,
    fraction: needs.random.fraction(),
  });
}
