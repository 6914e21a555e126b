import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type InstallGround, installPackages, missingPackages, packages } from '../../src/edge/nginx/install.ts';
import { locateNginx, usualPlaces } from '../../src/edge/nginx/locate.ts';
import type { ExecResult } from '../../src/lib/exec.ts';

/** A machine that remembers what was run on it; `installed` grows when apt-get says it did. */
class Machine implements Disposable, InstallGround {
  readonly folder = mkdtempSync(join(tmpdir(), 'kapal-install-'));
  readonly root: boolean;
  readonly calls: string[] = [];
  readonly installed: Set<string>;
  readonly osRelease = join(this.folder, 'os-release');
  readonly policyFile = join(this.folder, 'policy-rc.d');
  /** How often apt-get fails before it installs. */
  failures = 0;
  policyDuringInstall: string | null = null;

  constructor(given: { readonly root?: boolean; readonly os?: string; readonly installed?: readonly string[] } = {}) {
    this.root = given.root ?? true;
    this.installed = new Set(given.installed ?? []);
    writeFileSync(this.osRelease, given.os ?? 'NAME="Debian"\nID=debian\n');
  }

  async run(program: string, args: readonly string[]): Promise<ExecResult> {
    this.calls.push([program, ...args].join(' '));
    const result = { code: 0, signal: null, missing: false, timedOut: false, truncated: false, stdout: '', stderr: '' };
    if (program === 'dpkg-query')
      return this.installed.has(args.at(-1) ?? '')
        ? { ...result, ok: true, stdout: 'installed' }
        : { ...result, ok: false, code: 1 };
    if (program === 'apt-get' && args[0] === 'install') {
      this.policyDuringInstall = existsSync(this.policyFile) ? readFileSync(this.policyFile, 'utf8') : null;
      if (this.failures-- > 0) return { ...result, ok: false, code: 100, stderr: 'E: Unable to locate package nginx' };
      for (const name of packages) this.installed.add(name);
    }
    return { ...result, ok: true };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('installing the packages of the nginx edge', () => {
  test('installs what is missing, forbids the service its start meanwhile, and disables it', async () => {
    using machine = new Machine();
    assert.deepEqual(await missingPackages(machine), packages);
    const notes = await installPackages(machine);
    assert.match(notes.join(), /disabled/);
    assert.match(machine.policyDuringInstall ?? '', /exit 101/);
    assert.equal(existsSync(machine.policyFile), false);
    assert.ok(machine.calls.includes(`apt-get install -y --no-install-recommends ${packages.join(' ')}`));
    assert.ok(machine.calls.includes('systemctl disable nginx.service'));
    assert.deepEqual(await missingPackages(machine), []);
  });

  test('a service that was there before, and a policy that was, are left alone', async () => {
    using machine = new Machine({ installed: ['nginx'] });
    writeFileSync(machine.policyFile, 'theirs');
    await installPackages(machine);
    assert.equal(readFileSync(machine.policyFile, 'utf8'), 'theirs');
    assert.ok(!machine.calls.some((call) => call.startsWith('systemctl')));
  });

  test('fetches the lists of packages when they are missing, and tells what apt said when that does not help', async () => {
    using machine = new Machine();
    machine.failures = 1;
    await installPackages(machine);
    assert.ok(machine.calls.includes('apt-get update'));
    using hopeless = new Machine();
    hopeless.failures = 2;
    await assert.rejects(installPackages(hopeless), {
      code: 'edge_failed',
      log: ['E: Unable to locate package nginx'],
    });
    assert.equal(existsSync(hopeless.policyFile), false);
  });

  test('refuses without root, and on another system', async () => {
    using user = new Machine({ root: false });
    await assert.rejects(installPackages(user), { code: 'forbidden' });
    using fedora = new Machine({ os: 'ID=fedora\n' });
    await assert.rejects(installPackages(fedora), { code: 'not_supported' });
    await assert.rejects(missingPackages(fedora), { code: 'not_supported' });
    using mint = new Machine({ os: 'ID=linuxmint\nID_LIKE="ubuntu debian"\n' });
    await installPackages(mint);
    assert.deepEqual(
      user.calls.filter((call) => call.startsWith('apt-get')),
      [],
    );
  });
});

describe('finding nginx', () => {
  test('finds the one of this machine', async () => {
    const found = await locateNginx();
    assert.ok(found.found, found.found ? '' : found.why);
    assert.match(found.version, /^\d+\.\d+\.\d+$/);
    for (const path of [found.program, ...found.modules]) assert.ok(existsSync(path), path);
  });

  test('says what is not there', async () => {
    const why = async (changed: Partial<typeof usualPlaces>): Promise<string> => {
      const found = await locateNginx({ ...usualPlaces, ...changed });
      return found.found ? 'found' : found.why;
    };
    assert.equal(await why({ programs: [] }), 'nginx is not installed');
    assert.match(await why({ programs: ['/bin/false'] }), /does not run/);
    assert.match(await why({ programs: ['/bin/true'] }), /no Lua module|without TLS/);
    assert.match(await why({ luaFolders: [] }), /lua-resty-core/);
    assert.match(await why({ luaCFolders: [] }), /lua-cjson/);
  });
});
