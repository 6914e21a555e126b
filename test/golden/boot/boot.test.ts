import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BootService } from '../../../src/boot/boot-service.ts';
import { renderInitScript } from '../../../src/boot/init-script.ts';
import { installService } from '../../../src/boot/install.ts';
import { renderUnit } from '../../../src/boot/unit.ts';

const plain: BootService = {
  name: 'kapal',
  description: 'Kapal: deploys and runs backends',
  launcher: '/opt/kapal/kapal',
  args: ['up', '--data', '/var/lib/kapal'],
  data: '/var/lib/kapal',
  user: 'root',
};

const difficult: BootService = {
  name: 'kapal-second',
  description: '100% Kapal "second"',
  launcher: `/opt/my 50%/it's $HOME/a"b\\c/kapal`,
  args: ['up', '--data', '/srv/data 100%/$x', '--domain', `it's.example.com`],
  data: '/srv/data 100%/$x',
  user: 'deploy',
  environment: { NODE_EXTRA_CA_CERTS: '/etc/my certs/100%/$ca.pem' },
};

const spaced: BootService = { ...difficult, name: 'kapal-third', launcher: '/opt/my 50%/$HOME/kapal' };

/** Compares with the file; KAPAL_GOLDEN=write writes it instead. */
async function golden(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  if (process.env['KAPAL_GOLDEN'] === 'write') await writeFile(path, text);
  assert.equal(text, await readFile(path, 'utf8'));
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-boot-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('what starts the daemon at boot', () => {
  test('the unit, plain and with a difficult path', async () => {
    await golden('plain.service', renderUnit(plain));
    await golden('difficult.service', renderUnit(difficult));
    await golden('spaced.service', renderUnit(spaced));
  });

  test('the init script, plain and with a difficult path', async () => {
    await golden('plain.init', renderInitScript(plain));
    await golden('difficult.init', renderInitScript(difficult));
  });

  test('systemd takes the units, and reads the path that was meant', {
    skip: !analyze && 'systemd-analyze is not installed',
  }, async () => {
    await withFolder(async (folder) => {
      for (const service of [plain, spaced, difficult].map((each) => ({ ...each, user: 'root' }))) {
        const launcher = join(folder, service.launcher);
        await mkdir(join(launcher, '..'), { recursive: true });
        const unit = join(folder, `${service.name}.service`);
        await writeFile(unit, renderUnit({ ...service, launcher }));
        // Without the program there, systemd names the path it looked for: this is how its reading of our quotes is seen.
        const missing = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
        // A path with quotes is an argument of /bin/sh, which is there.
        const named = service.name === difficult.name || missing.stderr.includes(`${launcher} is not executable`);
        assert.ok(named, missing.stderr);
        await writeFile(launcher, '#!/bin/sh\n', { mode: 0o755 });
        const found = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
        assert.deepEqual({ status: found.status, stderr: found.stderr }, { status: 0, stderr: '' });
      }
    });
  });

  test('the init script calls the launcher with the words that were meant', async () => {
    await withFolder(async (folder) => {
      const launcher = join(folder, difficult.launcher);
      await mkdir(join(launcher, '..'), { recursive: true });
      const log = join(folder, 'calls');
      const state = join(folder, 'running');
      // A stand-in for the launcher: writes down its words, and is "running" between up and down.
      const stand = `#!/bin/sh
for word; do printf '%s|' "$word" >>'${log}'; done; echo >>'${log}'
case $1 in up) : >'${state}' ;; down) rm '${state}' ;; ps) [ -e '${state}' ] || exit 3 ;; esac
`;
      await writeFile(launcher, stand, { mode: 0o755 });
      const script = join(folder, 'init');
      await writeFile(script, renderInitScript({ ...difficult, launcher, user: 'root' }), { mode: 0o755 });
      const call = (verb: string): number | null => spawnSync(script, [verb], { stdio: 'ignore' }).status;
      const { data } = difficult;
      assert.equal(call('status'), 3);
      assert.equal(call('start'), 0);
      assert.equal(call('start'), 0, 'already running is success');
      assert.equal(call('status'), 0);
      assert.equal(call('restart'), 0);
      assert.equal(call('stop'), 0);
      assert.equal(call('stop'), 0, 'already stopped is success');
      assert.equal(call('status'), 3);
      assert.equal(call('nonsense'), 2);
      const calls = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('ps|'));
      const up = `up|--data|${data}|--domain|it's.example.com|--detach|`;
      const down = `down|--data|${data}|`;
      assert.deepEqual(calls, [up, down, up, down]);
    });
  });

  test('installing writes one file, again and again, and says what to run', async () => {
    await withFolder(async (root) => {
      for (const systemd of [true, false]) {
        const first = await installService({ ...plain, root, systemd });
        const second = await installService({ ...plain, root, systemd });
        assert.deepEqual(second, first);
        const [file] = first.files;
        assert.equal(file, join(root, systemd ? 'etc/systemd/system/kapal.service' : 'etc/init.d/kapal'));
        assert.ok(file !== undefined);
        assert.equal(await readFile(file, 'utf8'), systemd ? renderUnit(plain) : renderInitScript(plain));
        assert.equal((await stat(file)).mode & 0o777, systemd ? 0o644 : 0o755);
      }
      const { commands } = await installService({ ...plain, root, systemd: true });
      assert.deepEqual(commands, [
        ['systemctl', 'daemon-reload'],
        ['systemctl', 'enable', '--now', 'kapal.service'],
      ]);
    });
  });

  test('text that the files cannot carry is refused', () => {
    for (const wrong of [
      { name: 'a b' },
      { user: 'a;b' },
      { launcher: 'kapal' },
      { data: '/a\nExecStart=/bin/evil' },
      { args: ['up\n'] },
      { description: 'a\nb' },
    ]) {
      assert.throws(() => renderUnit({ ...plain, ...wrong }), TypeError);
      assert.throws(() => renderInitScript({ ...plain, ...wrong }), TypeError);
    }
  });
});
