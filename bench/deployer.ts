import type { OperationDocument } from '../src/api/contract/types.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import type { Fault, Shop } from './shop.ts';
import { api } from './stage.ts';

/** Seconds that a deploy may take to end, with a daemon that dies meanwhile. */
const patience = 60;

const faults: readonly Fault[] = ['none', 'crashes at boot', 'none', 'fails its health check', 'none'];

/** A deploy that the daemon has answered for. */
export interface Acknowledged {
  readonly id: string;
  readonly fault: Fault;
  /** The next one was asked for without waiting for it. */
  readonly superseded: boolean;
}

/** Deploys one version after the other, and every fifth beside the one before it, for as long as it is told. */
export class Deployer {
  readonly acknowledged: Acknowledged[] = [];
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
      const fault = faults[number % faults.length] ?? 'none';
      await this.#shop.change(fault);
      const { code, stdout } = await this.#kapal.run('deploy', this.#shop.folder, '--no-wait', '--json');
      if (code !== 0) {
        this.refused += 1;
        await this.#untilAnswered();
        continue;
      }
      const { id } = JSON.parse(stdout) as OperationDocument;
      const superseded = number % 5 === 4;
      this.acknowledged.push({ id, fault, superseded });
      if (superseded) continue;
      await until(`deploy ${number} ends`, async () => this.#stopped || (await isOver(this.#kapal, id)), patience);
    }
  }

  async #untilAnswered(): Promise<void> {
    const answers = () => api(this.#kapal, '/api/v1/status').then(Boolean, () => false);
    await until('a daemon answers again', async () => this.#stopped || (await answers()) || (await pause()), patience);
  }
}

async function isOver(kapal: TestKapal, id: string): Promise<boolean> {
  const operation = await api<OperationDocument>(kapal, `/api/v1/operations/${id}`).catch(() => null);
  return operation?.state === 'finished' || pause();
}

/** The daemon may be away: asking at every turn of the event loop would take its processor. */
async function pause(): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return false;
}

export interface Ending {
  readonly deploy: Acknowledged;
  /** Null where it had none when the time was over. */
  readonly outcome: string | null;
  readonly message: string;
}

/** How each ended, of a project with one service. */
export async function endingsOf(kapal: TestKapal, deploys: readonly Acknowledged[]): Promise<Ending[]> {
  const deadline = performance.now() + patience * 1000;
  return Promise.all(
    deploys.map(async (deploy) => {
      while (!(await isOver(kapal, deploy.id)))
        if (performance.now() > deadline) return { deploy, outcome: null, message: 'it did not end' };
      const { result, error } = await api<OperationDocument>(kapal, `/api/v1/operations/${deploy.id}`);
      const service = result?.services[0];
      const message = service?.error?.message ?? error?.message ?? '';
      return { deploy, outcome: service?.outcome ?? error?.code ?? null, message };
    }),
  );
}

/** A version without a fault goes live, unless a newer one took its place; one with a fault never does. */
export function isExpected({ deploy: { fault, superseded }, outcome }: Ending): boolean {
  if (fault !== 'none') return outcome === 'failed';
  return outcome === 'live' || (superseded && outcome === 'cancelled');
}
