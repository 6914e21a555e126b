import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..', '..', 'src', 'observe', 'logs', 'store.ts');

/** A small file system that exists only in the program's own mount namespace, so nothing is left behind. */
const inNamespace = 'unshare';
const namespace = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
const possible = spawnSync(inNamespace, [...namespace, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

const program = `
  import { openLogStore } from '${source}';
  import { appendFileSync, unlinkSync, writeFileSync } from 'node:fs';
  import { setTimeout as pause } from 'node:timers/promises';
  const folder = process.argv[1];
  writeFileSync(folder + '/small/ballast', Buffer.alloc(5_000_000));
  const warned = Promise.withResolvers();
  const store = await openLogStore({ path: folder + '/small/logs.db', warn: (message) => warned.resolve(message) });
  await store.attach({ path: folder + '/r1.log', run: 'r1', service: 'a/b/c', kind: 'app', instance: null, release: 1, masks: [] });
  for (let n = 0; n < 5_000; n += 1) appendFileSync(folder + '/r1.log', n + ' ' + 'x'.repeat(400) + '\\n');
  const warning = await warned.promise;
  unlinkSync(folder + '/small/ballast');
  let error = 'none';
  const deadline = performance.now() + 180_000;
  while (error !== null && performance.now() < deadline) {
    error = await store.flush('r1').then(() => null, (failure) => failure.code);
    if (error !== null) await pause(50);
  }
  const lines = await store.query({ limit: 10_000 });
  const ordered = lines.every((line, index) => line.text.startsWith(index + ' '));
  console.log(JSON.stringify({ warning, error, count: lines.length, ordered }));
  await store.close();`;

test('a full disk is said and waited out: lines stay in their file until there is space', {
  skip: possible ? false : 'no private mounts here',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kapal-logs-'));
  try {
    mkdirSync(join(folder, 'small'));
    const script =
      'mount -t tmpfs -o size=6m none "$1/small" && exec "$2" --disable-warning=ExperimentalWarning --input-type=module -e "$3" "$1"';
    const args = [...namespace, 'sh', '-c', script, 'sh', folder, process.execPath, program];
    const run = spawnSync(inNamespace, args, { encoding: 'utf8', timeout: 400_000 });
    assert.equal(run.stderr, '');
    const warning = `the disk is full: logs wait to be stored in ${folder}/small/logs.db`;
    assert.deepEqual(JSON.parse(run.stdout), { warning, error: null, count: 5_000, ordered: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
