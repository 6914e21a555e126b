import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, test } from 'node:test';
import type { InstanceDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { TestKapal } from './kapal.ts';
import { installOf, isAlive, killAll, leftovers, onlyOwned, processesOf, send } from './install.ts';
import { eventually, Gate, going, logged, shop } from './survival.ts';

describe('from cold state', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('after a power cut and after a reboot everything comes back and answers', async () => {
    await kapal.deploy(await kapal.project('shop', shop('shop', ['numInstances: 2'])));
    await kapal.deploy(
      await kapal.project('site', {
        'kapal.yaml': 'services: [{type: static, name: site, staticPublishPath: .}]\n',
        'index.html': 'hello',
      }),
    );

    await killAll(kapal);
    await kapal.up();
    await answers(kapal);
    const shopAgain = await ready(kapal, 'shop', 2);
    assert.ok(
      shopAgain.instances.every((instance) => instance.restarts === 1 && typeof instance.lastExit === 'string'),
      JSON.stringify(shopAgain),
    );
    await onlyOwned(kapal);

    // A reboot: another boot id, and the pids on record belong to strangers now.
    await using stranger = sleeper();
    await killAll(kapal);
    forgeReboot(kapal, stranger.pid);
    await kapal.up();
    await answers(kapal);
    await ready(kapal, 'shop', 2);
    await onlyOwned(kapal);
    assert.ok(isAlive(stranger.pid), 'a process that got the pid of an old one is left alone');
  });

  test('what ended while no daemon ran is restarted and says how it ended', async () => {
    await kapal.deploy(await kapal.project('shop', shop('shop', ['memoryLimit: 256MB'])));
    const limited = !(await kapal.run('doctor', '--json')).stdout.includes('Memory limits are kept by the daemon');
    type End = readonly [how: (instance: InstanceDocument) => Promise<void> | void, words: RegExp];
    const starved: End = [
      async () => void (await kapal.visit('shop.localhost', '/?eat')),
      /more memory than its limit/,
    ];
    const ends: readonly End[] = [
      [async () => void (await kapal.visit('shop.localhost', '/?exit=3')), /exited with code 3/],
      [({ pid }) => void send(pid ?? 0, 'SIGSEGV'), /SIGSEGV/],
      [({ id }) => endWithKeeper(kapal, id), /reason is not known/],
      ...(limited ? [starved] : []),
    ];
    for (const [index, [end, words]] of ends.entries()) {
      const { instances } = await ready(kapal, 'shop', 1);
      const [before] = instances;
      assert.ok(before !== undefined);
      await kapal.killDaemon();
      await end(before);
      await eventually('it has ended', () => !isAlive(before.pid ?? 0));
      await kapal.up();
      const after = await eventually('it is ready again', async () => {
        const [instance] = (await ready(kapal, 'shop', 1)).instances;
        return instance?.restarts === index + 1 ? instance : null;
      });
      assert.equal(after.id, before.id, 'the same instance, another attempt');
      assert.match(after.lastExit ?? '', words);
      await logged(kapal, 'shop', words);
    }
    await onlyOwned(kapal);
  });

  test('down --apps in the middle of builds leaves nothing, and the deploys that were acknowledged end', async () => {
    const gate = new Gate(kapal, 'build');
    const deploys = [];
    for (const name of ['one', 'two', 'three']) {
      deploys.push(going(kapal, 'deploy', await kapal.project(name, shop(name, [`buildCommand: ${gate.wait}`]))));
    }
    await eventually(
      'a build runs and others wait for it',
      async () => (await kapal.ps()).length === 3 && processesOf(kapal).some(({ role }) => role === 'app'),
    );
    assert.equal((await kapal.run('down', '--apps')).code, 0);
    assert.deepEqual(leftovers(kapal), []);
    await gate.open();
    await kapal.up();
    for (const { ended } of deploys) {
      const { code, stdout, stderr } = await ended;
      assert.ok(code === 0 || code === 1, `exit code ${code}: ${stderr}`);
      assert.match(stdout, /"outcome":"(?:live|failed|cancelled)"/, stderr);
    }
    await onlyOwned(kapal);
  });
});

async function answers(kapal: TestKapal): Promise<void> {
  for (const [host, body] of [
    ['shop.localhost', /"release":"1"/],
    ['site.localhost', /hello/],
  ] as const) {
    await eventually(`${host} answers`, async () => body.test((await kapal.visit(host).catch(() => null))?.body ?? ''));
  }
}

function ready(kapal: TestKapal, name: string, count: number): Promise<ServiceDocument> {
  return eventually(`${count} of ${name} ready`, async () => {
    const service = await kapal.service(name);
    return service.instances.filter((instance) => instance.state === 'ready').length === count ? service : null;
  });
}

function endWithKeeper(kapal: TestKapal, instance: string): void {
  for (const { pid, run } of processesOf(kapal).toSorted((a, b) => (a.role < b.role ? 1 : b.role < a.role ? -1 : 0))) {
    if (run?.startsWith(instance) === true) send(pid, 'SIGKILL');
  }
}

/** A process of nobody's. */
function sleeper(): { pid: number } & AsyncDisposable {
  const child = spawn('sleep', ['300'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Makes every record on disk one of an earlier boot, whose pids were given to another process. */
function forgeReboot(kapal: TestKapal, pid: number): void {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const earlier = '00000000-1111-4222-8333-444444444444';
  for (const folder of ['runs', 'edge']) {
    for (const entry of readdirSync(join(kapal.data, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.includes('/engine-') || path.includes('/cache/')) continue;
      const content = readFileSync(path, 'latin1');
      if (content.includes(boot))
        writeFileSync(path, content.replace(/^\d+(?= )/, String(pid)).replaceAll(boot, earlier), 'latin1');
    }
  }
  // What the kernel held is gone as well.
  const install = installOf(kapal) ?? '';
  for (const controller of ['memory', 'cpuacct', 'pids']) {
    const parent = join('/sys/fs/cgroup', controller, `kapal-${install}`);
    for (const run of existsSync(parent) ? readdirSync(parent).filter((name) => name.startsWith('run-')) : [])
      rmdirSync(join(parent, run));
  }
  using database = new DatabaseSync(join(kapal.data, 'record', 'record.db'));
  database.prepare('UPDATE instances SET handle = replace(handle, ?, ?)').run(boot, earlier);
}
