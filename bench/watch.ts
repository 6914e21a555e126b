import type { EventDocument, ServiceDocument } from '../src/api/contract/types.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';
import { api } from './stage.ts';

/**
 * Looks for instances that were restarted or vanished. As long as the traffic stays with a release, an instance of it that was ready once keeps its
 * process; one that was never ready may crash, since deploys of versions that do are part of the bench.
 */
export class Watch {
  readonly faults: string[] = [];
  readonly #kapal: TestKapal;
  #services: readonly ServiceDocument[] = [];
  #moved: ReadonlySet<string | null> = new Set();
  #sequence = 0;

  constructor(kapal: TestKapal) {
    this.#kapal = kapal;
  }

  async during(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      await this.look();
      await new Promise((resolve) => setTimeout(resolve, Math.min(250, Math.max(0, end - performance.now()))));
    }
  }

  async look(): Promise<void> {
    const services = await api<readonly ServiceDocument[]>(this.#kapal, '/api/v1/services');
    const moved = await this.#promoted();
    for (const before of this.#services) {
      const now = services.find((service) => service.project === before.project && service.service === before.service);
      if (now === undefined) this.faults.push(`${before.service} vanished`);
      // A promotion that came between the two questions is in the answer to the second, and its effect in the next to the first.
      else if (!moved.has(before.service) && !this.#moved.has(before.service)) this.#compare(before, now);
    }
    this.#moved = moved;
    this.#services = services;
  }

  /** The services whose traffic went to another release since the last look. */
  async #promoted(): Promise<ReadonlySet<string | null>> {
    const events = await api<readonly EventDocument[]>(
      this.#kapal,
      `/api/v1/events?after=${this.#sequence}&limit=1000`,
    );
    this.#sequence = events.at(-1)?.sequence ?? this.#sequence;
    return new Set(events.filter(({ kind }) => kind === 'promote').map(({ service }) => service));
  }

  #compare(before: ServiceDocument, now: ServiceDocument): void {
    for (const instance of before.instances) {
      if (instance.state !== 'ready' || instance.release !== before.release) continue;
      const after = now.instances.find(({ id }) => id === instance.id);
      if (after === undefined) this.faults.push(`${instance.id} of release ${instance.release} is gone`);
      else if (after.restarts !== instance.restarts || after.pid !== instance.pid || after.state !== 'ready')
        this.faults.push(`${instance.id} was ${JSON.stringify(instance)} and is ${JSON.stringify(after)}`);
    }
  }
}
