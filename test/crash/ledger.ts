import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { OperationDocument, PersistentDiskDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import type { TestKapal } from '../e2e/kapal.ts';
import { Client } from './client.ts';

/** Writes down its release when it begins. Where another process of the service lives it says so in `two` and ends. A zombie writes no more. */
const program = `
if read -r pid <data/claim && grep -q ') [^Z]' "/proc/$pid/stat"; then
  echo "$KAPAL_INSTANCE beside $pid" >>data/two
  exit 9
fi 2>/dev/null
echo $$ >data/claim
echo "$KAPAL_RELEASE" >>data/journal
exec sleep 100000000
`;

/** A worker beside the shop whose disk outlives its releases, as its only client knows it. */
export class Ledger {
  readonly #kapal: TestKapal;
  readonly #client: Client;
  /** The worker is there; `null`: nothing of it is, `detached`: it is, and its disk is kept though no release declares it. */
  state: 'absent' | 'attached' | 'detached' = 'absent';
  #version = 0;
  /** Releases that wrote on the disk. */
  #written: number[] = [];
  #release = 0;

  constructor(kapal: TestKapal) {
    this.#kapal = kapal;
    this.#client = new Client(kapal);
  }

  /** The next version, with its disk or without. */
  async deploy({ disk }: { readonly disk: boolean }): Promise<void> {
    this.#version += 1;
    const text = [
      'project: ledger',
      'services:',
      '  - type: worker',
      '    name: ledger',
      '    runtime: node',
      '    buildCommand: ""',
      `    startCommand: ${disk ? 'exec sh ledger.sh' : 'exec sleep 100000000'}`,
      '    maxShutdownDelaySeconds: 2',
      '    startTimeoutSeconds: 180',
      ...(disk ? ['    disk: {name: book, mountPath: data, sizeGB: 1}'] : []),
      `    envVars: [{key: VERSION, value: v${this.#version}}]`,
      '',
    ];
    const files = { 'kapal.yaml': text.join('\n'), 'ledger.sh': program, 'index.js': '' };
    const source = await this.#client.send(await this.#kapal.project('ledger', files));
    const request = { project: 'ledger', environment: 'production', source, idempotencyKey: randomUUID() };
    const ended: OperationDocument = await this.#client.ended(await this.#client.begun('/deploys', request));
    const [service] = ended.result?.services ?? [];
    if (service?.outcome !== 'live' || service.release === null)
      throw new Error(`the ledger was to go live: ${JSON.stringify(ended)}`);
    this.#release = service.release;
    if (disk) this.#written.push(service.release);
    this.state = disk ? 'attached' : 'detached';
  }

  /** The project and its disk. */
  async remove(): Promise<void> {
    const { status } = await this.#client.ask('/projects/ledger?withDisks=true', { method: 'DELETE' });
    const isDone = status < 300 || (status === 404 && this.#client.unanswered > 0);
    if (!isDone) throw new Error(`removal of the ledger: ${status}`);
    this.forget();
  }

  /** The disk, which nothing declares any more. */
  async removeDisk(): Promise<void> {
    const before = this.#client.unanswered;
    const path = '/disks/ledger/production/ledger/book';
    const { status, body } = await this.#client.ask(path, { method: 'DELETE' });
    const isDone = status < 300 || (status === 404 && this.#client.unanswered > before);
    if (!isDone) throw new Error(`removal of the disk: ${status} ${JSON.stringify(body)}`);
    this.#written = [];
  }

  forget(): void {
    this.state = 'absent';
    this.#written = [];
    this.#client.unanswered = 0;
  }

  /** I9, and the ledger's part of I2 and I3. */
  violations(services: readonly ServiceDocument[], disks: readonly PersistentDiskDocument[]): string[] {
    const service = services.find((one) => one.service === 'ledger');
    const folder = join(this.#kapal.data, 'disks', 'ledger', 'production', 'ledger', 'book');
    const kept = disks.filter((disk) => disk.project === 'ledger').map(({ state }) => state);
    const wanted = this.#written.length === 0 ? [] : [this.state === 'attached' ? 'attached' : 'detached'];
    return [
      ...(existsSync(join(folder, 'two')) ? [`I9: ${readFileSync(join(folder, 'two'), 'utf8')}`] : []),
      ...(kept.join() === wanted.join() ? [] : [`I9: the disk is to be ${wanted.join()}, and is ${kept.join()}`]),
      ...(existsSync(folder) === wanted.length > 0
        ? []
        : [`I9: the folder of the disk is ${wanted.length > 0 ? 'lost' : 'there'}`]),
      ...this.#journal(folder),
      ...this.#runs(service),
    ];
  }

  /** What each release that went live wrote is there, in their order; a start that did not go live may have written too. */
  #journal(folder: string): string[] {
    const path = join(folder, 'journal');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number) : [];
    const left = [...this.#written];
    for (const line of lines) if (left[0] === line) left.shift();
    return left.length === 0 ? [] : [`I9: of ${this.#written.join()} the disk holds ${lines.join()}`];
  }

  #runs(service: ServiceDocument | undefined): string[] {
    if (this.state === 'absent') return service === undefined ? [] : ['I3: the removed ledger is there'];
    const seen = JSON.stringify(service);
    const [instance, ...others] = service?.instances ?? [];
    const isRight = instance?.state === 'ready' && instance.release === this.#release && others.length === 0;
    return isRight && service?.release === this.#release
      ? []
      : [`I9: one instance of ${this.#release} was to run: ${seen}`];
  }
}
