import { KapalError } from '../../model/errors.ts';
import type { RunHandle } from '../../runtime/port.ts';
import type { Dependencies } from '../dependencies.ts';
import { bytesText, type DiskSpace, limitsOf } from '../disk-decision.ts';

/** Milliseconds between looks at the free space, which cost nothing; its folders are measured only when something has grown. */
const pace = 250;

type Needs = Pick<Dependencies, 'disk' | 'clock' | 'settings' | 'runtime' | 'log'>;

const unmeasured = 'what a build writes cannot be measured';

/** As it was when the build began, or was adopted. */
interface Begun {
  readonly space: DiskSpace;
  /** Bytes in its folders. */
  readonly before: number;
}

/** Ends a build that writes more than it may, or while the machine's disk fills: before the logs and the ballast file are given up for it. */
export class BuildDisk implements Disposable {
  readonly #needs: Needs;
  readonly #handle: RunHandle;
  readonly #name: string;
  readonly #folders: readonly string[];
  readonly #declared: number | null;
  readonly #ended = new AbortController();
  #timer: Disposable | null = null;
  #closed = false;

  /** `folders`: where it writes. `limit` in bytes; null: as much as leaves free what is to stay free. */
  constructor(
    needs: Needs,
    build: { name: string; handle: RunHandle; folders: readonly string[]; limit: number | null },
  ) {
    this.#needs = needs;
    this.#handle = build.handle;
    this.#name = build.name;
    this.#folders = build.folders;
    this.#declared = build.limit;
    void this.#watch();
  }

  /** Aborted with the error, once its processes have been killed. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
  }

  async #watch(): Promise<void> {
    const { disk, log } = this.#needs;
    try {
      const space = await disk.space();
      const before = (await disk.sizeOf(this.#folders)) ?? 0;
      this.#next({ space, before });
    } catch (error) {
      log.warn({ err: error, run: this.#handle.id }, unmeasured);
    }
  }

  /** Measuring takes a sixth of the time at most, however many files there are. */
  #next(begun: Begun, after = pace): void {
    if (this.#closed || this.signal.aborted) return;
    const { clock, log } = this.#needs;
    this.#timer = clock.after(after, () => {
      const since = clock.monotonic();
      void this.#look(begun)
        .catch((error: unknown) => log.warn({ err: error, run: this.#handle.id }, unmeasured))
        .then(() => this.#next(begun, Math.max(pace, 5 * (clock.monotonic() - since))));
    });
  }

  async #look({ space: begun, before }: Begun): Promise<void> {
    const { disk, settings } = this.#needs;
    const space = await disk.space();
    const limits = limitsOf(space.total, settings.keepFree);
    const { limit, isFull } = boundsOf({ declared: this.#declared, begun, space, floor: limits });
    if (isFull) return this.#end(this.#machineFull(space, limits.builds));
    // What it wrote has left the free space, so the folders need no look before that has shrunk.
    if (limit === null || begun.free - space.free < limit / 2) return;
    const grown = ((await disk.sizeOf(this.#folders)) ?? before) - before;
    if (grown > limit) await this.#end(this.#tooLarge(grown, limit));
  }

  async #end(error: KapalError): Promise<void> {
    if (this.#closed) return;
    await this.#needs.runtime.signal(this.#handle, 'kill');
    this.#ended.abort(error);
  }

  #tooLarge(grown: number, limit: number): KapalError {
    const said = this.#declared === null ? 'as much as leaves free what is to stay free' : 'build.diskLimit';
    return new KapalError(
      'build_too_large',
      `the build of ${this.#name} was ended: it wrote ${bytesText(grown)}, and may write ${bytesText(limit)} (${said})`,
      {
        hint: 'Look for a command that writes without end. Raise build.diskLimit in kapal.yaml, or free space on the disk, if it needs so much.',
      },
    );
  }

  #machineFull({ free, total }: DiskSpace, wanted: number): KapalError {
    return new KapalError(
      'disk_full',
      `the build of ${this.#name} was ended: only ${bytesText(free)} of ${bytesText(total)} are free on the disk of the data folder, and ${bytesText(wanted)} are to stay free`,
      { hint: 'Free space on that disk, then deploy again; what runs goes on running.' },
    );
  }
}

/** Pure: how much a build may write, and whether the disk is so full that it ends whatever it wrote. */
export function boundsOf(seen: {
  readonly declared: number | null;
  readonly begun: DiskSpace;
  readonly space: DiskSpace;
  readonly floor: { readonly builds: number; readonly logs: number };
}): { readonly limit: number | null; readonly isFull: boolean } {
  const { declared, begun, space, floor } = seen;
  const room = floor.builds === 0 ? null : Math.max(0, begun.free - floor.builds);
  return { limit: declared ?? room, isFull: floor.builds > 0 && space.free < floor.logs };
}
