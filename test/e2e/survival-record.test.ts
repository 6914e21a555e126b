import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { TestKapal } from './kapal.ts';
import { facesOf, shop } from './survival.ts';

test('a record that is damaged, or of a newer Kapal, is refused and left as it is; what runs goes on, and is adopted when the record is back', async () => {
  await using kapal = await TestKapal.start();
  await kapal.deploy(await kapal.project('shop', shop('shop')));
  const faces = await facesOf(kapal);
  await kapal.killDaemon();
  const record = join(kapal.data, 'record', 'record.db');
  // As a backup has it: the log is carried over.
  const connection = new DatabaseSync(record);
  connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  connection.close();
  const backup = join(kapal.folder, 'record.backup');
  copyFileSync(record, backup);

  const damaged = Buffer.from(readFileSync(backup));
  damaged.fill(0x5a, 3 * 4_096, statSync(backup).size - 4_096);
  writeFileSync(record, damaged);
  const refused = await kapal.run(...up(kapal));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /record\.db is damaged: .*\(state_damaged\)/s);
  assert.match(refused.stderr, /copy .*record\.db-wal.* to a safe place.*What runs goes on running/s);
  assert.ok(readFileSync(record).equals(damaged), 'the damaged file was changed');
  assert.equal((await kapal.visit('shop.localhost')).status, 200);

  restore(backup, record);
  const newer = new DatabaseSync(record);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  const content = readFileSync(record);
  const older = await kapal.run(...up(kapal));
  assert.equal(older.code, 1);
  assert.match(older.stderr, /written by a newer Kapal: its version is 99, this Kapal knows \d+ \(state_newer\)/);
  assert.match(older.stderr, /Start the newer Kapal, or restore the backup.*Nothing was changed/s);
  assert.ok(readFileSync(record).equals(content), 'the newer file was changed');
  assert.equal((await kapal.visit('shop.localhost')).status, 200);

  restore(backup, record);
  await kapal.up();
  assert.deepEqual(await facesOf(kapal), faces);
  assert.equal((await kapal.visit('shop.localhost')).status, 200);
});

test('a second daemon is told who holds the data folder', async () => {
  await using kapal = await TestKapal.start();
  const second = await kapal.run(...up(kapal));
  assert.equal(second.code, 1);
  const pid = kapal.daemon?.pid ?? 0;
  assert.match(second.stderr, new RegExp(`process ${pid}, since \\S+Z \\(.*main\\.ts up .*\\) \\(daemon_running\\)`));
  await kapal.killDaemon();
  // The lock went with its process, although the folder still names the dead one.
  assert.equal((JSON.parse(readFileSync(join(kapal.data, 'daemon.json'), 'utf8')) as { pid: number }).pid, pid);
  await kapal.up();
});

function up({ data, http, https, api }: TestKapal): string[] {
  const at = (port: number): string => `127.0.0.1:${port}`;
  return ['up', '--data', data, '--http', at(http), '--https', at(https), '--api', at(api), '--edge', 'embedded'];
}

function restore(from: string, to: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(to + suffix, { force: true });
  copyFileSync(from, to);
}
