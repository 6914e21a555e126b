import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '../../src/edge/policy.ts';
import type { Pool } from '../../src/edge/pool.ts';
import type { HttpChallenge, Route, RouteTable } from '../../src/edge/port.ts';
import { proxyPool } from './edge.ts';
import { PolicyBackend } from './edge-policies-backend.ts';
import type { PolicyCase } from './edge-policies-case.ts';
import type { EngineKind, EngineUnderTest } from './engines.ts';

/** An engine with two applications and a folder of files behind it. */
export class PolicyGround implements AsyncDisposable {
  readonly engine: EngineUnderTest;
  readonly app: PolicyBackend;
  readonly other: PolicyBackend;
  readonly #folder: string;
  #version = 0;

  private constructor(engine: EngineUnderTest, backends: readonly [PolicyBackend, PolicyBackend], folder: string) {
    this.engine = engine;
    [this.app, this.other] = backends;
    this.#folder = folder;
  }

  static async start(kind: EngineKind): Promise<PolicyGround> {
    const folder = mkdtempSync(join(tmpdir(), 'kapal-policies-'));
    layFiles(folder);
    const backends = [await PolicyBackend.start('app'), await PolicyBackend.start('other')] as const;
    const ground = new PolicyGround(await kind.make(), backends, folder);
    await ground.engine.edge.ensure();
    return ground;
  }

  /** Applies routes under policies, beside the pools that are always there. */
  async apply(table: Partial<RouteTable> & Pick<RouteTable, 'routes'>): Promise<void> {
    this.#version += 1;
    await this.engine.edge.apply({ version: this.#version, pools: this.#pools(), streams: [], ...table });
  }

  /** Requests that reached an application under this Host. */
  asked(host: string): number {
    return this.app.asked(host) + this.other.asked(host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.app.release();
    await this.engine[Symbol.asyncDispose]();
    await this.app[Symbol.asyncDispose]();
    await this.other[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #pools(): Pool[] {
    const files = { kind: 'static', service: 'test/production/files', root: this.#folder } as const;
    return [
      { ...proxyPool('app', [this.app.port]), maxBodySize: 65_536 },
      proxyPool('other', [this.other.port]),
      proxyPool('gone', []),
      { ...files, id: 'files', fallback: null },
      { ...files, id: 'spa', fallback: 'index.html' },
    ];
  }
}

/** The cases as one table: each has its host and its policy. */
export function tableOfCases(cases: readonly PolicyCase[]): Pick<RouteTable, 'routes'> & Partial<RouteTable> {
  const routes: Route[] = [];
  const policies: Policy[] = [];
  const challenges: HttpChallenge[] = [];
  for (const [index, { policy, routes: declared = [{}], challenges: tokens = {} }] of cases.entries()) {
    const host = hostOf(index);
    const id = `policy-${index}`;
    if (policy !== undefined) policies.push({ id, ...policy });
    for (const { path = '/', pool = 'app', ...more } of declared)
      routes.push({ host, path, pool, ...more, ...(policy === undefined ? {} : { policy: id }) });
    for (const [token, answer] of Object.entries(tokens)) challenges.push({ host, token, answer });
  }
  return { routes, policies, challenges };
}

export function hostOf(index: number): string {
  return `case-${index}.test`;
}

function layFiles(folder: string): void {
  mkdirSync(join(folder, 'docs'));
  const page = (name: string, text: string): void => writeFileSync(join(folder, name), `<p>${text}</p>`);
  page('index.html', 'welcome');
  page('about.html', 'about us');
  page('docs/index.html', 'documents');
  page('big.html', 'lorem ipsum '.repeat(500));
  page('.hidden.html', 'hidden');
}
