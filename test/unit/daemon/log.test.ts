import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDaemonLog } from '../../../src/daemon/log.ts';

test('a log that has grown to its limit is set aside while the daemon runs; one former log is kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kapal-daemon-log-'));
  try {
    const path = join(folder, 'logs', 'daemon.log');
    const limit = 2_000;
    const log = openDaemonLog(path, limit);
    for (let number = 0; number < 200; number += 1) log.warn({ number }, 'the edge did not answer as it should');
    const numbers = [`${path}.1`, path]
      .flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\n'))
      .map((line) => (JSON.parse(line) as { number: number }).number);
    assert.equal(numbers.at(-1), 199);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => 199 - numbers.length + 1 + index),
      'whole lines, in order, none lost between the two',
    );
    assert.deepEqual(readdirSync(join(folder, 'logs')), ['daemon.log', 'daemon.log.1']);
    for (const file of [path, `${path}.1`]) assert.ok(statSync(file).size < limit + 300);
    assert.equal(statSync(path).mode & 0o777, 0o600);

    const next = openDaemonLog(path, limit);
    next.info({ number: 200 }, 'the next daemon goes on in the same file');
    assert.match(readFileSync(path, 'utf8'), /"number":199.*\n.*"number":200/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
