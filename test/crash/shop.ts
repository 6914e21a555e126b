import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeployedService, OperationDocument, ReleaseDocument } from '../../src/api/contract/types.ts';
import type { Outcome } from '../../src/model/deploy.ts';
import { runGit } from '../integration/source-fixtures.ts';
import { serveGit } from '../integration/source-git-server.ts';
import type { TestKapal } from '../e2e/kapal.ts';
import { gitIn } from '../e2e/pushing.ts';
import { server } from '../e2e/survival.ts';
import { until } from '../patience.ts';
import { Client } from './client.ts';
import { Ledger } from './ledger.ts';
import { recordOf } from './record.ts';

export const host = 'shop.localhost';
export const domain = 'kopi.example.com';

/** Nowhere in clear but in the vault and in the environment of the service that each belongs to. */
export const secrets = { shop: 'planted-6b2f90c1d7', warung: 'planted-c04e71aa39' } as const;

export type Fault = 'none' | 'build' | 'boot' | 'endless build' | 'endless prepare';

const commands: Readonly<Record<Fault, readonly [build: string, prepare: string, start: string]>> = {
  none: ['echo built', 'echo prepared', 'node server.js'],
  build: ['echo cannot; exit 3', 'echo prepared', 'node server.js'],
  boot: ['echo built', 'echo prepared', 'exit 4'],
  'endless build': ['sleep 9000', 'echo prepared', 'node server.js'],
  'endless prepare': ['echo built', 'sleep 9000', 'node server.js'],
};

/** One service, in versions that say in their answers which they are, as its only client knows it: what was acknowledged is written down here. */
export class Shop {
  readonly kapal: TestKapal;
  readonly client: Client;
  /** Beside it. */
  readonly ledger: Ledger;
  isThere = false;
  isStopped = false;
  instances = 2;
  hasDomain = false;
  /** Of the current release. */
  release = 0;
  /** Mode that is set by command; null: what is declared holds. */
  set: string | null = null;
  /** What the answers of each live release say, and what was declared for it. */
  readonly releases = new Map<number, { readonly shown: string; readonly declared: string }>();
  #version = 0;
  #git: { readonly url: string; close(): unknown } | null = null;

  constructor(kapal: TestKapal) {
    this.kapal = kapal;
    this.client = new Client(kapal);
    this.ledger = new Ledger(kapal);
  }

  get shown(): string {
    return this.releases.get(this.release)?.shown ?? '';
  }

  /** The mode of the newest version. */
  get mode(): string {
    return `v${this.#version}`;
  }

