import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Exit } from '../../src/model/instance.ts';
import type { RunHandle, RunObservation } from '../../src/runtime/port.ts';
import { readStat } from '../../src/runtime/process/proc.ts';
import { ProcessSubject } from '../conformance/runtime-process.ts';
import { until } from '../patience.ts';

async function exitOf(subject: ProcessSubject, command: string, directory?: string): Promise<Exit> {
  const more = directory === undefined ? {} : { directory };
  const handle = await subject.runtime.start(await subject.shell(command, more));
  await subject.ended(handle);
  const seen = await subject.runtime.observe(handle);
  assert.ok(seen.phase === 'exited');
  return seen.exit;
}

describe('how a run ends', () => {
  for (const [command, expected] of [
    ['exit 0', { code: 0, signal: null, reason: 'exited' }],
    ['exit 126', { code: 126, signal: null, reason: 'exited' }],
    ['no-such-program', { code: 127, signal: null, reason: 'exited' }],
    ['exit 137', { code: 137, signal: null, reason: 'exited' }],
    ['exit 143', { code: 143, signal: null, reason: 'exited' }],
    ['kill -TERM $$', { code: null, signal: 'SIGTERM', reason: 'signalled' }],
    ['kill -SEGV $$', { code: null, signal: 'SIGSEGV', reason: 'signalled' }],
    ['kill -INT $$', { code: null, signal: 'SIGINT', reason: 'signalled' }],
    ['kill -PIPE $$', { code: null, signal: 'SIGPIPE', reason: 'signalled' }],
  ] as const) {
    test(`${command}: ${expected.signal ?? expected.code}`, async () => {
      await using subject = await ProcessSubject.make();
      const before = Date.now();
      const exit = await exitOf(subject, command);
      assert.deepEqual({ code: exit.code, signal: exit.signal, reason: exit.reason }, expected);
      assert.ok(exit.at >= before - 1000 && exit.at <= Date.now() + 1000);
    });
  }

  test('a folder that is not there: not started, and why', async () => {
    await using subject = await ProcessSubject.make();
    const exit = await exitOf(subject, 'echo never', `${subject.folder}/missing`);
    assert.equal(exit.reason, 'not-started');
    assert.match(exit.detail ?? '', /missing/);
  });

  test('a keeper that was killed leaves an unknown end, not a wrong one', async () => {
    await using subject = await ProcessSubject.make();
    const handle = await subject.runtime.start(await subject.shell('exec sleep 600'));
    await until('it runs', async () => (await subject.runtime.observe(handle)).phase === 'running');
    const keeper = Number((await readFile(`${dirname(handle.log)}/claim`, 'utf8')).split(' ')[0]);
    process.kill(keeper, 'SIGKILL');
    assert.equal((await subject.runtime.observe(handle)).phase, 'running');
    await subject.runtime.signal(handle, 'kill');
    await subject.ended(handle);
    const seen = await subject.runtime.observe(handle);
    assert.ok(seen.phase === 'exited');
    assert.deepEqual({ code: seen.exit.code, reason: seen.exit.reason }, { code: null, reason: 'unknown' });
  });
});

