import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RunHandle } from '../../src/runtime/port.ts';
import { bootId, isLive, readStat } from '../../src/runtime/process/proc.ts';
import { ProcessSubject } from '../conformance/runtime-process.ts';
import { until } from '../patience.ts';

const OTHER_BOOT = '11111111-2222-4333-8444-555555555555';

/** Strangers that a wrong signal would end: each leads a session and a group of its own. */
class Bait implements AsyncDisposable {
  readonly processes: readonly ChildProcess[];

  constructor(count: number) {
    this.processes = Array.from({ length: count }, () => spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }));
  }

  pid(index: number): number {
    return this.processes[index % this.processes.length]?.pid ?? 0;
  }

  living(): number {
    return this.processes.filter((child) => isLive(readStat(child.pid ?? 0))).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}

/** Records as if the run had been started and its pid had passed to `pid` since. */
async function forge(
  subject: ProcessSubject,
  id: string,
  identity: { pid: number; start: number; boot: string },
): Promise<RunHandle> {
  const folder = join(subject.options.folder, 'runs', id);
  await mkdir(folder, { mode: 0o700 });
  const log = join(folder, 'log');
  const driver = { boot: identity.boot, uid: null };
  const handle: RunHandle = { id, service: subject.service, port: 8080, log, driver };
  const intent = { handle, directory: '/', command: 'true', memoryLimit: null, niceness: 0 };
  await writeFile(join(folder, 'run.json'), JSON.stringify(intent));
  await writeFile(join(folder, 'claim'), `${identity.pid} ${identity.start} ${identity.boot} end\n`);
  await writeFile(
    join(subject.options.folder, 'records', `${id}.process`),
    `${identity.pid} ${identity.start} ${identity.boot} end\n`,
  );
  return handle;
}

describe('a reused pid is never taken for a run', () => {
  for (const useCgroups of ['auto', 'off'] as const) {
    test(`500 forged runs, cgroups ${useCgroups}: no stranger is signalled`, async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      await using bait = new Bait(10);
      const boot = bootId();
      for (let n = 0; n < 500; n += 1) {
        const pid = bait.pid(n);
        const start = readStat(pid)?.start ?? 0;
        // Every way to be wrong: an older process of this boot, a later one, the same numbers in another boot.
        const identity = [
          { pid, start: start - 1 - n, boot },
          { pid, start: start + 1 + n, boot },
          { pid, start, boot: OTHER_BOOT },
        ][n % 3];
        assert.ok(identity !== undefined);
        const handle = await forge(subject, `forged-${n}`, identity);
        assert.equal((await subject.runtime.observe(handle)).phase, 'exited');
        await subject.runtime.signal(handle, 'terminate');
        await subject.runtime.signal(handle, 'kill');
        await subject.runtime.dispose(handle);
      }
      assert.equal(bait.living(), 10);
    });
  }

  test('a group whose number passed to strangers is left alone when its new leader has gone too', async () => {
    await using subject = await ProcessSubject.make({ useCgroups: 'off' });
    // A stranger's session without its leader: the number is taken as a session, and no process has it as its pid.
    const leader = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(leader.stdout, 'data')) as [Buffer];
    const member = Number(line.toString());
    await until('the leader has gone', () => readStat(leader.pid ?? 0) === null);
    try {
      assert.equal(readStat(member)?.session, leader.pid);
      const handle = await forge(subject, 'forged', { pid: leader.pid ?? 0, start: 1, boot: bootId() });
      await subject.runtime.signal(handle, 'kill');
      await subject.runtime.dispose(handle);
      assert.ok(isLive(readStat(member)));
    } finally {
      process.kill(member, 'SIGKILL');
    }
  });

  test('half-written records are not believed', async () => {
    await using subject = await ProcessSubject.make();
    await using bait = new Bait(1);
    const start = readStat(bait.pid(0))?.start ?? 0;
    const handle = await forge(subject, 'half', { pid: bait.pid(0), start, boot: bootId() });
    const record = join(subject.options.folder, 'records', 'half.process');
    const whole = await readFile(record, 'utf8');
    for (let length = 0; length < whole.length; length += 1) {
      await writeFile(record, whole.slice(0, length));
      const seen = await (await subject.reborn()).observe(handle);
      assert.equal(seen.phase, 'launching', `${length} bytes`);
      if (length > 8) length += 8;
    }
    await writeFile(record, whole.replace(/ \d+ /, ' 1 '));
  });
});