  /** The next version, in a folder of its own. `fault`: what is wrong with it. */
  async next(fault: Fault = 'none'): Promise<string> {
    this.#version += 1;
    return this.kapal.project('shop', { 'kapal.yaml': this.#declaration(fault), 'server.js': server });
  }

  /** The next version as a commit; answers the URL that the daemon fetches it from. */
  async commit(): Promise<string> {
    this.#git ??= await this.#serve();
    const folder = join(this.kapal.folder, 'git', 'shop');
    this.#version += 1;
    writeFileSync(join(folder, 'kapal.yaml'), this.#declaration('none'));
    writeFileSync(join(folder, 'server.js'), server);
    runGit(folder, 'add', '--all');
    runGit(folder, 'commit', '--quiet', '-m', this.mode);
    return this.#git.url;
  }

  /** The next version, pushed until git says that it is there; answers its commit. */
  async push(): Promise<string> {
    await this.commit();
    const folder = join(this.kapal.folder, 'git', 'shop');
    const commit = runGit(folder, 'rev-parse', 'HEAD').trim();
    const token = readFileSync(join(this.kapal.data, 'keys', 'api-token'), 'utf8').trim();
    const remote = `http://any:${token}@127.0.0.1:${this.kapal.api}/git/shop.git`;
    await until(
      'the push is taken',
      async () => (await gitIn(folder, ['push', '--force', remote, 'HEAD:main'])).code === 0,
    );
    return commit;
  }

  /** Notes what an acknowledged deploy led to; throws where that is not as it should be. */
  released(operation: OperationDocument, outcome: Outcome, said: { shown: string; declared: string }): void {
    const service = this.requireOutcome(operation, outcome);
    if (outcome !== 'live' || service.release === null) return;
    if (this.releases.has(service.release)) throw new Error(`release ${service.release} was made before`);
    this.releases.set(service.release, said);
    this.release = service.release;
    this.isThere = true;
  }

  /** The only service of an operation that ended as it should. */
  requireOutcome(operation: OperationDocument, outcome: Outcome): DeployedService {
    const [service] = operation.result?.services ?? [];
    if (service?.outcome === outcome) return service;
    throw new Error(`${outcome} was expected: ${JSON.stringify(operation)}`);
  }

  /** Of a release that was made of a version just deployed. */
  deployed(operation: OperationDocument, outcome: Outcome = 'live'): void {
    this.released(operation, outcome, { shown: this.set ?? this.mode, declared: this.mode });
  }

  /** Of a release that was made of the current one with variables as they are now. */
  renewed(operation: OperationDocument): void {
    const declared = this.releases.get(this.release)?.declared ?? '';
    this.released(operation, 'live', { shown: this.set ?? declared, declared });
  }

  /** Of a change whose release came of a command that nobody was told of: what is current once all is done is that release. */
  async adopt(): Promise<void> {
    const declared = this.releases.get(this.release)?.declared ?? '';
    await until('nothing is under way', () =>
      recordOf(
        this.kapal,
        (record) => record.prepare("SELECT 1 FROM operations WHERE state = 'running'").get() === undefined,
      ),
    );
    const row = recordOf(this.kapal, (record) =>
      record.prepare("SELECT current FROM services WHERE id = 'shop/production/shop'").get(),
    );
    this.release = Number(row?.['current']);
    this.releases.set(this.release, { shown: this.set ?? declared, declared });
  }

  /** A release that a rollback changes something by, newest first; null where there is none. */
  async earlier(): Promise<number | null> {
    const { body } = await this.client.ask('/services/shop/releases');
    const able = (body as readonly ReleaseDocument[])
      .filter(({ available }) => available)
      .map(({ release }) => release);
    const other = able.filter((release) => (this.releases.get(release)?.shown ?? this.shown) !== this.shown);
    return other.toSorted((a, b) => b - a)[0] ?? null;
  }

  forget(): void {
    this.isThere = false;
    this.isStopped = false;
    this.hasDomain = false;
    this.instances = 2;
    this.release = 0;
    this.set = null;
    this.releases.clear();
  }

  close(): void {
    this.#git?.close();
  }

  #declaration(fault: Fault): string {
    const [build, prepare, start] = commands[fault];
    return [
      'project: shop',
      'services:',
      '  - type: web',
      '    name: shop',
      '    runtime: node',
      `    buildCommand: ${build}`,
      `    preDeployCommand: ${prepare}`,
      `    startCommand: ${start}`,
      '    healthCheckPath: /healthz',
      '    maxShutdownDelaySeconds: 2',
      // A run with several kills has all of their starts within one rollout.
      '    startTimeoutSeconds: 180',
      '    numInstances: 2',
      `    envVars: [{key: MODE, value: ${this.mode}}, {key: SECRET, sync: false}]`,
      '',
    ].join('\n');
  }

  async #serve(): Promise<{ url: string; close(): unknown }> {
    const root = await this.kapal.project('git', { README: '' });
    runGit(root, 'init', '--quiet', '--initial-branch=main', 'shop');
    let close: () => unknown = () => undefined;
    const { origin } = await serveGit({ after: (end) => void (close = end as () => unknown) }, root);
    return { url: `${origin}/shop/.git`, close };
  }
}
