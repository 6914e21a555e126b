import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..', '..', '..', 'src');

/** Writes while its files may not grow, and then when they may: prlimit(2) acts as a full disk does, for any user. */
const program = `
  import { spawnSync } from 'node:child_process';
  import { openDaemonLog } from '${source}/daemon/log.ts';
  const limit = (bytes) => spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':']);
  const log = openDaemonLog(process.argv[1]);
  log.info({ n: 1 }, 'before');
  limit(130);
  for (let n = 0; n < 5; n += 1) log.error({ err: new Error('x'.repeat(50)) }, 'no room');
  limit('unlimited');
  log.info({ n: 2 }, 'after');`;

test('what finds no room in the daemon’s log is counted, never thrown', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kapal-log-'));
  try {
    const path = join(folder, 'daemon.log');
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program, path];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.deepEqual([stderr, status], ['', 0]);
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    // The second was cut short where the room ended.
    assert.equal(lines.length, 4, lines.join('\n'));
    const said = [0, 2, 3].map((index) => (JSON.parse(lines[index] ?? '') as { msg: string }).msg);
    assert.deepEqual(said, ['before', '5 lines of this log found no room on the disk', 'after']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
