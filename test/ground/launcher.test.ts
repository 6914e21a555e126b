/** The launcher, with a stub in the place of Node and of npm: no registry, no network. What it runs prints its own argv. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Checkout, type Ended } from './checkout.ts';

const flags = '--disable-warning=ExperimentalWarning';

describe('kapal, installed', () => {
  test('hands every argument to the program and forks nothing on the way', async () => {
    await using checkout = Checkout.installed();
    // A folder without programs as PATH: whatever is not built into sh would fail.
    const ended = await checkout.run(['deploy', 'a b', '--json', ''], { PATH: '/nonexistent' });
    assert.deepEqual(argv(ended), [flags, join(checkout.folder, 'src/main.ts'), 'deploy', 'a b', '--json', '']);
    assert.equal(ended.stderr, '');
  });

  test('becomes the program: the pid that was started is its pid, and its exit code is the exit code', async () => {
    await using checkout = Checkout.installed();
    const ended = await checkout.run([], { STUB_EXIT: '3' });
    assert.equal(value(ended, 'pid'), String(ended.pid));
    assert.equal(ended.code, 3);
  });

  test('finds its folder from another one, through symlinks, by PATH and with blanks in the path', async () => {
    await using checkout = Checkout.installed('with blanks');
    const links = join(checkout.root, 'links');
    mkdirSync(links);
    symlinkSync('../with blanks/kapal', join(links, 'relative'));
    symlinkSync(join(links, 'relative'), join(links, 'chain'));
    symlinkSync(join(links, 'chain'), join(links, 'kapal'));
    const main = join(checkout.folder, 'src/main.ts');
    for (const [command, cwd] of [
      [join(checkout.folder, 'kapal'), '/'],
      ['./kapal', checkout.folder],
      ['with blanks/kapal', checkout.root],
      ['./with blanks/kapal', checkout.root],
      [join(links, 'relative'), '/'],
      [join(links, 'chain'), '/'],
      ['kapal', '/'],
    ] as const) {
      const ended = await checkout.run(['ps'], { PATH: `${links}:${checkout.tools}` }, { command, cwd });
      assert.deepEqual(argv(ended), [flags, main, 'ps'], command);
    }
  });

  test('keeps compiled code in the checkout', async () => {
    await using checkout = Checkout.installed();
    assert.equal(value(await checkout.run([]), 'cache'), join(checkout.folder, 'node_modules/.cache/kapal-compile'));
  });

  test('works for a user who may only read the checkout, with a cache of their own', async () => {
    await using checkout = Checkout.installed();
    const ended = await checkout.runReadOnly(['ps'], { XDG_CACHE_HOME: '/somewhere/cache' });
    assert.deepEqual(argv(ended).slice(2), ['ps']);
    assert.equal(value(ended, 'cache'), '/somewhere/cache/kapal/compile');
  });

  test('takes an install that npm made by hand as it is', async () => {
    await using checkout = Checkout.installed();
    checkout.remove('node_modules/.kapal-installed');
    const ended = await checkout.run(['ps']);
    assert.deepEqual(argv(ended).slice(2), ['ps']);
    assert.deepEqual(checkout.npmCalls(), []);
    assert.ok(existsSync(join(checkout.folder, 'node_modules/.kapal-installed')));
  });
});

describe('kapal, for the first time', () => {
  test('installs what production needs, says so on stderr only, and does it once', async () => {
    await using checkout = Checkout.bare();
    const first = await checkout.run(['ps']);
    assert.deepEqual(argv(first).slice(2), ['ps']);
    assert.match(first.stderr, /installing dependencies/);
    assert.match(first.stderr, /npm talks/);
    const second = await checkout.run(['ps']);
    assert.equal(second.stderr, '');
    const [call, ...others] = checkout.npmCalls();
    assert.match(call ?? '', /^ci --omit=dev --include=optional --ignore-scripts /);
    assert.deepEqual(others, []);
  });

  test('warms the cache for a command and for the daemon, without its standard input', async () => {
    await using checkout = Checkout.bare();
    const ended = await checkout.run(['env', 'set', 'api', 'KEY=-'], {}, { input: 'a value' });
    assert.equal(value(ended, 'stdin'), 'a value');
    assert.deepEqual(checkout.starts(), [
      'main.ts --version',
      'main.ts up --help',
      'daemon/daemon.ts',
      'observe/logs/worker.ts',
      'main.ts env set api KEY=-',
    ]);
  });

  test('starts the daemon so that it saves memory', async () => {
    await using checkout = Checkout.installed();
    const main = join(checkout.folder, 'src/main.ts');
    for (const words of [['up'], ['--data', '/srv', 'up', '--detach']]) {
      const ended = await checkout.run(words);
      assert.deepEqual(argv(ended), [flags, '--optimize-for-size', '--v8-pool-size=1', main, ...words]);
    }
  });

  test('keeps the dev dependencies of a developer', async () => {
    await using checkout = Checkout.bare();
    mkdirSync(join(checkout.folder, 'node_modules/typescript'), { recursive: true });
    await checkout.run(['ps']);
    assert.match(checkout.npmCalls()[0] ?? '', /^ci --include=dev /);
  });

  test('installs again after an update changed the lock file, even one dated in the future', async () => {
    await using checkout = Checkout.installed();
    const future = new Date(Date.now() + 3_600_000);
    utimesSync(join(checkout.folder, 'package-lock.json'), future, future);
    await checkout.run(['ps']);
    await checkout.run(['ps']);
    assert.equal(checkout.npmCalls().length, 1);
  });

  for (const means of ['flock', 'mkdir'] as const) {
    test(`two at once: one installs, the other waits (${means})`, async () => {
      await using checkout = Checkout.bare();
      if (means === 'mkdir') checkout.hideTool('flock');
      const both = await Promise.all([checkout.run(['ps']), checkout.run(['logs'])]);
      assert.deepEqual(
        both.map((ended) => argv(ended)[2]),
        ['ps', 'logs'],
      );
      assert.equal(checkout.npmCalls().length, 1);
      assert.equal(both.filter((ended) => ended.stderr.includes('waiting for it')).length, 1);
      assert.equal(existsSync(join(checkout.folder, '.kapal/install.lock.d')), false);
    });
  }

  test('takes over the lock of an install that died', async () => {
    await using checkout = Checkout.bare();
    checkout.hideTool('flock');
    mkdirSync(join(checkout.folder, '.kapal/install.lock.d'), { recursive: true });
    // Above the largest pid that Linux gives.
    writeFileSync(join(checkout.folder, '.kapal/install.lock.d/pid'), '4999999\n');
    assert.deepEqual(argv(await checkout.run(['ps'])).slice(2), ['ps']);
  });
});

describe('kapal, where it cannot install', () => {
  test('without npm it says what to install', async () => {
    await using checkout = Checkout.bare();
    checkout.hideTool('npm');
    refused(await checkout.run(['ps']), /npm was not found.*\n.*apt-get install nodejs npm/);
  });

  test('with npm but without node it says that', async () => {
    await using checkout = Checkout.bare();
    checkout.hideTool('node');
    refused(await checkout.run(['ps']), /node, which npm needs, was not found/);
  });

  test('on another platform it names both', async () => {
    await using checkout = Checkout.bare();
    checkout.replaceTool('uname', 'case $1 in -s) echo Darwin ;; *) echo arm64 ;; esac');
    refused(await checkout.run(['ps']), /runs on Linux with x86-64 or arm64, and this is Darwin arm64/);
  });

  test('in a folder that is not writable it names the folder and the way out', async () => {
    await using checkout = Checkout.bare();
    const ended = await checkout.runReadOnly(['ps']);
    refused(
      ended,
      new RegExp(
        `cannot install into ${checkout.folder}: .*not writable by .*\\n.*kapal --version once as the folder's owner`,
      ),
    );
  });

  test('when npm fails it leaves no stamp, and the next call tries again', async () => {
    await using checkout = Checkout.bare();
    refused(await checkout.run(['ps'], { STUB_NPM_EXIT: '1' }), /npm ci did not succeed/);
    assert.deepEqual(argv(await checkout.run(['ps'])).slice(2), ['ps']);
    assert.equal(checkout.npmCalls().length, 2);
  });

  test('when the Node that npm brought does not run here it says so', async () => {
    await using checkout = Checkout.bare();
    refused(await checkout.run(['ps'], { STUB_NODE_BROKEN: 'yes' }), /does not run on this machine/);
  });
});

describe('the lock file', () => {
  const text = readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Record<string, Locked | undefined> };

  test('names no registry, so that every machine uses its own', () => {
    assert.doesNotMatch(text, /"resolved":/);
  });

  test('brings Node 24 for both processors', () => {
    for (const cpu of ['x64', 'arm64'])
      assert.match(packages[`node_modules/node-linux-${cpu}`]?.version ?? '', /^24\./);
  });

  // A registry that lacks another platform's package makes npm leave it out, and then npm ci refuses the lock file everywhere.
  test('lists the optional packages of every platform', () => {
    const wanted = Object.values(packages).flatMap((locked) => Object.keys(locked?.optionalDependencies ?? {}));
    assert.deepEqual(
      wanted.filter((name) => packages[`node_modules/${name}`] === undefined),
      [],
    );
  });
});

interface Locked {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function argv({ stdout }: Ended): string[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('argv='))
    .map((line) => line.slice('argv='.length));
}

function value({ stdout }: Ended, name: string): string | undefined {
  return stdout
    .split('\n')
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

function refused(ended: Ended, reason: RegExp): void {
  assert.match(ended.stderr, reason);
  assert.equal(ended.stdout, '');
  assert.equal(ended.code, 1);
}
