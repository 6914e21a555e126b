import type { DiskDocument } from '../api/contract/types.ts';
import { KapalError } from '../model/errors.ts';
import type { Dependencies } from './dependencies.ts';
import { bytesText, type DiskAction, type DiskSpace, type DiskState, decideDisk, limitsOf } from './disk-decision.ts';

/** Milliseconds between two looks. */
const pace = 2_000;

/** Watches the free space of the data folder, and gives up what matters least first: see `DiskState`. */
export class DiskGuard {
  readonly #needs: Dependencies;
  readonly #collectTrees: () => Promise<void>;
  readonly #told: () => void;
  #state: DiskState = 'plenty';
  /** What the event stream was told last. */
  #recorded: DiskState = 'plenty';
  #space: DiskSpace | null = null;
  #problem: string | null = null;
  #timer: Disposable | null = null;
  #looking: Promise<void> | null = null;
  #closed = false;

  constructor(parts: { needs: Dependencies; collectTrees: () => Promise<void>; told: () => void }) {
    this.#needs = parts.needs;
    this.#collectTrees = parts.collectTrees;
    this.#told = parts.told;
  }

  /** Looks once, then again and again. */
  async begin(): Promise<void> {
    await this.look();
    this.#later();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
  }

  /** Never rejects: what does not work now is tried at the next look. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#needs.log.warn({ err: error }, 'the disk could not be looked after'))
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  document(): DiskDocument {
    const { free = 0, total = 0 } = this.#space ?? {};
    return { freeBytes: free, totalBytes: total, state: this.#state, problem: this.#problem };
  }

  /** Throws `disk_full` while there is too little room to begin a build. */
  async admitBuild(): Promise<void> {
    await this.look();
    if (this.#state === 'plenty' || this.#space === null) return;
    const limits = limitsOf(this.#space.total, this.#needs.settings.keepFree);
    const usage = (await this.#needs.disk.usage()).slice(0, 4).join(', ');
    throw new KapalError('disk_full', `no build is begun: ${tightness(this.#space, limits.builds)}`, {
      hint: `${usage === '' ? '' : `The data folder holds ${usage}. `}Free space on that disk, then deploy again; what runs goes on running. The limit is set by "kapal up --keep-free SIZE".`,
    });
  }

  /** Bytes that may be written before builds are refused; null where the guard is off. Throws as `admitBuild` does. */
  async room(): Promise<number | null> {
    await this.admitBuild();
    if (this.#space === null) return null;
    const { builds } = limitsOf(this.#space.total, this.#needs.settings.keepFree);
    return builds === 0 ? null : this.#space.free - builds;
  }

  async #look(): Promise<void> {
    const { disk, settings } = this.#needs;
    const space = await disk.space();
    const limits = limitsOf(space.total, settings.keepFree);
    const decision = decideDisk({ space, limits, ballast: await disk.ballast(), before: this.#state });
    this.#space = space;
    this.#state = decision.state;
    this.#problem =
      decision.state === 'plenty' ? null : `${tightness(space, limits.builds)}: ${consequence[decision.state]}`;
    for (const action of decision.actions) await this.#act(action);
    // After the acts: on a disk that is full to its last byte the record can be written only now.
    this.#record();
  }

  async #act(action: DiskAction): Promise<void> {
    const { disk, logs, log } = this.#needs;
    try {
      switch (action.kind) {
        case 'make-ballast':
          return await disk.makeBallast(action.bytes);
        case 'release-ballast':
          await disk.releaseBallast();
          return this.#tell('disk.ballast-released', `the ballast file was given up: ${action.reason}`);
        case 'collect-trees':
          return await this.#collectTrees();
        case 'trim-logs': {
          const removed = await logs.reclaim(action.bytes);
          if (removed > 0)
            this.#tell('disk.logs-trimmed', `the oldest ${removed} lines of logs were removed: ${action.reason}`);
          return;
        }
      }
    } catch (error) {
      log.warn({ err: error, action: action.kind }, 'the disk is short of room, and something that would help failed');
    }
  }

  /** Each change of state once, as soon as it can be written. */
  #record(): void {
    if (this.#state === this.#recorded) return;
    const message = this.#problem ?? `there is room on the disk again: ${bytesText(this.#space?.free ?? 0)} are free`;
    this.#tell(`disk.${this.#state}`, message);
    this.#recorded = this.#state;
  }

  #tell(kind: string, message: string): void {
    const { store, clock, log } = this.#needs;
    log.warn({ kind }, message);
    store.events.append({ time: clock.now(), kind, service: null, project: null, message });
    this.#told();
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = this.#needs.clock.after(pace, () => void this.look().then(() => this.#later()));
  }
}

const consequence = {
  refusing: 'no build is begun',
  trimming: 'no build is begun, and the oldest logs are removed',
  last: 'no build is begun, the oldest logs are removed, and the ballast file is given up',
} as const satisfies Record<Exclude<DiskState, 'plenty'>, string>;

function tightness({ free, total, freeFiles }: DiskSpace, wanted: number): string {
  const files = freeFiles === null || free >= wanted ? '' : `, and ${freeFiles} files can be made`;
  if (free >= wanted && freeFiles !== null)
    return `only ${freeFiles} more files can be made on the disk of the data folder`;
  return `only ${bytesText(free)} of ${bytesText(total)} are free on the disk of the data folder, and ${bytesText(wanted)} are to stay free${files}`;
}
