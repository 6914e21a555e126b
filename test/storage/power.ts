import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/state/open.ts';
import { judge, seeded, type Verdict } from './cases.ts';
import { contentOf, Folder, type Image, pageSizeOf, recordImage } from './history.ts';

/** How many of each kind; `seed` of what is drawn by lot. */
export interface PowerCuts {
  readonly seed: number;
  /** Every n-th frame boundary. */
  readonly everyFrame: number;
  readonly offsets: number;
  readonly tails: number;
  readonly checkpoints: number;
}

/** What a power cut may leave of the record, opened as the daemon does. The last sync is the acknowledgement: nothing before it may be lost, nothing be half there. */
export function powerCuts(counts: PowerCuts): Verdict[] {
  using folder = new Folder();
  const random = seeded(counts.seed);
  const verdicts: Verdict[] = [];
  for (const wrapped of [false, true]) {
    const image = recordImage(folder.path, { wrapped });
    const opened = new Opened(folder.path, image);
    const label = wrapped ? 'log begun anew' : 'first log';
    const at = (offset: number): readonly [string, number] => [`cut at byte ${offset}`, offset];
    const boundaries = [0, 32, ...image.frames].filter((_, index) => index % counts.everyFrame === 0);
    const drawn = Array.from({ length: counts.offsets }, () => Math.floor(random() * (image.log.length + 1)));
    verdicts.push(
      judge(`record, ${label}: cut at frame boundaries`, boundaries.map(at), (offset) => opened.cut(offset)),
      judge(`record, ${label}: cut at offsets by lot`, drawn.map(at), (offset) => opened.cut(offset)),
      judge(`record, ${label}: what follows the last sync is torn`, tails(image, counts.tails, random), (tail) =>
        opened.tail(tail),
      ),
      judge(`record, ${label}: wal-index missing, cut or strange`, indexes(random), (index) => opened.index(index)),
      judge(`record, ${label}: checkpoint torn`, tornCheckpoints(image, counts.checkpoints, random), (main) =>
        opened.checkpoint(main),
      ),
    );
    rmSync(join(folder.path, 'history.db'));
  }
  return verdicts;
}

interface Tail {
  /** Whole up to here. */
  readonly synced: number;
  readonly after: Buffer;
}

/** A record that is made of an image, opened, and held against what was acknowledged. */
class Opened {
  readonly #path: string;
  readonly #image: Image;

  constructor(folder: string, image: Image) {
    this.#path = join(folder, 'record.db');
    this.#image = image;
  }

  cut(offset: number): void {
    this.#expect({ log: this.#image.log.subarray(0, offset) }, this.#acknowledgedAt(offset));
  }

  /** Garbage is no transaction: exactly what was acknowledged is there. */
  tail({ synced, after }: Tail): void {
    this.#expect({ log: Buffer.concat([this.#image.log.subarray(0, synced), after]) }, this.#acknowledgedAt(synced));
  }

  index(index: Buffer | null): void {
    this.#expect({ index }, this.#image.commits.length - 1);
  }

  checkpoint(main: Buffer): void {
    this.#expect({ main }, this.#image.commits.length - 1);
  }

  /** How many transactions have their whole extent before the offset. */
  #acknowledgedAt(offset: number): number {
    return this.#image.commits.findLastIndex(({ end }) => end <= offset);
  }

  #expect(
    {
      main = this.#image.main,
      log = this.#image.log,
      index = null,
    }: { main?: Buffer; log?: Buffer; index?: Buffer | null },
    commit: number,
  ): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#path + suffix, { force: true });
    writeFileSync(this.#path, main, { mode: 0o600 });
    writeFileSync(`${this.#path}-wal`, log);
    if (index !== null) writeFileSync(`${this.#path}-shm`, index);
    const store = openStore(this.#path);
    try {
      // Cut before the state that the image begins with was logged: sound is all that can be asked for.
      const content = contentOf(this.#path);
      if (commit >= 0)
        assert.equal(
          content,
          this.#image.commits[commit]?.content,
          `not what was acknowledged (${commit} transactions)`,
        );
      store.facts.set('after', 'written');
    } finally {
      store.close();
    }
    const again = openStore(this.#path);
    assert.equal(again.facts.get('after'), 'written');
    again.close();
  }
}

/** Sectors of unsynced frames reach the disk in any order, or as something else. */
function* tails(image: Image, count: number, random: () => number): Generator<readonly [string, Tail]> {
  const { log, commits } = image;
  for (let n = 0; n < count; n += 1) {
    const index = Math.floor(random() * (commits.length - 1));
    const [synced, next] = [commits[index]?.end ?? 0, commits[index + 1]?.end ?? log.length];
    const true_ = Buffer.from(log.subarray(synced, next));
    const kind = ['garbage', 'zeros', 'bit', 'sector', 'stale'][n % 5] ?? '';
    yield [`${kind} after transaction ${index}`, { synced, after: torn(kind, { true_, log, random }) }];
  }
}

/** Never the true frames: they would be a commit that was merely not acknowledged yet. */
function torn(kind: string, { true_, log, random }: { true_: Buffer; log: Buffer; random: () => number }): Buffer {
  const after = Buffer.from(true_);
  const at = Math.floor(random() * after.length);
  switch (kind) {
    case 'garbage':
      return Buffer.from(Array.from({ length: after.length }, () => Math.floor(random() * 256)));
    case 'zeros':
      return after.fill(0, at);
    case 'bit':
      after[at] = (after[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return after;
    case 'sector': {
      const sector = at - (at % 512);
      after.fill(0xff, sector, Math.min(after.length, sector + 512));
      return after;
    }
    default:
      return Buffer.from(log.subarray(32, 32 + after.length));
  }
}

function* indexes(random: () => number): Generator<readonly [string, Buffer | null]> {
  yield ['missing', null];
  yield ['empty', Buffer.alloc(0)];
  for (const length of [1, 100, 136, 4_096, 32_768, 65_536]) {
    yield [`${length} zeros`, Buffer.alloc(length)];
    yield [`${length} bytes by lot`, Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))];
  }
}

/** The log is whole; of the pages that were being carried over any may be new, old, or new in some of its sectors, and the file long or short. */
function* tornCheckpoints(image: Image, count: number, random: () => number): Generator<readonly [string, Buffer]> {
  const size = pageSizeOf(image);
  const pages = image.checkpointed.length / size;
  for (let n = 0; n < count; n += 1) {
    const main = Buffer.alloc(
      random() < 0.5 ? image.checkpointed.length : Math.max(image.main.length, size * Math.ceil(random() * pages)),
    );
    image.main.copy(main);
    // In the order of their numbers first, as SQLite writes them; then in any.
    const ordered = n < count / 2 ? Math.floor((n / (count / 2)) * (pages + 1)) : null;
    for (let page = 0; page < pages; page += 1) {
      const from = page * size;
      const isNew = ordered === null ? random() < 0.5 : page < ordered;
      if (isNew) image.checkpointed.copy(main, from, from, from + size);
      else if (page === ordered || random() < 0.1) {
        const sector = from + 512 * Math.floor((random() * size) / 512);
        image.checkpointed.copy(main, sector, sector, sector + 512);
      }
    }
    yield [`checkpoint ${n}`, main];
  }
}
