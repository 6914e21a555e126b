import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RunHandle } from '../../src/runtime/port.ts';
import { everyPid, isLive, markOn, readProc, readStat } from '../../src/runtime/process/proc.ts';
import { ProcessSubject } from '../conformance/runtime-process.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';

const unprivileged = process.getuid?.() !== 0;

async function pidOf(subject: ProcessSubject, handle: RunHandle): Promise<number> {
  let pid = 0;
  await until('it runs', async () => {
    const now = await subject.runtime.observe(handle);
    assert.notEqual(now.phase, 'exited');
    if (now.phase === 'running') pid = now.pid;
    return pid !== 0;
  });
  return pid;
}

async function printed(subject: ProcessSubject, handle: RunHandle): Promise<string> {
  await subject.ended(handle);
  return readFile(handle.log, 'utf8');
}

describe('services are apart from each other and from root', { skip: unprivileged && 'needs root' }, () => {
  test("a run has its service's user, one group, no capabilities and no way to new ones", async () => {
    await using subject = await ProcessSubject.make();
    const account = await subject.runtime.prepare(subject.service);
    assert.ok(account.uid !== null && account.uid > 0 && account.uid < 1000, 'the system range');
    const handle = await subject.runtime.start(
      await subject.shell('cat /proc/self/status; umask; ulimit -Sn; ulimit -Hn'),
    );
    const status = await printed(subject, handle);
    const { uid, gid } = account;
    assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'));
    assert.match(status, new RegExp(`^Gid:\\t${gid}\\t${gid}\\t${gid}\\t${gid}$`, 'm'));
    assert.match(status, new RegExp(`^Groups:\\s*(${gid})?\\s*$`, 'm'));
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      assert.match(status, new RegExp(`^${set}:\\t0{16}$`, 'm'));
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^SigIgn:\t0{16}$/m);
    const [umask, soft, hard] = status.trim().split('\n').slice(-3);
    assert.equal(umask, '0022');
    assert.equal(soft, hard);
    const entry = execFileSync('getent', ['passwd', account.user ?? ''], { encoding: 'utf8' })
      .trim()
      .split(':');
    assert.equal(entry[6], '/usr/sbin/nologin');
    assert.equal(entry[5], account.home);
    assert.ok((account.user ?? '').length <= 32);
  });

  test("one service cannot read another's home, nor signal its processes, nor look into them", async () => {
    await using subject = await ProcessSubject.make();
    const other = subject.another('other');
    const mine = await subject.runtime.start(
      await subject.shell('echo private >"$HOME/secret"; mktemp; exec sleep 600'),
    );
    const pid = await pidOf(subject, mine);
    const { home } = await subject.runtime.prepare(subject.service);
    await until('the file is there', async () => (await stat(`${home}/secret`).catch(() => null)) !== null);
    const command = `cat ${home}/secret; kill -9 ${pid}; cat /proc/${pid}/environ; ls ${subject.options.folder}; echo done`;
    const theirs = await subject.runtime.start(await subject.shell(command, { service: other }));
    const text = await printed(subject, theirs);
    assert.ok(text.endsWith('done\n'));
    assert.ok(!text.includes('private'), text);
    assert.equal(text.match(/Permission denied|not permitted/g)?.length, 4, text);
    assert.ok(isLive(readStat(pid)));
    assert.equal((await stat(home)).mode & 0o777, 0o700);
    await until('mktemp has written', async () => (await readFile(mine.log, 'utf8')).includes(`${home}/tmp/`));
  });

  test('a user of the same name that is not ours is not adopted', async () => {
    await using subject = await ProcessSubject.make();
    const account = await subject.runtime.prepare(subject.service);
    const name = account.user ?? '';
    const gecos = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).split(':')[4] ?? '';
    execFileSync('usermod', ['--comment', 'Somebody else', name]);
    await assert.rejects((await subject.reborn()).prepare(subject.service), { code: 'runtime_failed' });
    execFileSync('usermod', ['--comment', gecos, name]);
    const again = await (await subject.reborn()).prepare(subject.service);
    assert.equal(again.uid, account.uid, 'ours is adopted');
  });

  test('forgetting a service removes its user, its group and its home', async () => {
    await using subject = await ProcessSubject.make();
    const services = ['a', 'b', 'c'].map((name) => subject.another(name));
    const accounts = await Promise.all(services.map((service) => subject.runtime.prepare(service)));
    assert.equal(new Set(accounts.map((account) => account.uid)).size, 3);
    for (const service of services) await subject.runtime.forget(service);
    for (const { user, home } of accounts) {
      assert.throws(() => execFileSync('getent', ['passwd', user ?? '']));
      assert.throws(() => execFileSync('getent', ['group', user ?? '']));
      await assert.rejects(stat(home), { code: 'ENOENT' });
    }
  });

  test('usage counts the whole run', async (context) => {
    await using subject = await ProcessSubject.make();
    if (!subject.runtime.capabilities().memoryLimit) return context.skip('no memory cgroup here');
    const handle = await subject.runtime.start(
      await subject.shell('node -e "globalThis.kept = Buffer.alloc(64 << 20, 1); setInterval(() => {}, 1000)"; true'),
    );
    await until(
      '64 MiB are seen',
      async () => ((await subject.runtime.usage(handle))?.residentBytes ?? 0) > 64 * 1024 * 1024,
    );
    assert.ok(((await subject.runtime.usage(handle))?.cpuMilliseconds ?? 0) > 10);
  });

  test('a data folder that the services cannot pass is told', async () => {
    await using subject = await ProcessSubject.make();
    const before = subject.runtime.capabilities().notes.length;
    await chmod(subject.folder, 0o700);
    const { notes } = (await subject.reborn()).capabilities();
    assert.equal(notes.length, before + 1);
    assert.match(notes.join('\n'), /is closed to their users/);
  });

  test('builds give way: niceness reaches the program', async () => {
    await using subject = await ProcessSubject.make();
    const handle = await subject.runtime.start(await subject.shell('nice', { niceness: 10 }));
    assert.equal((await printed(subject, handle)).trim(), '10');
  });
});