describe('what a run prints', () => {
  test('stdout and stderr go to the log, opened again or not', async () => {
    await using subject = await ProcessSubject.make();
    const command = 'echo one; echo two >&2; echo three >/dev/stdout; echo four >/dev/stderr; echo five >>/dev/stdout';
    const handle = await subject.runtime.start(await subject.shell(command));
    await subject.ended(handle);
    await until('the log is drained', async () => (await readFile(handle.log, 'utf8')).includes('five'));
    assert.equal(await readFile(handle.log, 'utf8'), 'one\ntwo\nthree\nfour\nfive\n');
  });

  test('a flood blocks nobody; though no daemon reads it, the newest of it is kept, and the disk is bounded', async () => {
    await using subject = await ProcessSubject.make();
    const size = 400 * MIB;
    const program = `i=0; while [ $i -lt 400 ]; do head -c ${MIB} /dev/zero; i=$((i+1)); done; echo the end; exit 7`;
    const handle = await subject.runtime.start(await subject.shell(program));
    let largest = 0;
    await until('it has ended', async () => {
      largest = Math.max(largest, occupied(handle));
      return (await subject.runtime.observe(handle)).phase === 'exited';
    });
    const seen = await subject.runtime.observe(handle);
    assert.equal(seen.phase === 'exited' ? seen.exit.code : null, 7);
    await until('the log is drained', () => existsSync(recordOf(handle, 'drained')));
    const files = segments(handle);
    const last = files.at(-1);
    assert.ok(last !== undefined);
    assert.equal(last.start + last.size, size + 8, 'names are offsets, whatever was removed');
    assert.ok(files.length >= 4, String(files.length));
    for (const [index, { start }] of files.entries()) {
      const before = files[index - 1];
      if (before !== undefined) assert.equal(start, before.start + before.size);
    }
    const text = await printed(handle);
    assert.ok(text.subarray(-9).equals(Buffer.from('\0the end\n')));
    assert.ok(text.length >= 48 * MIB, 'as much as is promised');
    assert.ok(largest <= 88 * MIB, String(largest));
  });

  test('what fits is kept whole, over the borders of files too, whether it comes in large pieces or line by line', async () => {
    await using subject = await ProcessSubject.make();
    const handle = await subject.runtime.start(
      await subject.shell('seq 1 4000000; i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done'),
    );
    await subject.ended(handle);
    await until('the log is drained', () => existsSync(recordOf(handle, 'drained')));
    const files = segments(handle);
    assert.ok(files.length >= 2, String(files.length));
    const lines = (await printed(handle)).toString().trimEnd().split('\n');
    assert.equal(lines.length, 4_003_000);
    assert.ok(lines.every((line, index) => line === String(index < 4_000_000 ? index + 1 : index - 4_000_000)));
  });

  test('the log holds every line when the keeper is gone', async () => {
    await using subject = await ProcessSubject.make();
    const handle = await subject.runtime.start(
      await subject.shell('i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done'),
    );
    const claim = `${dirname(handle.log)}/claim`;
    await subject.ended(handle);
    const keeper = Number((await readFile(claim, 'utf8')).split(' ')[0]);
    await until('the keeper is gone', async () => (await stat(`/proc/${keeper}`).catch(() => null)) === null);
    assert.equal((await printed(handle)).toString().split('\n').length, 20_001);
  });

  test('a full disk neither blocks nor ends the program, and the log goes on when there is room', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting a small disk needs root');
    await using subject = await ProcessSubject.make();
    const runs = join(subject.options.folder, 'runs');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'kapal-test', runs]);
    try {
      const program = 'let n = 0; setInterval(() => console.log(String(n++).padEnd(65536)), 1)';
      const handle = await subject.runtime.start(await subject.shell(`exec node -e "${program}"`));
      await until('the disk is full', () => occupied(handle) > 1_500_000);
      const before = ticksOf(await subject.runtime.observe(handle));
      await until('the program works on', async () => ticksOf(await subject.runtime.observe(handle)) > before + 10);
      assert.ok(
        segments(handle).some(({ size }) => size > 0),
        'what was written is kept while nothing can be',
      );
      const kept = segments(handle).at(-1)?.start ?? 0;
      for (const { path } of segments(handle)) await truncate(path);
      await until('the log goes on, and its name tells that something is missing', () => {
        const last = segments(handle).at(-1);
        return last !== undefined && last.start > kept + 1_500_000 && last.size > 0;
      });
      assert.equal((await subject.runtime.observe(handle)).phase, 'running');
      await subject.runtime.dispose(handle);
    } finally {
      execFileSync('umount', ['-l', runs]);
    }
  });
});

const MIB = 1024 * 1024;

/** The files that hold what a run printed, the oldest first. */
function segments(handle: RunHandle): { path: string; start: number; size: number }[] {
  const folder = dirname(handle.log);
  return readdirSync(folder)
    .filter((name) => /^log(?:\.\d+)?$/.test(name))
    .map((name) => ({ path: join(folder, name), start: Number(name.slice(4)) }))
    .map((file) => ({ ...file, size: statSync(file.path, { throwIfNoEntry: false })?.size ?? 0 }))
    .toSorted((a, b) => a.start - b.start);
}

async function printed(handle: RunHandle): Promise<Buffer> {
  return Buffer.concat(await Promise.all(segments(handle).map(({ path }) => readFile(path))));
}

function occupied(handle: RunHandle): number {
  return segments(handle).reduce(
    (sum, { path }) => sum + (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512,
    0,
  );
}

function recordOf(handle: RunHandle, kind: string): string {
  return join(dirname(handle.log), '..', '..', 'records', `${handle.id}.${kind}`);
}

/** CPU that a running program has used, in clock ticks. */
function ticksOf(seen: RunObservation): number {
  assert.ok(seen.phase === 'running');
  return readStat(seen.pid)?.ticks ?? 0;
}
