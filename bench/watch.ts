import type { ServiceDocument } from '../src/api/contract/types.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { api } from './stage.ts';

/**
 * Looks for instances that were restarted or vanished. While a release stays current, an instance of it that was ready once keeps its process; one
 * that was never ready may crash, since a deploy of a version that does is part of the bench.
 */
export class Watch {
  readonly faults: string[] = [];
  #before: readonly ServiceDocument[];

  constructor(services: readonly ServiceDocument[]) {
    this.#before = services;
  }

  async during(kapal: TestKapal, milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      this.look(await api<readonly ServiceDocument[]>(kapal, '/api/v1/services'));
      await new Promise((resolve) => setTimeout(resolve, Math.min(250, Math.max(0, end - performance.now()))));
    }
  }

  look(services: readonly ServiceDocument[]): void {
    for (const before of this.#before) {
      const now = services.find((service) => service.project === before.project && service.service === before.service);
      if (now === undefined) this.faults.push(`${before.service} vanished`);
      else if (now.release === before.release) this.#compare(before, now);
    }
    this.#before = services;
  }

  #compare(before: ServiceDocument, now: ServiceDocument): void {
    for (const instance of before.instances.filter(
      ({ state, release }) => state === 'ready' && release === before.release,
    )) {
      const after = now.instances.find(({ id }) => id === instance.id);
      if (after === undefined) this.faults.push(`${instance.id} of release ${instance.release} is gone`);
      else if (after.restarts !== instance.restarts || after.pid !== instance.pid || after.state !== 'ready')
        this.faults.push(`${instance.id} was ${JSON.stringify(instance)} and is ${JSON.stringify(after)}`);
    }
  }
}
