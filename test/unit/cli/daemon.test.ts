import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { addressText, parseAddress } from '../../../src/cli/launch/address-text.ts';
import { dataFolderOf, placeOf } from '../../../src/cli/global-options.ts';
import { Flags } from '../../../src/cli/flags.ts';
import type { CliHost, DaemonFacts } from '../../../src/cli/host.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { status } from '../api/recording-commands.ts';
import { serve } from '../api/serving.ts';
import { run, Running } from './running.ts';

const facts: DaemonFacts = {
  pid: 7,
  data: '/d',
  socket: '/d/kapal.sock',
  api: '127.0.0.1:7700',
  http: '0.0.0.0:8080',
  https: '0.0.0.0:8443',
  notes: ['HTTPS was not asked for'],
  version: '0.1.0',
};

describe('up', () => {
  test('asks for the defaults of the user', async () => {
    const own = new Running({ env: { XDG_DATA_HOME: '/x' } });
    await own.run(['up']);
    const { onReady: _own, ...options } = own.daemons[0] ?? {};
    assert.deepEqual(options, {
      data: '/x/kapal',
      http: { host: null, port: 8080 },
      https: { address: { host: null, port: 8443 }, asked: false },
      acme: { email: null, directory: null, ca: null, hook: null },
      api: { host: '127.0.0.1', port: 7700 },
      edge: 'auto',
      runtime: 'auto',
      domain: 'localhost',
      keepFree: 'auto',
    });
    const root = new Running({ root: true });
    await root.run(['up']);
    assert.deepEqual([root.daemons[0]?.data, root.daemons[0]?.http], ['/var/lib/kapal', { host: null, port: 80 }]);
    assert.deepEqual(root.daemons[0]?.https, { address: { host: null, port: 443 }, asked: false });
  });

  test('passes on what it is told, and its exit code is the daemon’s', async () => {
    const command = new Running({ cwd: '/here', startDaemon: async ({ onReady }) => (onReady(facts), 5) });
    const line = [
      'up',
      '--data',
      'there',
      '--http',
      '127.0.0.1:1',
      '--https',
      '[::1]:3',
      '--acme-email',
      'you@example.com',
      '--acme-directory',
      'https://ca.example.com/dir',
      '--acme-ca',
      'ca.pem',
      '--acme-hook',
      '/opt/hook',
      '--api',
      '[::1]:2',
      '--edge',
      'embedded',
      '--runtime',
      'process',
      '--domain',
      'Apps.Example.com',
      '--keep-free',
      '1.5GiB',
    ];
    const { code, out } = await command.run(line);
    assert.equal(code, 5);
    const { onReady: _ready, ...options } = command.daemons[0] ?? {};
    assert.deepEqual(options, {
      data: '/here/there',
      http: { host: '127.0.0.1', port: 1 },
      https: { address: { host: '::1', port: 3 }, asked: true },
      acme: {
        email: 'you@example.com',
        directory: 'https://ca.example.com/dir',
        ca: '/here/ca.pem',
        hook: '/opt/hook',
      },
      api: { host: '::1', port: 2 },
      edge: 'embedded',
      runtime: 'process',
      domain: 'apps.example.com',
      keepFree: { bytes: 1_610_612_736 },
    });
    assert.match(
      out,
      /^Kapal is up \(pid 7\)\.\n {2}HTTP {6}http:\/\/0\.0\.0\.0:8080\n {2}HTTPS {5}https:\/\/0\.0\.0\.0:8443\n {2}API {7}http:\/\/127\.0\.0\.1:7700\/api\/docs\n {2}data {6}\/d\n$/,
    );
  });

  test('prints one document for programs when it is ready', async () => {
    const { out } = await run(['up', '--json'], { startDaemon: async ({ onReady }) => (onReady(facts), 0) });
    assert.deepEqual(JSON.parse(out), facts);
  });

  test('--https none is not served, and what did not come is said', async () => {
    const command = new Running({ startDaemon: async ({ onReady }) => (onReady(facts), 0) });
    const { err } = await command.run(['up', '--https', 'none']);
    assert.equal(command.daemons[0]?.https, null);
    assert.equal(err, 'warning: HTTPS was not asked for\n');
  });

  for (const [line, said] of [
    ['up --acme-directory https://ca.example.com/dir', /--acme-directory without --acme-email: no authority is asked/],
    ['up --acme-hook /opt/hook', /--acme-hook without --acme-email/],
    ['up --acme-email nobody', /--acme-email nobody: expected an address/],
    ['up --acme-email a@b.c?subject=x', /expected an address/],
    ['up --acme-email a@example.com --acme-directory http://x', /expected the https URL of a directory/],
  ] as const) {
    test(`${line} is refused`, async () => {
      const { code, err } = await run(line.split(' '));
      assert.equal(code, 2);
      assert.match(err, said);
    });
  }

  test('a daemon that cannot start says why, with the exit code of that', async () => {
    const startDaemon = () =>
      Promise.reject(
        new KapalError('port_taken', 'port 80 is held by nginx (pid 12)', { hint: 'Choose another: --http 8080' }),
      );
    const { code, err } = await run(['up'], { startDaemon });
    assert.equal(code, 1);
    assert.match(err, /port 80 is held by nginx \(pid 12\) \(port_taken\)\n {2}hint: Choose another: --http 8080/);
  });
});

