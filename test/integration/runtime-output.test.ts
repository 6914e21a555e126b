import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Exit } from '../../src/model/instance.ts';
import type { RunObservation } from '../../src/runtime/port.ts';
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

  test('a flood blocks nobody and is kept whole, though no daemon reads it', async () => {
    await using subject = await ProcessSubject.make();
    const size = 100 * 1024 * 1024;
    const handle = await subject.runtime.start(await subject.shell(`head -c ${size} /dev/zero; exit 7`));
    await subject.ended(handle);
    const seen = await subject.runtime.observe(handle);
    assert.equal(seen.phase === 'exited' ? seen.exit.code : null, 7);
    await until('the log is drained', async () => (await stat(handle.log)).size === size);
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
    assert.equal((await readFile(handle.log, 'utf8')).split('\n').length, 20_001);
  });

  test('a full disk neither blocks nor ends the program, and the log goes on when there is room', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting a small disk needs root');
    await using subject = await ProcessSubject.make();
    const runs = join(subject.options.folder, 'runs');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'kapal-test', runs]);
    try {
      const program = 'let n = 0; setInterval(() => console.log(String(n++).padEnd(65536)), 1)';
      const handle = await subject.runtime.start(await subject.shell(`exec node -e "${program}"`));
      await until('the disk is full', async () => (await stat(handle.log)).blocks * 512 > 1_500_000);
      const before = ticksOf(await subject.runtime.observe(handle));
      await until('the program works on', async () => ticksOf(await subject.runtime.observe(handle)) > before + 10);
      await truncate(handle.log);
      await until('the log goes on', async () => (await stat(handle.log)).size > 0);
      assert.equal((await subject.runtime.observe(handle)).phase, 'running');
      await subject.runtime.dispose(handle);
    } finally {
      execFileSync('umount', ['-l', runs]);
    }
  });
});

/** CPU that a running program has used, in clock ticks. */
function ticksOf(seen: RunObservation): number {
  assert.ok(seen.phase === 'running');
  return readStat(seen.pid)?.ticks ?? 0;
}