for (const useCgroups of ['auto', 'off'] as const) {
  describe(`processes that leave their group, cgroups ${useCgroups}`, () => {
    test('a double fork is counted among the remains, and killed', async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      // The leader ends when all of them are what they are to be: a busy machine takes its time over forks.
      const gate = join(subject.folder, 'gate');
      const handle = await subject.runtime.start(
        await subject.shell(
          `setsid sh -c "sleep 601 & sleep 602" & while [ ! -e ${gate} ]; do sleep 0.05; done; exit 4`,
        ),
      );
      const ours = (): number[] =>
        everyPid().filter((pid) => markOn(pid) === `${subject.options.install}.${handle.id}` && isLive(readStat(pid)));
      await until('both sleep', () => {
        const commands = ours().map((pid) => readProc(`/proc/${pid}/cmdline`));
        return ['601', '602'].every((seconds) => commands.includes(`sleep\0${seconds}\0`));
      });
      await subject.file('gate', '');
      await subject.ended(handle);
      const seen = await subject.runtime.observe(handle);
      assert.deepEqual(seen.phase === 'exited' ? { code: seen.exit.code, remains: seen.remains } : null, {
        code: 4,
        remains: true,
      });
      const strays = ours();
      assert.equal(strays.length, 3);
      await subject.runtime.signal(handle, 'kill');
      assert.ok(strays.every((pid) => !isLive(readStat(pid))));
      const after = await subject.runtime.observe(handle);
      assert.equal(after.phase === 'exited' ? after.remains : null, false);
    });

    test('SIGTERM reaches each of its processes once', async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      const script = await subject.file(
        'count.sh',
        "trap 'echo term' TERM\necho up\nfor n in 1 2 3 4 5 6; do sleep 0.05; done\nwhile :; do sleep 0.05; done\n",
      );
      const command = `setsid sh ${script} & sh ${script} & trap "" TERM; wait; while :; do sleep 0.05; done`;
      const handle = await subject.runtime.start(await subject.shell(command));
      const count = async (word: string): Promise<number> =>
        (await readFile(handle.log, 'utf8')).split('\n').filter((line) => line === word).length;
      await until('both are up', async () => (await count('up')) === 2);
      await subject.runtime.signal(handle, 'terminate');
      await until('both had the signal', async () => (await count('term')) >= 2);
      await subject.runtime.signal(handle, 'kill');
      assert.equal(await count('term'), 2);
    });

    test("listening is only what the run's own processes do, at the address that is asked", async () => {
      await using subject = await ProcessSubject.make({ useCgroups });
      const port = await freePort();
      const server = (address: string): string =>
        `exec node -e "require('node:net').createServer().listen(${port}, '${address}')"`;
      const holder = await subject.runtime.start(await subject.shell(server('127.0.0.1'), { port }));
      await until('the holder listens', async () => listens(subject, holder));
      const other = await subject.runtime.start(await subject.shell('exec sleep 600', { port }));
      await pidOf(subject, other);
      assert.equal(await listens(subject, other), false);
      assert.deepEqual(
        (await subject.runtime.listeners(holder)).map((listener) => listener.port),
        [port],
      );
      assert.deepEqual(await subject.runtime.listeners(other), []);
      const six = await subject.runtime.start(await subject.shell(server('::1'), { port }));
      await until('it listens on ::1', async () => (await subject.runtime.listeners(six)).length > 0);
      assert.deepEqual(await subject.runtime.listeners(six), [{ address: '::1', port }]);
      assert.equal(await listens(subject, six), false, '127.0.0.1 does not reach it');
    });
  });
}

async function listens(subject: ProcessSubject, handle: RunHandle): Promise<boolean> {
  const seen = await subject.runtime.observe(handle);
  return seen.phase === 'running' && seen.listening;
}
