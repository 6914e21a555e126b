import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { readFolder } from '../../src/lib/tree/list.ts';
import { packTree } from '../../src/lib/tree/pack.ts';
import { Sources } from '../../src/source/sources.ts';
import { openSources, temporaryFolder } from './source-fixtures.ts';

const minutes = 60_000;

describe('the store of sources', () => {
  test('forgets what nothing uses, but for the newest and those just asked for', async (t) => {
    const folder = await temporaryFolder(t);
    let now = 1_000_000 * minutes;
    const clock: Clock = { ...systemClock, now: () => now };
    const sources = new Sources({ folder: join(folder, 'sources'), gitFolder: join(folder, 'git'), clock, keep: 2 });
    const digests: string[] = [];
    for (const name of ['used', 'old', 'asked', 'new', 'newest']) {
      digests.push(await putFile(sources, join(folder, name), name));
      now += 60 * minutes;
    }
    const [used, old, asked, recent, newest] = digests as [string, string, string, string, string];
    // What a daemon left that died while it unpacked.
    await mkdir(join(folder, 'sources', '.incoming-0123', 'files'), { recursive: true });
    await sources.has(asked);
    await sources.collect(new Set([used]));
    const kept = async () => (await readdir(join(folder, 'sources'))).toSorted();
    assert.deepEqual(await kept(), [used, asked, newest].toSorted());
    assert.deepEqual([await sources.has(old), await sources.has(recent)], [false, false]);
  });

  test('spares what was asked for a moment ago, however many there are', async (t) => {
    const folder = await temporaryFolder(t);
    const options = { folder: join(folder, 'sources'), gitFolder: join(folder, 'git'), clock: systemClock, keep: 0 };
    const sources = new Sources(options);
    const digest = await putFile(sources, join(folder, 'a'), 'a');
    await sources.collect(new Set());
    assert.equal(await sources.has(digest), true);
    const later = new Sources({ ...options, clock: { ...systemClock, now: () => Date.now() + 16 * minutes } });
    await later.collect(new Set());
    assert.equal(await sources.has(digest), false);
    await sources.collect(new Set());
  });

  test('keeps nothing of an upload that breaks off', async (t) => {
    const folder = await temporaryFolder(t);
    const sources = openSources(folder);
    const from = join(folder, 'from');
    await mkdir(from);
    for (let at = 0; at < 50; at += 1) await writeFile(join(from, `f${at}`), 'x'.repeat(10_000));
    const tree = await readFolder(from);
    const broken = async function* () {
      let sent = 0;
      for await (const piece of packTree(from, tree.entries)) {
        yield piece;
        sent += piece.length;
        if (sent > 200_000) throw new Error('connection reset');
      }
    };
    await assert.rejects(sources.put(tree.digest, broken()), /connection reset/);
    assert.deepEqual([await readdir(join(folder, 'sources')), await sources.has(tree.digest)], [[], false]);
    await sources.put(tree.digest, packTree(from, tree.entries));
    assert.equal(await sources.has(tree.digest), true);
  });

  test('takes the empty tree', async (t) => {
    const folder = await temporaryFolder(t);
    const sources = openSources(folder);
    const from = join(folder, 'from');
    await mkdir(from);
    const tree = await readFolder(from);
    await sources.put(tree.digest, packTree(from, tree.entries));
    assert.deepEqual((await sources.files(tree.digest)).list('.'), []);
  });
});

async function putFile(sources: Sources, folder: string, content: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'file'), content);
  const tree = await readFolder(folder);
  await sources.put(tree.digest, packTree(folder, tree.entries));
  return tree.digest;
}
