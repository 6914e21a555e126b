import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeployDocument, DeployRequest } from '../../../src/api/contract/types.ts';
import { createSimulatedBuilder } from '../../../src/build/simulated/driver.ts';
import { createSimulatedEdge, type SimulatedEdge } from '../../../src/edge/simulated/driver.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { isPortFree } from '../../../src/lib/free-port.ts';
import { availableMemory } from '../../../src/daemon/memory.ts';
import { Artifacts } from '../../../src/release/artifacts.ts';
import type { Dependencies } from '../../../src/reconcile/dependencies.ts';
import { decisions } from '../../../src/reconcile/decisions.ts';
import { Engine } from '../../../src/reconcile/engine.ts';
import type { RunSpec } from '../../../src/runtime/port.ts';
import type { Behaviour } from '../../../src/runtime/simulated/behaviour.ts';
import { createSimulatedRuntime, type SimulatedRuntime } from '../../../src/runtime/simulated/driver.ts';
import { createVault } from '../../../src/secrets/vault.ts';
import { openStore } from '../../../src/state/open.ts';
import type { Store } from '../../../src/state/store.ts';
import { Logs } from '../kapal/logs.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedDisks } from './simulated-disks.ts';
import { SimulatedAnswers } from './simulated-answers.ts';
import { withoutAuthorities } from './without-authorities.ts';
import { simulatedSettings } from '../settings.ts';
import { withoutLeftovers } from '../leftovers.ts';
import { withoutPushes } from '../pushes.ts';

export interface SimulatedKapal extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly edge: SimulatedEdge;
  readonly runtime: SimulatedRuntime;
  readonly disk: SimulatedDisk;
  readonly disks: SimulatedDisks;
  /** What the kernel says of the machine's memory from now on (proc_meminfo(5)); nothing until it is called. Mebibytes. */
  saysMemory(total: number, available: number): Promise<void>;
  /** What endpoints answer to checks. */
  readonly answers: SimulatedAnswers;
  /** What the daemon's log said above info. */
  readonly complaints: string[];
  /** The trees that were in use at the last collection. */
  collected(): ReadonlySet<string>;
  /** From now on a remote holds the text that this answers, when it does. */
  fetches(text: () => Promise<string>): void;
  /** Deploys this kapal.yaml and waits for the outcome. */
  deploy(yaml: string, more?: Partial<DeployRequest>): Promise<DeployDocument>;
  /** The daemon dies and another takes over the same record and world. */
  restart(): Promise<SimulatedKapal>;
}

export interface SimulatedOptions {
  readonly behaviour?: (run: RunSpec) => Partial<Behaviour>;
  readonly buildSlots?: number;
  readonly startSlots?: number;
}

interface World {
  readonly folder: string;
  readonly store: Store;
  readonly edge: SimulatedEdge;
  readonly runtime: SimulatedRuntime;
  readonly disk: SimulatedDisk;
  readonly disks: SimulatedDisks;
  readonly sources: Map<string, string>;
  readonly answers: SimulatedAnswers;
  readonly key: Uint8Array;
  collected: ReadonlySet<string>;
  remote: (() => Promise<string>) | null;
}

/** The real engine and record over simulated runtime, edge and builder; sources are texts of kapal.yaml. */
export async function simulatedKapal(options: SimulatedOptions = {}): Promise<SimulatedKapal> {
  const behaviour = options.behaviour;
  const world: World = {
    folder: await mkdtemp(join(tmpdir(), 'kapal-engine-')),
    store: openStore(':memory:'),
    edge: createSimulatedEdge({ clock: systemClock }),
    runtime: createSimulatedRuntime(
      behaviour === undefined ? { clock: systemClock } : { clock: systemClock, behaviour },
    ),
    disk: new SimulatedDisk(),
    disks: new SimulatedDisks(),
    sources: new Map(),
    answers: new SimulatedAnswers(),
    key: randomBytes(32),
    collected: new Set(),
    remote: null,
  };
  return begin(world, options);
}

async function begin(world: World, options: SimulatedOptions): Promise<SimulatedKapal> {
  const complaints: string[] = [];
  const engine = new Engine(dependencies(world, { options, complaints }), () => undefined);
  await engine.begin();
  return {
    engine,
    store: world.store,
    edge: world.edge,
    runtime: world.runtime,
    disk: world.disk,
    disks: world.disks,
    answers: world.answers,
    complaints,
    collected: () => world.collected,
    saysMemory: (total, available) => writeFile(join(world.folder, 'meminfo'), meminfo(total * 1024, available * 1024)),
    fetches: (text) => void (world.remote = text),
    async deploy(yaml, more = {}) {
      const digest = keep(world, yaml);
      const operation = await engine.deploy({
        environment: 'production',
        source: { kind: 'folder', digest, name: 'shop', git: null },
        ...more,
      });
      return outcomeOf(engine, operation.id);
    },
    async restart() {
      await engine.close();
      return begin(world, options);
    },
    async [Symbol.asyncDispose]() {
      await engine.close();
      await rm(world.folder, { recursive: true, force: true });
    },
  };
}

