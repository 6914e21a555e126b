import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { LogLine } from '../../src/observe/logs/port.ts';
import { api, Logs, until, web } from './logs-fixture.ts';

/** A writer of its own that appends numbered lines at a rate, as an app behind its keeper does. */
async function write(
  path: string,
  { perSecond, lines, pad }: { perSecond: number; lines: number; pad: number },
): Promise<void> {
  const text = `
    const { openSync, writeSync } = require('node:fs');
    const file = openSync(process.argv[1], 'a');
    const [perSecond, lines, pad] = process.argv.slice(2).map(Number);
    const tail = ' ' + 'x'.repeat(pad) + '\\n';
    const began = performance.now();
    let count = 0;
    const timer = setInterval(() => {
      const due = Math.min(lines, Math.floor((performance.now() - began) * perSecond / 1000));
      let text = '';
      for (; count < due; count += 1) text += count + tail;
      if (text !== '') writeSync(file, text);
      if (count === lines) clearInterval(timer);
    }, 5);`;
  const child = spawn(process.execPath, ['-e', text, path, String(perSecond), String(lines), String(pad)], {
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
}

function numbers(lines: readonly LogLine[]): number[] {
  return lines.map((line) => Number.parseInt(line.text, 10));
}

describe('floods', () => {
  test('100,000 lines a second: none lost, none twice, in order, and the event loop stays free', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1', masks: ['some-secret-value'] }));
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 5);
    const begun = performance.now();
    await write(join(logs.folder, 'r1.log'), { perSecond: 100_000, lines: 100_000, pad: 80 });
    await logs.store.flush('r1');
    clearInterval(timer);
    const total = performance.now() - begun;
    const seen: number[] = [];
    for (let after = 0; seen.length < 100_000; ) {
      const lines = await logs.lines({ run: 'r1', after, limit: 20_000 });
      if (lines.length === 0) break;
      seen.push(...numbers(lines));
      after = lines.at(-1)?.sequence ?? after;
    }
    assert.equal(seen.length, 100_000);
    assert.ok(seen.every((number, index) => number === index));
    // The work is another thread's; what is left is the noise of a busy machine.
    assert.ok(longest < Math.max(3_000, total / 2), `${longest} of ${total} ms`);
  });

  test('a flood does not keep others waiting', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'flood' }));
    logs.append('flood', 'x'.repeat(99).concat('\n').repeat(400_000));
    await logs.store.attach(logs.source({ run: 'calm', service: web }));
    logs.append('calm', 'hello\n');
    await until(
      'the calm line',
      () => logs.texts({ service: web }),
      (texts) => texts.length === 1,
    );
    const stored = await logs.lines({ service: api, limit: 1 });
    await logs.store.flush('flood');
    const whole = await logs.lines({ service: api, limit: 1 });
    assert.ok((whole[0]?.sequence ?? 0) > (stored[0]?.sequence ?? 0), 'the flood was over before the calm line came');
    assert.ok((whole[0]?.sequence ?? 0) >= 400_001);
  });

  test('what was read is removed while the writer goes on, and a restart goes on where the reading was', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    const [first, second] = ['x'.repeat(99).concat('\n').repeat(50_000), 'y'.repeat(49).concat('\n').repeat(1_000)];
    logs.append('r1', first);
    logs.append('r1', second, first.length);
    await until(
      'the end of the first file',
      () => existsSync(logs.pathOf('r1')),
      (there) => !there,
    );
    await logs.store.flush('r1');
    assert.equal((await logs.texts({ run: 'r1' })).length, 51_000);
    assert.equal(statSync(logs.pathOf('r1', first.length)).size, second.length, 'the last one is still written to');
    await logs.reopen();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'after a restart\n', first.length);
    logs.append('r1', 'in a file of its own\n', first.length + second.length + 16);
    await logs.store.detach('r1');
    assert.deepEqual(await logs.texts({ limit: 2 }), ['after a restart', 'in a file of its own']);
    assert.deepEqual(logs.losses, []);
  });

  test('what was removed before it was read is told: in the log, with the total, and as a loss', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'one\nan unfinished li');
    await until(
      'the first line',
      () => logs.texts(),
      (texts) => texts.length === 1,
    );
    logs.append('r1', 'ne of which the rest was lost\nfour\nfive\n', 1_000);
    await until(
      'the last line',
      () => logs.texts(),
      (texts) => texts.at(-1) === 'five',
    );
    await logs.reopen();
    await logs.store.attach(logs.source({ run: 'r1' }));
    rmSync(logs.pathOf('r1', 1_000));
    logs.append('r1', 'the end of something\nsix\n', 2_000);
    await logs.store.detach('r1');
    const why = 'they came faster than logs are stored, or while the disk was full';
    assert.deepEqual(await logs.texts(), [
      'one',
      `996 bytes of output were dropped: ${why}`,
      'four',
      'five',
      `960 bytes of output were dropped (1956 since the run began): ${why}`,
      'six',
    ]);
    assert.deepEqual(
      logs.losses.map(({ run, bytes }) => [run, bytes]),
      [
        ['r1', 996],
        ['r1', 960],
      ],
    );
  });
});

describe('the quota', () => {
  const quotaBytes = 2 << 20;

  function diskUse(path: string): number {
    return ['', '-wal'].reduce((sum, end) => sum + (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  test('keeps the newest lines of each service, and the file bounded, whatever comes', async () => {
    await using logs = await Logs.open({ quotaBytes });
    logs.store.write({
      service: web,
      kind: 'kapal',
      run: 'w',
      instance: null,
      release: null,
      text: 'of another service',
    });
    await logs.store.attach(logs.source({ run: 'r1' }));
    let largest = 0;
    for (let round = 0; round < 12; round += 1) {
      logs.append(
        'r1',
        Array.from({ length: 10_000 }, (_, index) => `${round}.${index} ${'x'.repeat(200)}\n`).join(''),
      );
      await logs.store.flush('r1');
      largest = Math.max(largest, diskUse(logs.path));
    }
    await until(
      'the trimming',
      async () => (await logs.lines({ service: api })).length,
      (count) => count < 9_000,
    );
    const lines = await logs.lines({ service: api });
    assert.equal(lines.at(-1)?.text.split(' ')[0], '11.9999');
    assert.ok(lines.length > 5_000, String(lines.length));
    const [first] = lines;
    assert.deepEqual(
      lines.map((line) => line.sequence),
      lines.map((_, index) => (first?.sequence ?? 0) + index),
    );
    assert.deepEqual(await logs.texts({ service: web }), ['of another service']);
    // 27 MB came; the database holds 2 MiB of it, its write-ahead log and what one batch exceeds them by.
    assert.ok(largest < 20 << 20, String(largest));
  });

  test('a smaller quota takes effect at the next start, and space that nobody needs is given back', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'x'.repeat(499).concat('\n').repeat(50_000));
    await logs.store.detach('r1');
    await logs.close();
    const before = diskUse(logs.path);
    assert.ok(before > 25_000_000);
    await logs.reopen({ quotaBytes });
    // Eight MiB of free pages are kept for reuse.
    await until(
      'the shrinking',
      () => diskUse(logs.path),
      (size) => size < 14 << 20,
    );
    assert.ok((await logs.texts()).length < 4_000);
    rmSync(join(logs.folder, 'r1.log'));
  });
});
