import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceId } from '../../src/model/service.ts';
import { LogDatabase } from '../../src/observe/logs/database.ts';
import { openLogStore } from '../../src/observe/logs/store.ts';
import { until } from '../patience.ts';
import { judge, seeded, type Verdict } from './cases.ts';
import { Folder } from './history.ts';

const service = 'shop/production/api' as ServiceId;
const origin = { service, kind: 'app', run: 'r1', instance: 'i1', release: 1 } as const;
const quota = 64 << 20;

interface LogImage {
  readonly main: Buffer;
  readonly log: Buffer;
}

/**
 * What a power cut may leave of the log store. It is written without a sync for each line, so its end may go; but it opens, what it holds is the beginning of
 * what was printed, and how far each file was read says the same, so that the next daemon goes on exactly there.
 */
export function logCuts({ seed, offsets }: { readonly seed: number; readonly offsets: number }): Verdict {
  using folder = new Folder();
  const random = seeded(seed);
  const image = logImage(folder.path);
  const drawn = Array.from({ length: offsets }, () => Math.floor(random() * (image.log.length + 1)));
  const path = join(folder.path, 'cut.db');
  return judge(
    'logs: cut at offsets by lot',
    drawn.map((offset) => [`cut at byte ${offset}`, offset] as const),
    (offset) => {
      place(path, { main: image.main, log: image.log.subarray(0, offset) });
      const database = new LogDatabase(path, quota);
      try {
        const stored = database.connection.prepare('SELECT sequence, text FROM lines ORDER BY sequence').all();
        assert.deepEqual(
          stored.map((row) => row['text']),
          stored.map((_, index) => lineOf(index)),
        );
        assert.equal(
          database.progress('r1')?.offset ?? 0,
          stored.reduce((sum, row) => sum + String(row['text']).length + 1, 0),
        );
        database.transaction(() => database.append(origin, ['after'], 1));
        assert.equal(database.newest(), stored.length + 1);
      } finally {
        database.close();
      }
    },
  );
}

/** The same through the store with its thread: it opens, answers and stores, whatever is left of its file. */
export async function logDamage({ seed, each }: { readonly seed: number; readonly each: number }): Promise<Verdict> {
  using folder = new Folder();
  const random = seeded(seed);
  const image = logImage(folder.path);
  const path = join(folder.path, 'damaged.db');
  const failures: string[] = [];
  let cases = 0;
  for (const [name, damage] of Object.entries(damages)) {
    for (let n = 0; n < each; n += 1) {
      cases += 1;
      rmSync(`${path}.damaged`, { force: true });
      place(path, damage(image, random));
      await reads(path).catch((error: unknown) => failures.push(`${name} ${n}: ${String(error)}`));
    }
  }
  return { what: 'logs: file or log torn, opened by the store', cases, failures };
}

async function reads(path: string): Promise<void> {
  const output = `${path}.output`;
  writeFileSync(output, 'printed\n');
  await using store = await openLogStore({ path }).then((opened) => ({
    opened,
    [Symbol.asyncDispose]: () => opened.close(),
  }));
  await store.opened.query({ limit: 10_000 }).catch(() => undefined);
  const attach = (): Promise<boolean> =>
    store.opened.attach({ ...origin, run: 'r2', path: output, masks: [] }).then(
      () => true,
      () => false,
    );
  await until('the store takes a file', attach);
  // A page may be found to be damaged only now: then the file is put aside, and the thread begins again.
  await store.opened.flush('r2').catch(() => undefined);
  await settled(store.opened);
}

async function settled(store: Awaited<ReturnType<typeof openLogStore>>): Promise<void> {
  await until('the line is stored', async () => {
    await store.flush('r2').catch(() => undefined);
    return store.query({ run: 'r2', limit: 10 }).then(
      (lines) => lines.some(({ text }) => text === 'printed'),
      () => false,
    );
  });
}

const damages: Readonly<Record<string, (image: LogImage, random: () => number) => LogImage>> = {
  'log cut': ({ main, log }, random) => ({ main, log: log.subarray(0, Math.floor(random() * log.length)) }),
  'file cut': ({ main, log }, random) => ({ main: main.subarray(0, Math.floor(random() * main.length)), log }),
  'file and log cut': ({ main }, random) => ({
    main: main.subarray(0, Math.floor(random() * main.length)),
    log: Buffer.alloc(0),
  }),
  'page overwritten': ({ main }, random) => {
    const torn = Buffer.from(main);
    const page = 4_096 * Math.floor((random() * main.length) / 4_096);
    torn.fill(0xa5, page, page + 4_096);
    return { main: torn, log: Buffer.alloc(0) };
  },
};

function logImage(folder: string): LogImage {
  const path = join(folder, 'history.db');
  const database = new LogDatabase(path, quota);
  let line = 0;
  let offset = 0;
  const write = (lines: number): void =>
    database.transaction(() => {
      const texts = Array.from({ length: lines }, (_, index) => lineOf(line + index));
      line += lines;
      offset += texts.reduce((sum, text) => sum + text.length + 1, 0);
      database.append(origin, texts, 1_000);
      database.saveProgress('r1', { offset, position: 'start', dropped: 0 });
    });
  for (let n = 0; n < 20; n += 1) write(20);
  database.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const main = copied(path);
  for (let n = 0; n < 60; n += 1) write(1 + ((n * 7) % 30));
  const log = copied(`${path}-wal`);
  database.close();
  return { main, log };
}

function lineOf(index: number): string {
  return `line ${index} ${'x'.repeat((index * 37) % 300)}`;
}

function copied(path: string): Buffer {
  return spawnSync('cat', [path], { maxBuffer: 1 << 28 }).stdout;
}

function place(path: string, { main, log }: LogImage): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  writeFileSync(path, main);
  if (log.length > 0) writeFileSync(`${path}-wal`, log);
}
