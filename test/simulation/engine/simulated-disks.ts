import type { DiskStore } from '../../../src/reconcile/dependencies.ts';

/** Disks that are there, by `SERVICE/NAME`, with the bytes on them. */
export class SimulatedDisks {
  readonly there = new Map<string, number>();

  store(): DiskStore {
    const key = (service: string, name: string) => `${service}/${name}`;
    const { there } = this;
    return {
      path: (service, name) => `/simulated/disks/${key(service, name)}`,
      exists: (service, name) => Promise.resolve(there.has(key(service, name))),
      ensure: (service, name) =>
        Promise.resolve(void there.set(key(service, name), there.get(key(service, name)) ?? 0)),
      link: () => Promise.resolve(),
      isEmpty: (service, name) => Promise.resolve((there.get(key(service, name)) ?? 0) === 0),
      used: (service, name) => Promise.resolve(there.get(key(service, name)) ?? 0),
      close: () => Promise.resolve(),
      remove: (service, name) => Promise.resolve(void there.delete(key(service, name))),
    };
  }
}
