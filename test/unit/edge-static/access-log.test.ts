import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { AccessLog } from '../../../src/edge/embedded/access-log.ts';
import type { AccessEntry } from '../../../src/edge/embedded/plane/types.ts';

const entry: AccessEntry = {
  time: Date.UTC(2025, 2, 1, 10, 20, 30, 5),
  service: 'shop/production/api',
  pool: 'p',
  requestId: 'r1',
  remote: '192.0.2.7',
  host: 'api.localhost',
  method: 'GET',
  target: '/a?b="c"\n',
  protocol: 'HTTP/1.1',
  status: 200,
  bytesIn: 0,
  bytesOut: 12,
  durationMs: 3,
  upstream: 'i1',
  attempts: 1,
  userAgent: 'test',
  referer: null,
  outcome: 'complete',
};

class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kapal-log-'));
  readonly path = join(this.folder, 'access.log');
  readonly reports: string[] = [];

  log(limits: { fileSize?: number; files?: number; bufferSize?: number } = {}, path = this.path): AccessLog {
    return new AccessLog({ path, report: (text) => this.reports.push(text), ...limits });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('access log', () => {
  test('one line of JSON per request, written soon and without being asked', async () => {
    using place = new Place();
    await using log = place.log();
    log.write(entry);
    log.write({ ...entry, requestId: 'r2' });
    const deadline = performance.now() + 3000;
    while (!existsSync(place.path) || statSync(place.path).size === 0) {
      assert.ok(performance.now() < deadline, 'nothing was written');
      await pause(10);
    }
    const lines = readFileSync(place.path, 'utf8').trimEnd().split('\n');
    assert.deepEqual(JSON.parse(lines[0] ?? ''), { ...entry, time: '2025-03-01T10:20:30.005Z' });
    assert.equal(lines.length, 2);
  });

  test('closing writes what waits', async () => {
    using place = new Place();
    await using log = place.log();
    for (let count = 0; count < 1000; count += 1) log.write(entry);
    await log[Symbol.asyncDispose]();
    assert.equal(readFileSync(place.path, 'utf8').split('\n').length, 1001);
    assert.equal(log.dropped, 0);
  });

  test('files are set aside by size and the oldest goes', async () => {
    using place = new Place();
    for (let round = 0; round < 6; round += 1) {
      await using log = place.log({ fileSize: 500, files: 3 });
      log.write({ ...entry, requestId: `round ${round}` });
      log.write(entry);
    }
    assert.deepEqual(readdirSync(place.folder).toSorted(), ['access.log', 'access.log.1', 'access.log.2']);
    assert.match(readFileSync(place.path, 'utf8'), /round 5/);
    assert.match(readFileSync(`${place.path}.1`, 'utf8'), /round 4/);
  });

  test('two workers on one file during a hand-over set it aside once', async () => {
    using place = new Place();
    await using older = place.log({ fileSize: 1500 });
    await using newer = place.log({ fileSize: 1500 });
    const settle = async (log: AccessLog, id: string): Promise<void> => {
      for (let count = 0; count < 3; count += 1) log.write({ ...entry, requestId: id });
      const deadline = performance.now() + 3000;
      while (!allText(place).includes(id)) {
        assert.ok(performance.now() < deadline, id);
        await pause(10);
      }
    };
    await settle(older, 'older 1');
    await settle(newer, 'newer 1');
    await settle(older, 'older 2');
    await settle(newer, 'newer sets it aside');
    await settle(older, 'older follows');
    assert.deepEqual(readdirSync(place.folder).toSorted(), ['access.log', 'access.log.1']);
    assert.match(readFileSync(place.path, 'utf8'), /newer sets it aside[^]*older follows/);
    assert.equal(allText(place).split('\n').length - 1, 15);
  });

  test('a disk that takes nothing costs lines, counted and said once, and neither memory nor an error', async () => {
    using place = new Place();
    await using log = place.log({ bufferSize: 4096 }, '/dev/full');
    for (let count = 0; count < 5000; count += 1) log.write(entry);
    const deadline = performance.now() + 3000;
    while (place.reports.length === 0) {
      assert.ok(performance.now() < deadline, 'nothing was reported');
      await pause(10);
    }
    for (let count = 0; count < 5000; count += 1) log.write(entry);
    await log[Symbol.asyncDispose]();
    assert.equal(log.dropped, 10_000);
    assert.match(place.reports.join(), /ENOSPC/);
    assert.equal(place.reports.length, 1);
  });
});

function allText(place: Place): string {
  return readdirSync(place.folder)
    .map((name) => readFileSync(join(place.folder, name), 'utf8'))
    .join('');
}
