import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../src/daemon/data-folder.ts';
import { diskOf } from '../../src/daemon/disk.ts';
import { TablePublisher } from '../../src/edge/embedded/publisher.ts';
import { emptyTable } from '../../src/edge/embedded/table-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { writeDurably } from '../../src/lib/files.ts';
import { syncTree } from '../../src/lib/tree/sync.ts';
import { errorDocument } from '../../src/model/errors.ts';
import type { ServiceId } from '../../src/model/service.ts';
import { LogDatabase } from '../../src/observe/logs/database.ts';
import { openVault } from '../../src/secrets/vault.ts';
import { Sources } from '../../src/source/sources.ts';
import { openStore } from '../../src/state/open.ts';
import { inPieces, rawTar } from '../integration/source-tar.ts';
import type { Verdict } from './cases.ts';
import type { DiskKind, SmallDisk } from './small-disk.ts';

/** Something that is written to disk: the work, and what has to hold of it afterwards. */
interface Place {
  readonly name: string;
  /** With room: what the work stands on. Once before each case. */
  readonly prepare?: () => Promise<void> | void;
  readonly work: () => Promise<unknown>;
  /** `done`: the work said that it was. With room again. */
  readonly judge: (done: boolean) => Promise<void> | void;
}

/** The work of every place with 0, 1, 2, ... pages left until it finds room: no false success, nothing half there, nothing left behind, and the same work succeeds once there is room. */
export async function fullPlaces(
  disk: SmallDisk,
  { kind, every }: { kind: DiskKind; every: number },
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const place of await placesOn(disk.path)) {
    const failures: string[] = [];
    let cases = 0;
    let refused = 0;
    for (let pages = 0; pages < 300; pages += every) {
      cases += 1;
      const outcome = await withPages(place, { disk, pages });
      if (outcome.failure !== null) failures.push(`${pages} pages left: ${outcome.failure}`);
      if (outcome.refused) refused += 1;
      else break;
    }
    const how = kind === 'memory' ? 'no space (ENOSPC)' : 'failing late, at fsync';
    verdicts.push({ what: `${place.name}: ${how}`, cases, failures, note: `${refused} refused` });
  }
  return verdicts;
}

async function withPages(
  place: Place,
  { disk, pages }: { disk: SmallDisk; pages: number },
): Promise<{ refused: boolean; failure: string | null }> {
  let refused = false;
  try {
    await place.prepare?.();
    disk.fill(pages);
    const error = await place.work().then(
      () => null,
      (reason: unknown) => ({ reason }),
    );
    refused = error !== null;
    if (error !== null) {
      assert.ok(isOfDisk(error.reason), `it was said that ${String(error.reason)}`);
    }
    disk.release();
    await place.judge(!refused);
    if (refused) await place.work();
    await place.judge(true);
    return { refused, failure: null };
  } catch (error) {
    return { refused, failure: error instanceof Error ? error.message : String(error) };
  } finally {
    disk.release();
  }
}

/** Of the log store's file in SQLite's own words, which its thread puts into ours: SQLITE_FULL, SQLITE_IOERR. */
function isOfDisk(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null;
  return code === 13 || code === 10 || ['disk_full', 'disk_failed'].includes(errorDocument(error).code);
}

async function placesOn(root: string): Promise<Place[]> {
  const sources = new Sources({ folder: join(root, 'sources'), gitFolder: join(root, 'git'), clock: systemClock });
  const tar = rawTar(
    ...Array.from({ length: 12 }, (_, n) => ({ name: `d${n % 3}/f${n}`, content: 'x'.repeat(3_000 * n) })),
  );
  const digest = await digestOf(sources, tar);
  return [
    source(root, { sources, tar, digest }),
    release(root, { sources, tar, digest }),
    file(root),
    key(root),
    table(root),
    logs(root),
    record(root),
    ballast(root),
  ];
}

interface Tree {
  readonly sources: Sources;
  readonly tar: Buffer;
  readonly digest: string;
}

/** The store says which digest it found instead of the one that was announced. */
async function digestOf(sources: Sources, tar: Buffer): Promise<string> {
  const error = await sources.put(`sha256-${'0'.repeat(64)}`, inPieces(tar)).catch(String);
  const [found] = /sha256-(?!0{64})[0-9a-f]{64}/.exec(String(error)) ?? [];
  assert.ok(found, String(error));
  return found;
}

function source(root: string, { sources, tar, digest }: Tree): Place {
  return {
    name: 'source store',
    prepare: () => rmSync(join(root, 'sources'), { recursive: true, force: true }),
    work: () => sources.put(digest, inPieces(tar)),
    async judge(done) {
      const names = existsSync(join(root, 'sources')) ? readdirSync(join(root, 'sources')) : [];
      assert.deepEqual(names, (await sources.has(digest)) ? [digest] : []);
      if (done) assert.equal((await sources.files(digest)).list('.').length > 0, true);
    },
  };
}

