import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { KapalError } from '../../../src/model/errors.ts';
import { openStore } from '../../../src/state/open.ts';
import { release, service, shop } from './sample.ts';

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'kapal-state-'));
  readonly record = join(this.path, 'kapal.db');
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function refusal(work: () => unknown): KapalError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KapalError, String(error));
    return error;
  }
  return assert.fail('was not refused');
}

describe('opening the record', () => {
  test('a new file is private, and holds what was written when it is opened again', () => {
    using folder = new Folder();
    const first = openStore(folder.record);
    first.services.insert(service());
    first.releases.insert(release());
    assert.equal(statSync(folder.record).mode & 0o777, 0o600);
    assert.equal(statSync(`${folder.record}-wal`).mode & 0o777, 0o600);
    first.close();
    const second = openStore(folder.record);
    assert.deepEqual([second.services.get(shop), second.releases.get(shop, 1)], [service(), release()]);
    second.close();
  });

  test('it is durable: write-ahead log, full synchronisation', () => {
    using folder = new Folder();
    openStore(folder.record).close();
    const raw = new DatabaseSync(folder.record);
    assert.equal(raw.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
    raw.close();
  });

  test('a record of a newer Kapal is left alone', () => {
    using folder = new Folder();
    openStore(folder.record).close();
    const raw = new DatabaseSync(folder.record);
    raw.exec('PRAGMA user_version = 99');
    raw.close();
    const error = refusal(() => openStore(folder.record));
    assert.equal(error.code, 'state_newer');
    assert.match(error.message, /version is 99/);
  });

  test('a damaged page, a foreign file and a link are refused with the path and what to do', () => {
    using folder = new Folder();
    const store = openStore(folder.record);
    store.transaction(() => {
      for (let index = 0; index < 2000; index += 1) store.facts.set(`fact ${index}`, 'x'.repeat(100));
    });
    store.close();
    truncateSync(folder.record, statSync(folder.record).size - 40_960);
    const foreign = join(folder.path, 'foreign.db');
    writeFileSync(foreign, 'this is no database, it only looks long enough to be one'.repeat(100));
    const link = join(folder.path, 'link.db');
    symlinkSync(foreign, link);
    for (const path of [folder.record, foreign, link]) {
      const error = refusal(() => openStore(path));
      assert.equal(error.code, 'state_damaged');
      assert.ok(error.message.includes(path), error.message);
      assert.ok((error.hint ?? '').length > 20);
    }
  });

  test('a folder that is not there is named', () => {
    using folder = new Folder();
    const error = refusal(() => openStore(join(folder.path, 'no', 'kapal.db')));
    assert.equal(error.code, 'state_damaged');
    assert.match(error.message, /no\/kapal\.db/);
  });

  test('a column that holds something else is refused on the way out', () => {
    using folder = new Folder();
    const store = openStore(folder.record);
    store.services.insert(service());
    store.close();
    const raw = new DatabaseSync(folder.record);
    raw.exec(`UPDATE services SET spec = '{"name":"api"}'`);
    raw.close();
    const again = openStore(folder.record);
    assert.equal(refusal(() => again.services.get(shop)).code, 'state_damaged');
    again.close();
  });
});
