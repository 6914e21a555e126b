import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunHandle, RunSpec } from '../../src/runtime/port.ts';
import { everyPid, isLive, markOn, readProc, readStat } from '../../src/runtime/process/proc.ts';
import { ProcessSubject } from '../conformance/runtime-process.ts';
import { until } from '../patience.ts';
import type { StarterOrder } from '../conformance/runtime-starter.ts';

const STARTER = fileURLToPath(new URL('../conformance/runtime-starter.ts', import.meta.url));

/** Starts a run from another process, which is then killed as a daemon would be. */
async function startedByAnother(
  subject: ProcessSubject,
  spec: RunSpec,
): Promise<{ handle: RunHandle; daemon: ChildProcess }> {
  const { clock: _, ...options } = subject.options;
  const order: StarterOrder = { options, spec };
  const daemon = spawn(process.execPath, [STARTER, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(daemon.stdout), 'line')) as [string];
  return { handle: JSON.parse(line) as RunHandle, daemon };
}

async function killed(daemon: ChildProcess): Promise<void> {
  const gone = once(daemon, 'exit');
  daemon.kill('SIGKILL');
  await gone;
}

describe('the daemon may die', () => {
  test('a run goes on, is found by the next daemon, and its end is kept while nobody watches', async () => {
    await using subject = await ProcessSubject.make();
    const go = join(subject.folder, 'go');
    const spec = await subject.shell(`echo begun; until [ -e ${go} ]; do sleep 0.02; done; echo over; exit 9`);
    const { handle, daemon } = await startedByAnother(subject, spec);
    await until('it runs', async () => (await subject.runtime.observe(handle)).phase === 'running');
    const before = await subject.runtime.observe(handle);
    assert.ok(before.phase === 'running');
    await killed(daemon);

    const next = await subject.reborn();
    assert.deepEqual(await next.inventory(), [handle]);
    const seen = await next.observe(handle);
    assert.equal(seen.phase === 'running' ? seen.pid : null, before.pid);
    assert.equal(readStat(before.pid)?.session, before.pid, 'it leads a session of its own');

    await writeFile(go, '');
    await until('it has ended', () => !isLive(readStat(before.pid)));
    await until('its end is recorded', async () => (await readFile(handle.log, 'utf8')).includes('over'));
    const later = await subject.reborn();
    await until('its end is seen', async () => (await later.observe(handle)).phase === 'exited');
    const end = await later.observe(handle);
    assert.ok(end.phase === 'exited');
    assert.deepEqual(
      { code: end.exit.code, reason: end.exit.reason, remains: end.remains },
      { code: 9, reason: 'exited', remains: false },
    );
    assert.equal(await readFile(handle.log, 'utf8'), 'begun\nover\n');
  });

  test('a daemon that died between intent and start leaves a run that the next one can start', async () => {
    await using subject = await ProcessSubject.make();
    const spec = await subject.shell('echo hello; exec sleep 600');
    const first = await subject.runtime.start(spec);
    await until('it runs', async () => (await readFile(first.log, 'utf8')) === 'hello\n');
    const intent = await readFile(join(dirname(first.log), 'run.json'));
    await subject.runtime.dispose(first);
    await mkdir(dirname(first.log));
    await writeFile(join(dirname(first.log), 'run.json'), intent);

    const next = await subject.reborn();
    assert.deepEqual(await next.inventory(), [first]);
    assert.equal((await next.observe(first)).phase, 'launching');
    const handle = await next.start(spec);
    assert.deepEqual(handle, first);
    await until('it runs', async () => (await readFile(handle.log, 'utf8')) === 'hello\n');
  });

  test('a run that nobody starts after its intent is given up for good', async () => {
    await using subject = await ProcessSubject.make();
    const spec = await subject.shell('echo hello');
    const first = await subject.runtime.start(spec);
    await subject.ended(first);
    const folder = dirname(first.log);
    const intent = await readFile(join(folder, 'run.json'));
    await subject.runtime.dispose(first);
    await mkdir(folder);
    await writeFile(join(folder, 'run.json'), intent);
    await utimes(join(folder, 'run.json'), Date.now() / 1000 - 60, Date.now() / 1000 - 60);

    const seen = await subject.runtime.observe(first);
    assert.equal(seen.phase === 'exited' ? seen.exit.reason : null, 'not-started');
    await subject.runtime.start(spec);
    assert.equal((await (await subject.reborn()).observe(first)).phase, 'exited', 'no later start can begin it');
    assert.deepEqual((await readdir(folder)).toSorted(), ['claim', 'run.json']);
  });

  test('two daemons that start one run at the same time start one program', async () => {
    await using subject = await ProcessSubject.make();
    const spec = await subject.shell('echo hello; exec sleep 600');
    const daemons = await Promise.all([subject.reborn(), subject.reborn(), subject.reborn()]);
    const handles = await Promise.all(daemons.map((daemon) => daemon.start(spec)));
    const [handle] = handles;
    assert.ok(handle !== undefined);
    await until('it runs', async () => (await readFile(handle.log, 'utf8')).includes('hello'));
    await subject.runtime.signal(handle, 'terminate');
    await subject.ended(handle);
    assert.equal(await readFile(handle.log, 'utf8'), 'hello\n');
  });

  test('a run that is stopped and disposed of while it is being started leaves nothing', async () => {
    await using subject = await ProcessSubject.make();
    for (let n = 0; n < 40; n += 1) {
      const handle = await subject.runtime.start(await subject.shell('sleep 600 & sleep 600'));
      await pause(n / 3);
      if (n % 2 === 0) await subject.runtime.signal(handle, 'terminate');
      await subject.runtime.dispose(handle);
    }
    const ours = (pid: number): boolean => (readProc(`/proc/${pid}/cmdline`) ?? '').includes(subject.folder);
    const marked = (pid: number): boolean => markOn(pid)?.startsWith(`${subject.options.install}.`) ?? false;
    await until('every keeper has gone', () => !everyPid().some(ours));
    assert.deepEqual(everyPid().filter(marked), []);
    assert.deepEqual(await readdir(join(subject.options.folder, 'runs')), []);
    assert.deepEqual(await readdir(join(subject.options.folder, 'records')), []);
  });

  test('a run of an earlier boot is over, and nothing is signalled for it', async () => {
    await using subject = await ProcessSubject.make();
    const handle = await subject.runtime.start(await subject.shell('exec sleep 600'));
    await until('it runs', async () => (await subject.runtime.observe(handle)).phase === 'running');
    const running = await subject.runtime.observe(handle);
    assert.ok(running.phase === 'running');
    const record = join(subject.options.folder, 'records', `${handle.id}.process`);
    const text = await readFile(record, 'utf8');
    await writeFile(record, text.replace(/[0-9a-f-]{36}/, '00000000-0000-4000-8000-000000000000'));
    const next = await subject.reborn();
    const seen = await next.observe(handle);
    assert.ok(seen.phase === 'exited');
    assert.deepEqual(
      { reason: seen.exit.reason, detail: seen.exit.detail },
      { reason: 'unknown', detail: 'the machine was restarted' },
    );
    await next.signal(handle, 'kill');
    assert.ok(isLive(readStat(running.pid)), 'the process was not touched');
    await writeFile(record, text);
  });
});
