import type { Dependencies } from './dependencies.ts';
import { bytesText } from './disk-decision.ts';
import { collectLeftovers, type Thrift } from './leftovers.ts';

/** Milliseconds from one collection to the next: counting reads the name of every file in every cache. */
const pace = { usual: 60 * 60_000, short: 60_000 } as const;

/** Collects what builds left by itself: where a service has settled, and more of it while the disk is short of room. */
export class Housekeeping {
  readonly #needs: Dependencies;
  readonly #last: Record<Thrift, number> = { usual: Number.NEGATIVE_INFINITY, short: Number.NEGATIVE_INFINITY };
  #collecting: Promise<void> | null = null;
  #closed = false;

  constructor(needs: Dependencies) {
    this.#needs = needs;
  }

  /** What is under way is not waited for: it may be cut short at any line. */
  close(): void {
    this.#closed = true;
  }

  /** Never rejects; does nothing where it was done lately. */
  collect(thrift: Thrift): Promise<void> {
    const now = this.#needs.clock.monotonic();
    if (this.#closed) return Promise.resolve();
    if (this.#collecting !== null) return this.#collecting;
    if (now - this.#last[thrift] < pace[thrift]) return Promise.resolve();
    this.#last[thrift] = now;
    this.#collecting = this.#collect(thrift).finally(() => {
      this.#collecting = null;
    });
    return this.#collecting;
  }

  async #collect(thrift: Thrift): Promise<void> {
    const { log } = this.#needs;
    try {
      const items = await collectLeftovers(this.#needs, { dryRun: false, thrift });
      const bytes = items.reduce((sum, item) => sum + (item.bytes ?? 0), 0);
      if (items.length > 0)
        log.info({ paths: items.map(({ path }) => path) }, `${bytesText(bytes)} that builds had left were freed`);
    } catch (error) {
      if (!this.#closed) log.warn({ err: error }, 'what builds had left could not be collected; trying again later');
    }
  }
}
