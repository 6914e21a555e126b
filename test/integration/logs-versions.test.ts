import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Logs } from './logs-fixture.ts';

/** What another version of Kapal left. */
function change(logs: Logs, sql: string): void {
  const connection = new DatabaseSync(logs.path);
  connection.exec(sql);
  connection.close();
}

test('logs of a version that did not count what was dropped are read on, and nothing is stored twice', async () => {
  await using logs = await Logs.open();
  logs.append('run-1', 'first\n');
  await logs.store.attach(logs.source({ run: 'run-1' }));
  await logs.store.flush('run-1');
  await logs.close();
  change(logs, 'ALTER TABLE files DROP COLUMN dropped; PRAGMA user_version = 1');
  await logs.reopen();
  logs.append('run-1', 'second\n');
  await logs.store.attach(logs.source({ run: 'run-1' }));
  await logs.store.flush('run-1');
  assert.deepEqual(await logs.texts(), ['first', 'second']);
  await logs.reopen();
  assert.deepEqual(await logs.texts(), ['first', 'second'], 'upgraded once');
});

test('logs of a newer version are refused and left as they are', async () => {
  await using logs = await Logs.open();
  await logs.close();
  change(logs, 'PRAGMA user_version = 99');
  await assert.rejects(logs.reopen(), { code: 'state_newer' });
  const connection = new DatabaseSync(logs.path, { readOnly: true });
  assert.equal(connection.prepare('PRAGMA user_version').get()?.['user_version'], 99);
  connection.close();
});