function release(root: string, { sources, tar, digest }: Tree): Place {
  const folder = join(root, 'releases', 'a1');
  return {
    name: 'release folder',
    async prepare() {
      mkdirSync(join(root, 'releases'), { recursive: true });
      rmSync(folder, { recursive: true, force: true });
      if (!(await sources.has(digest))) await sources.put(digest, inPieces(tar));
    },
    async work() {
      await sources.copyTo(digest, folder, null);
      await syncTree(folder);
    },
    judge(done) {
      assert.ok(!existsSync(`${folder}.part`), 'a part is left');
      if (done) assert.equal(readFileSync(join(folder, 'd2', 'f11'), 'latin1'), 'x'.repeat(33_000));
    },
  };
}

/** The beacon, tokens, intents of runs, the state of nginx. */
function file(root: string): Place {
  const folder = join(root, 'durable');
  const path = join(folder, 'file');
  const [old, fresh] = ['o'.repeat(10_000), 'f'.repeat(20_000)];
  return {
    name: 'a file that is replaced',
    async prepare() {
      mkdirSync(folder, { recursive: true });
      await writeDurably(path, old);
    },
    work: () => writeDurably(path, fresh),
    judge(done) {
      assert.deepEqual(readdirSync(folder), ['file']);
      const content = readFileSync(path, 'latin1');
      assert.ok(content === fresh || (!done && content === old), 'neither the old content nor the new');
    },
  };
}

function key(root: string): Place {
  const folder = join(root, 'keys');
  let first: string | null = null;
  return {
    name: 'vault key',
    prepare() {
      first = null;
      rmSync(folder, { recursive: true, force: true });
    },
    async work() {
      first = (await openVault(folder)).keyId;
    },
    async judge(done) {
      if (existsSync(folder))
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.endsWith('.tmp')),
          [],
        );
      if (done) assert.equal((await openVault(folder)).keyId, first);
    },
  };
}

function table(root: string): Place {
  const folder = join(root, 'edge');
  const path = join(folder, 'table.json');
  let version = 0;
  let pushed = 0;
  const publisher = new TablePublisher(path, (json) => {
    pushed = (JSON.parse(json) as { version: number }).version;
    return Promise.resolve();
  });
  const routes = (n: number): unknown[] =>
    Array.from({ length: 60 }, (_, index) => ({ host: `h${n}-${index}.example.com`, path: '/' }));
  return {
    name: 'route table of the edge',
    prepare: () => void mkdirSync(folder, { recursive: true }),
    work() {
      version += 1;
      return publisher.publish({ ...emptyTable, version, routes: routes(version) } as typeof emptyTable);
    },
    judge(done) {
      const names = readdirSync(folder);
      assert.ok(
        names.every((name) => name === 'table.json'),
        names.join(),
      );
      // What workers were told stands on disk: they come back with it.
      const saved = names.length === 0 ? 0 : (JSON.parse(readFileSync(path, 'utf8')) as { version: number }).version;
      assert.equal(saved, pushed);
      if (done) assert.equal(saved, version);
    },
  };
}

function logs(root: string): Place {
  const path = join(root, 'logs.db');
  const origin = { service: 'a/b/c' as ServiceId, kind: 'app', run: 'r', instance: null, release: 1 } as const;
  const lines = Array.from({ length: 40 }, (_, n) => `${n} ${'x'.repeat(500)}`);
  let database: LogDatabase | null = null;
  const count = (): number => Number(database?.connection.prepare('SELECT count(*) AS n FROM lines').get()?.['n']);
  return {
    name: 'log store',
    prepare() {
      database?.close();
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
      database = new LogDatabase(path, 1 << 24);
    },
    async work() {
      database?.transaction(() => database?.append(origin, lines, 1));
    },
    judge: (done) => assert.equal(count() % lines.length === 0 && (!done || count() > 0), true, `${count()} lines`),
  };
}

function record(root: string): Place {
  const path = join(root, 'record.db');
  return {
    name: 'record, from its making on',
    prepare() {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    },
    async work() {
      const store = openStore(path);
      try {
        for (let n = 1; n <= 5; n += 1) store.transaction(() => store.facts.set(`f${n}`, 'x'.repeat(5_000)));
      } finally {
        store.close();
      }
    },
    judge(done) {
      const store = openStore(path);
      try {
        if (done) for (let n = 1; n <= 5; n += 1) assert.equal(store.facts.get(`f${n}`)?.length, 5_000);
      } finally {
        store.close();
      }
    },
  };
}

function ballast(root: string): Place {
  const disk = diskOf(dataFolder(root));
  const size = 40 * 4_096;
  return {
    name: 'ballast file',
    prepare: () => disk.releaseBallast(),
    work: () => disk.makeBallast(size),
    async judge(done) {
      assert.equal((await disk.ballast()) >= size, done);
      assert.ok(!existsSync(join(root, 'ballast.part')));
    },
  };
}