describe('up --detach', () => {
  /** A program that stands for the entry file: it does what the script says, with the arguments at hand. */
  async function entry(script: string): Promise<{ program: readonly string[]; data: string } & AsyncDisposable> {
    const data = await mkdtemp(join(tmpdir(), 'kapal-detach-'));
    const path = join(data, 'entry.mjs');
    await writeFile(path, `const args = process.argv.slice(2);\n${script}`);
    return {
      program: [process.execPath, path],
      data,
      [Symbol.asyncDispose]: () => rm(data, { recursive: true, force: true }),
    };
  }

  test('starts a daemon in a session of its own and prints what it says', async () => {
    await using there = await entry(
      'console.log(JSON.stringify({ pid: process.pid, args })); setInterval(() => {}, 1000);',
    );
    const command = new Running({ program: there.program });
    const { code, out } = await command.run(['up', '--detach', '--json', '--data', there.data, '--http', '8080']);
    assert.equal(code, 0);
    const { pid, args } = JSON.parse(out) as { pid: number; args: string[] };
    try {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      assert.deepEqual([Number(group), Number(session)], [pid, pid]);
      assert.deepEqual(args, [
        'up',
        '--json',
        '--data',
        there.data,
        '--http',
        ':8080',
        '--api',
        '127.0.0.1:7700',
        '--edge',
        'auto',
        '--runtime',
        'auto',
        '--domain',
        'localhost',
      ]);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  test('passes on the error of a daemon that did not start', async () => {
    await using there = await entry(
      `console.log(JSON.stringify({ error: { code: 'daemon_running', message: 'taken', hint: null, log: [] } })); process.exit(1);`,
    );
    const { code, err } = await run(['up', '--detach', '--data', there.data], { program: there.program });
    assert.equal(code, 1);
    assert.match(err, /error: taken \(daemon_running\)/);
  });

  test('shows the last lines of one that died without a word', async () => {
    await using there = await entry(`process.stderr.write('one\\ntwo\\n'); process.kill(process.pid, 'SIGKILL');`);
    const { code, err } = await run(['up', '--detach', '--data', there.data], { program: there.program });
    assert.equal(code, 1);
    assert.match(err, /the daemon was ended by SIGKILL before it was ready[\s\S]*\| one\n {2}\| two/);
  });
});

describe('down', () => {
  test('waits until the process is gone', async () => {
    const child = spawn('sleep', ['60']);
    const { pid } = child;
    assert.ok(pid !== undefined);
    let asked: boolean | null = null;
    await using served = await serve({
      status: async () => ({ ...status, pid }),
      shutdown: async (apps) => {
        asked = apps;
        setTimeout(() => child.kill('SIGKILL'), 100);
      },
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const { code, out, err } = await run(['down', '--apps', '--json'], { env: { KAPAL_DATA: served.data } });
    await ended;
    assert.deepEqual([code, JSON.parse(out), asked], [0, { stopped: true, apps: true, pid }, true]);
    assert.match(err, /stopping everything/);
    assert.notEqual(child.signalCode, null);
  });

  test('of no daemon is exit code 3', async () => {
    assert.equal((await run(['down', '--data', '/nowhere'])).code, 3);
  });
});

test('service install passes the options of up on', async () => {
  const command = new Running({ root: true });
  const { code, out } = await command.run(['service', 'install', '--domain', 'apps.example.com', '--dry-run']);
  assert.equal(code, 0);
  assert.deepEqual(
    [command.installs[0]?.domain, command.installs[0]?.dryRun, command.installs[0]?.data],
    ['apps.example.com', true, '/var/lib/kapal'],
  );
  assert.equal(out, 'Would be written: /etc/systemd/system/kapal.service\n[Unit]\nsystemctl start kapal\n');
});

describe('addresses', () => {
  const alone = { flag: '--http', alone: '127.0.0.1' };
  for (const [text, host, port] of [
    ['8080', '127.0.0.1', 8080],
    [':8080', null, 8080],
    ['*:80', null, 80],
    ['0.0.0.0:80', '0.0.0.0', 80],
    ['localhost:0', 'localhost', 0],
    ['[::1]:65535', '::1', 65_535],
    ['example.com:443', 'example.com', 443],
  ] as const) {
    test(text, () => {
      assert.deepEqual(parseAddress(text, alone), { host, port });
      if (text !== '8080') assert.equal(addressText({ host, port }), text.replace('*', ''));
    });
  }
  for (const text of [
    '',
    ':',
    'x',
    '65536',
    '1:2:3',
    '::1',
    '[x]:1',
    '[::1]',
    'a b:1',
    '-1',
    '1.2.3.4:',
    'http://x:1',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => {
      assert.throws(
        () => parseAddress(text, alone),
        (error: unknown) => error instanceof KapalError && error.code === 'usage',
      );
    });
  }
});

describe('where the data is', () => {
  const host = (env: Record<string, string>, root = false) => ({ env, root, cwd: '/here' }) as unknown as CliHost;
  const flags = (values: object) => new Flags({ ...values });
  for (const [values, env, root, expected] of [
    [{ data: 'x' }, { KAPAL_DATA: '/k' }, true, '/here/x'],
    [{}, { KAPAL_DATA: 'k' }, true, '/here/k'],
    [{}, { XDG_DATA_HOME: '/x', HOME: '/h' }, true, '/var/lib/kapal'],
    [{}, { XDG_DATA_HOME: '/x', HOME: '/h' }, false, '/x/kapal'],
    [{}, { XDG_DATA_HOME: 'relative', HOME: '/h' }, false, '/h/.local/share/kapal'],
    [{}, { KAPAL_DATA: '', HOME: '/h' }, false, '/h/.local/share/kapal'],
  ] as const) {
    test(JSON.stringify([values, env, root]), () =>
      assert.equal(dataFolderOf(flags(values), host(env, root)), expected),
    );
  }

  test('flags win over the environment', () => {
    assert.deepEqual(placeOf(flags({ environment: 'a' }), { KAPAL_ENVIRONMENT: 'b', KAPAL_PROJECT: 'p' }), {
      environment: 'a',
      project: 'p',
    });
    assert.deepEqual(placeOf(flags({}), { KAPAL_ENVIRONMENT: '' }), { environment: 'production' });
  });
});
