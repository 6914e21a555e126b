import type { OperationDocument } from '../src/api/contract/types.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import type { Fault, Shop } from './shop.ts';
import { api } from './stage.ts';

/** Seconds that a deploy may take to end, with a daemon that dies meanwhile. */
const patience = 60;

const faults: readonly Fault[] = ['none', 'crashes at boot', 'none', 'fails its health check', 'none'];

/** Deploys one version after the other, and every fifth beside the one before it, for as long as it is told. */
export class Deployer {
  readonly acknowledged: string[] = [];
  refused = 0;
  readonly #kapal: TestKapal;
  readonly #shop: Shop;
  #stopped = false;

  constructor(kapal: TestKapal, shop: Shop) {
    this.#kapal = kapal;
    this.#shop = shop;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    for (let number = 0; !this.#stopped; number += 1) {
      await this.#shop.change(faults[number % faults.length] ?? 'none');
      const { code, stdout } = await this.#kapal.run('deploy', this.#shop.folder, '--no-wait', '--json');
      if (code !== 0) {
        this.refused += 1;
        continue;
      }
      const { id } = JSON.parse(stdout) as OperationDocument;
      this.acknowledged.push(id);
      if (number % 5 !== 4)
        await until(
          `deploy ${number} has an outcome`,
          async () => this.#stopped || (await isOver(this.#kapal, id)),
          patience,
        );
    }
  }
}

async function isOver(kapal: TestKapal, id: string): Promise<boolean> {
  const operation = await api<OperationDocument>(kapal, `/api/v1/operations/${id}`).catch(() => null);
  // The daemon may be away: asking at every turn of the event loop would take its processor.
  if (operation?.state !== 'finished') await new Promise((resolve) => setTimeout(resolve, 50));
  return operation?.state === 'finished';
}

/** The outcome of each operation, of a project with one service; `none` for one that had none when the time was over. */
export async function outcomesOf(kapal: TestKapal, operations: readonly string[]): Promise<string[]> {
  const deadline = performance.now() + patience * 1000;
  return Promise.all(
    operations.map(async (id) => {
      while (!(await isOver(kapal, id))) if (performance.now() > deadline) return 'none';
      const { result, error } = await api<OperationDocument>(kapal, `/api/v1/operations/${id}`);
      return result?.services[0]?.outcome ?? (error === null ? 'none' : `error ${error.code}`);
    }),
  );
}
