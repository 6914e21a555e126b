import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exit } from '../../src/model/instance.ts';
import type { RunHandle } from '../../src/runtime/port.ts';
import { everyPid, isLive, markOn, readStat } from '../../src/runtime/process/proc.ts';
import { ProcessSubject } from '../conformance/runtime-process.ts';
import { text } from '../e2e/install.ts';
import { until } from '../patience.ts';

const MIB = 1024 * 1024;
const root = process.getuid?.() === 0;

/** Takes memory without end, piece by piece. */
const eat = 'node -e "const kept = []; setInterval(() => kept.push(Buffer.alloc(4 << 20, 1)), 5)"';
const hold = (size: number): string =>
  `node -e "globalThis.kept = Buffer.alloc(${size}, 1); console.log('holds'); setInterval(() => {}, 1000)"`;

async function endOf(subject: ProcessSubject, handle: RunHandle): Promise<Exit> {
  await subject.ended(handle);
  const seen = await subject.runtime.observe(handle);
  assert.ok(seen.phase === 'exited');
  return seen.exit;
}

for (const useCgroups of ['auto', 'off'] as const) {
  describe(`what a run may take, cgroups ${useCgroups}`, () => {
    test('over its memory limit it is ended, and said to have run out of memory', async (context) => {
      await using subject = await ProcessSubject.make({ useCgroups });
      if (useCgroups === 'auto' && !subject.runtime.capabilities().memoryLimit)
        return context.skip('no memory cgroup here');
      // By itself, behind a shell that goes on with a code of its own, and as the child of one that holds little: that one the kernel spares.
      const commands = [
        `exec ${eat}`,
        `${eat}; exit $?`,
        ...(useCgroups === 'off' ? [`${eat} & wait; sleep 600`] : []),
      ];
      for (const command of commands) {
        const handle = await subject.runtime.start(await subject.shell(command, { memoryLimit: 160 * MIB }));
        const exit = await endOf(subject, handle);
        assert.equal(exit.reason, 'out-of-memory', command);
        if (useCgroups === 'off') assert.match(exit.detail ?? '', /^\d+ MB of 168 MB$/);
        const known = await (await subject.reborn()).observe(handle);
        assert.deepEqual(known.phase === 'exited' ? known.exit : null, exit, 'another daemon knows it too');
      }
    });

    test('below its limit it is left alone, and all its processes count', async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      if (useCgroups === 'auto') return;
      const limit = { memoryLimit: 400 * MIB };
      const one = await subject.runtime.start(await subject.shell(`exec ${hold(200 * MIB)}`, limit));
      const two = await subject.runtime.start(await subject.shell(`${hold(200 * MIB)} & ${hold(200 * MIB)}`, limit));
      assert.equal((await endOf(subject, two)).reason, 'out-of-memory');
      await until('it holds', async () => (await readFile(one.log, 'utf8')).includes('holds'));
      // Some looks of the watch.
      await pause(2_500);
      assert.equal((await subject.runtime.observe(one)).phase, 'running');
    });

    test('a daemon that adopts a run keeps its limit', async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      if (useCgroups === 'auto') return;
      const gate = `${subject.folder}/gate`;
      const command = `until [ -e ${gate} ]; do sleep 0.05; done; exec ${eat}`;
      const spec = await subject.shell(command, { memoryLimit: 160 * MIB });
      const handle = await subject.runtime.start({ ...spec, memoryLimit: null });
      await until('it runs', async () => (await subject.runtime.observe(handle)).phase === 'running');
      // As the intent of a run with a limit stands on disk; the daemon that started this one knows of none.
      const intent = handle.log.replace(/log$/, 'run.json');
      await subject.rewrite(intent, (text) => text.replace('"memoryLimit":null', `"memoryLimit":${160 * MIB}`));
      const next = await subject.reborn();
      assert.deepEqual(await next.inventory(), [handle]);
      await subject.file('gate', '');
      assert.equal((await endOf(subject, handle)).reason, 'out-of-memory');
    });

    test('one that forks without end reaches its bound and no more, and all of it can be ended', {
      skip: root ? false : 'an ordinary user has no user to spare',
    }, async () => {
      await using subject = await ProcessSubject.make({ useCgroups, processLimit: 150 });
      const neighbour = await subject.runtime.start(
        await subject.shell('exec sleep 600', { service: subject.another('calm') }),
      );
      // A shell would end at the first fork that is refused.
      const bomb = 'exec perl -e "while (1) { fork; select(undef, undef, undef, 0.3) }"';
      const handle = await subject.runtime.start(await subject.shell(bomb, { service: subject.another('bomb') }));
      let most = 0;
      await until('the bound', () => {
        most = Math.max(most, processesOf(subject, handle).length);
        return most > 100;
      });
      for (let looks = 0; looks < 5; looks += 1) most = Math.max(most, processesOf(subject, handle).length);
      assert.ok(most <= 150, String(most));
      assert.equal((await subject.runtime.observe(neighbour)).phase, 'running');
      await subject.runtime.dispose(handle);
      assert.deepEqual(processesOf(subject, handle), []);
      assert.equal((await subject.runtime.observe(neighbour)).phase, 'running');
    });

    test('one that is stopped, and whose children hear no signal, is ended all the same', async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      const deaf = await subject.file('deaf.sh', 'trap "" TERM INT HUP\nwhile :; do sleep 0.2; done\n');
      const command = `setsid sh ${deaf} & sh ${deaf} & sh ${deaf}`;
      const handle = await subject.runtime.start(await subject.shell(command));
      // Each sleeps once it is deaf.
      const asleep = (pid: number): boolean => text(`/proc/${pid}/comm`).trim() === 'sleep';
      await until('all are deaf', () => processesOf(subject, handle).filter(asleep).length === 3);
      for (const pid of processesOf(subject, handle)) process.kill(pid, 'SIGSTOP');
      await subject.runtime.signal(handle, 'terminate');
      assert.equal((await subject.runtime.observe(handle)).phase, 'running');
      await subject.runtime.signal(handle, 'kill');
      const exit = await endOf(subject, handle);
      assert.equal(exit.signal, 'SIGKILL');
      assert.deepEqual(processesOf(subject, handle), []);
    });
  });
}

/** By the mark that they carry. */
function processesOf(subject: ProcessSubject, handle: RunHandle): number[] {
  const mark = `${subject.options.install}.${handle.id}`;
  return everyPid().filter((pid) => markOn(pid) === mark && isLive(readStat(pid)));
}
