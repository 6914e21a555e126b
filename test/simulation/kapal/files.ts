import { KapalError } from '../../../src/model/errors.ts';
import type { ArtifactStore, SourceStore } from '../../../src/reconcile/dependencies.ts';
import { SimulatedDisks } from '../engine/simulated-disks.ts';
import type { Faults } from './faults.ts';
import type { Time } from './time.ts';

/** As `source/sources.ts` has it, with fewer trees that are kept without use. */
const kept = 2;
const spared = 15 * 60_000;

const root = '/simulated/releases';

/** What is on the disk beside the record: trees by digest, artifacts. A copy that is cut short leaves a part of itself. */
export class Disk {
  /** Texts of kapal.yaml by digest, and when each was last asked for. */
  readonly trees = new Map<string, { readonly text: string; at: number }>();
  /** Folders, and whether all of it is there. */
  readonly folders = new Map<string, 'whole' | 'part'>();
  /** What a remote's branch holds now: a digest. */
  remote: string | null = null;
  readonly disks = new SimulatedDisks();
  readonly #time: Time;

  constructor(time: Time) {
    this.#time = time;
  }

  put(digest: string, text: string): void {
    this.trees.set(digest, { text, at: this.#time.wall });
  }

  sources(faults: Faults, isAlive: () => boolean): SourceStore {
    return {
      has: (digest) => {
        const tree = this.trees.get(digest);
        if (tree !== undefined) tree.at = this.#time.wall;
        return Promise.resolve(tree !== undefined);
      },
      put: () => Promise.reject(new KapalError('internal', 'simulated clients put trees by themselves')),
      files: (digest) => {
        const text = this.trees.get(digest)?.text;
        if (text === undefined) return Promise.reject(new KapalError('not_found', `no tree ${digest}`));
        const read = (path: string): string | null => (path === 'kapal.yaml' ? text : null);
        return Promise.resolve({ read, head: read, list: () => ['kapal.yaml'] });
      },
      copyTo: async (_, folder) => {
        await faults.effect(isAlive, () => this.folders.set(folder, 'part'));
        await faults.effect(isAlive, () => this.folders.set(folder, 'whole'));
      },
      fetch: async ({ url, branch }) => {
        await faults.pause(5, 2_000);
        if (faults.hits(0.5) || this.remote === null)
          throw new KapalError('source_failed', 'simulated: no route to host');
        const digest = this.remote;
        return { record: { kind: 'git', digest, url, branch, commit: null, author: null, subject: null }, notices: [] };
      },
      unused: () => Promise.resolve([]),
      unusedMirrors: () => Promise.resolve([]),
      removeMirror: () => Promise.resolve(),
      changes: () => Promise.resolve(null),
      makeKey: () => Promise.reject(new KapalError('internal', 'simulated clients add no hooks')),
      keep: () => Promise.reject(new KapalError('internal', 'simulated clients do not push')),
      collect: (inUse) => faults.effect(isAlive, () => this.#collect(inUse)),
    };
  }

  artifacts(faults: Faults, isAlive: () => boolean): ArtifactStore {
    return {
      folder: (service, artifact) => `${root}/${service}/${artifact}`,
      sync: () => faults.effect(isAlive, () => undefined),
      protect: () => faults.effect(isAlive, () => undefined),
      remove: (path) => faults.effect(isAlive, () => void this.folders.delete(path)),
      hasFolder: (artifact) => Promise.resolve(this.folders.get(artifact) === 'whole'),
      list: (service) => Promise.resolve(this.of(service)),
      forget: (service) => faults.effect(isAlive, () => this.of(service).forEach((path) => this.folders.delete(path))),
    };
  }

  of(service: string): readonly string[] {
    return [...this.folders.keys()].filter((path) => path.startsWith(`${root}/${service}/`));
  }

  #collect(inUse: ReadonlySet<string>): void {
    const unused = [...this.trees].filter(([digest]) => !inUse.has(digest)).toSorted(([, a], [, b]) => b.at - a.at);
    for (const [digest, { at }] of unused.slice(kept)) if (at < this.#time.wall - spared) this.trees.delete(digest);
  }
}