/** Answers the digest under which the tree is there. */
function keep(world: World, yaml: string): string {
  const digest = `sha256-${createHash('sha256').update(yaml).digest('hex')}`;
  world.sources.set(digest, yaml);
  return digest;
}

export async function outcomeOf(engine: Engine, operation: string): Promise<DeployDocument> {
  for await (const event of engine.follow(operation, AbortSignal.timeout(60_000))) {
    if (event.kind !== 'finished') continue;
    if (event.operation.result !== null) return event.operation.result;
    throw new Error(event.operation.error?.message ?? 'no result');
  }
  throw new Error('the operation did not finish in time');
}

function dependencies(world: World, parts: { options: SimulatedOptions; complaints: string[] }): Dependencies {
  const { store, edge, runtime } = world;
  const complain = (facts: object, message: string) =>
    void parts.complaints.push(
      `${message} ${JSON.stringify(facts, (_, value: unknown) => (value instanceof Error ? value.message : value))}`,
    );
  return {
    store,
    edge,
    runtime,
    builder: createSimulatedBuilder(),
    ...withoutLeftovers(),
    sources: {
      has: (digest) => Promise.resolve(world.sources.has(digest)),
      put: () => Promise.reject(new Error('simulated sources are put by deploy()')),
      files: (digest) =>
        Promise.resolve({
          read: (path) => (path === 'kapal.yaml' ? (world.sources.get(digest) ?? null) : null),
          head: () => null,
          list: () => ['kapal.yaml'],
        }),
      copyTo: async (_, folder) => void (await mkdir(folder, { recursive: true })),
      fetch: async ({ url, branch }) => {
        if (world.remote === null) throw new Error('no remotes here');
        const digest = keep(world, await world.remote());
        return { record: { kind: 'git', digest, url, branch, commit: null, author: null, subject: null }, notices: [] };
      },
      unused: () => Promise.resolve([]),
      unusedMirrors: () => Promise.resolve([]),
      removeMirror: () => Promise.resolve(),
      changes: () => Promise.resolve(null),
      makeKey: () => Promise.reject(new Error('nobody adds hooks here')),
      keep: () => Promise.reject(new Error('nobody pushes here')),
      collect: (inUse) => Promise.resolve(void (world.collected = inUse)),
    },
    repositories: withoutPushes(),
    artifacts: withoutFiles(new Artifacts(join(world.folder, 'releases'))),
    disks: world.disks.store(),
    vault: createVault(world.key),
    logs: new Logs().store(),
    prober: {
      http: () => Promise.resolve({ ok: true, detail: 'answered 200' }),
      tcp: () => Promise.resolve({ ok: true, detail: 'accepted' }),
      upstream: ({ address, port }) => Promise.resolve(world.answers.upstream(`${address}:${port}`)),
      alive: ({ address, port }) => Promise.resolve(world.answers.alive(`${address}:${port}`)),
    },
    clock: systemClock,
    isPortFree,
    decisions,
    random: { bytes: (count) => randomBytes(count), fraction: () => Math.random() },
    log: { info: () => undefined, warn: complain, error: complain },
    certificates: withoutAuthorities(),
    disk: world.disk,
    memory: () => availableMemory(join(world.folder, 'meminfo')),
    settings: simulatedSettings(world.folder, {
      buildSlots: parts.options.buildSlots ?? 2,
      startSlots: parts.options.startSlots ?? 4,
    }),
  };
}

/** The first lines as Linux 6 writes them; kibibytes. */
function meminfo(total: number, available: number): string {
  const line = (name: string, value: number) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`;
  return line('MemTotal', total) + line('MemFree', 102_400) + line('MemAvailable', available) + line('Buffers', 4_096);
}

/** Nothing is copied, so there is nothing to open to readers. */
function withoutFiles(artifacts: Artifacts): Dependencies['artifacts'] {
  return {
    folder: (service, artifact) => artifacts.folder(service, artifact),
    sync: () => Promise.resolve(),
    protect: () => Promise.resolve(),
    remove: (path) => artifacts.remove(path),
    hasFolder: () => Promise.resolve(true),
    list: (service) => artifacts.list(service),
    forget: (service) => artifacts.forget(service),
  };
}
