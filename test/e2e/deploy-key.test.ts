import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { HookAdded } from '../../src/api/contract/hook-types.ts';
import { freePort } from '../free-port.ts';
import { runGit } from '../integration/source-fixtures.ts';
import { hasEnded, processesLike, type Ran, TestKapal, until } from './kapal.ts';

/** A private repository on a machine with OpenSSH's own server, and the deploy key that Kapal makes for it. */
describe('a deploy key and sshd', () => {
  let kapal: TestKapal;
  let sshd: ChildProcess | null = null;
  let port = 0;
  let work = '';
  let url = '';
  const at = (name: string) => join(kapal.folder, 'sshd', name);
  const known = () => join(kapal.data, 'git', 'keys', 'known_hosts');

  before(async () => {
    kapal = await TestKapal.start();
    port = await freePort();
    mkdirSync(at('.'));
    work = join(kapal.folder, 'work');
    mkdirSync(work);
    runGit(work, 'init', '--quiet', '--initial-branch=main');
    runGit(kapal.folder, 'init', '--quiet', '--bare', '--initial-branch=main', at('site.git'));
    url = `ssh://${userInfo().username}@127.0.0.1:${port}${at('site.git')}`;
    push('first');
    await serve();
  });
  after(async () => {
    await end();
    await kapal[Symbol.asyncDispose]();
  });

  function push(text: string): void {
    writeFileSync(join(work, 'index.html'), text);
    writeFileSync(join(work, 'kapal.yaml'), 'services: [{type: static, name: site, staticPublishPath: .}]\n');
    runGit(work, 'add', '--all');
    runGit(work, 'commit', '--quiet', '-m', text);
    runGit(work, 'push', '--quiet', at('site.git'), 'main');
  }

  /** Under a host key of its own, made anew. */
  async function serve(): Promise<void> {
    for (const name of ['host', 'host.pub']) rmSync(at(name), { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('host')]);
    const settings = [
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      `PidFile ${at('pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'LogLevel VERBOSE',
    ];
    writeFileSync(at('config'), `${settings.join('\n')}\n`);
    // Debian's sshd, as root, wants the folder that its start at boot makes.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    sshd = server;
    let said = '';
    server.stderr.on('data', (part: Buffer) => (said += part.toString()));
    await until('sshd listens', async () => {
      if (hasEnded(server)) throw new Error(`sshd ended: ${said}`);
      return said.includes('Server listening');
    });
  }

  async function end(): Promise<void> {
    const server = sshd;
    sshd = null;
    if (server === null || hasEnded(server)) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }

  const deploy = () => kapal.run('deploy', url, '--json');
  const refused = (ran: Ran, message: RegExp, hint: RegExp) => {
    assert.equal(ran.code, 1, ran.stdout);
    const { error } = JSON.parse(ran.stdout) as { error: { code: string; message: string; hint: string } };
    assert.equal(error.code, 'source_failed');
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  };
  const shown = async () => (await kapal.visit('site.localhost')).body;

  test('opens the repository once it is added there, and is seen nowhere', async () => {
    const { hook } = await kapal.json<HookAdded>(['hook', 'add', 'site', '--provider', 'gitea', '--repo', url]);
    const key = hook.publicKey ?? '';
    assert.match(key, /^ssh-ed25519 \S+ kapal-site$/);
    writeFileSync(at('authorized_keys'), '');
    refused(await deploy(), /Permission denied/, /Add the deploy key .* kapal hook list --json/);

    // The server waits with its answer, so that there is time to look.
    const wait = `while ! test -e '${at('go')}'; do sleep 0.05; done; exec sh -c "$SSH_ORIGINAL_COMMAND"`;
    writeFileSync(at('authorized_keys'), `restrict,command="${wait.replaceAll('"', '\\"')}" ${key}\n`);
    const deploying = deploy();
    await until('ssh has come in', async () => (await processesLike(at('go'))).length > 0);
    const [words = ''] = (await processesLike('IdentitiesOnly=yes')).filter((line) => line.includes(`-p ${port}`));
    assert.match(words, /^ssh -F \/dev\/null -i \.\/\.[0-9a-f]{16}\.tmp /);
    const folder = join(kapal.data, 'git', 'keys');
    const lies = readdirSync(folder).filter((name) => name.endsWith('.tmp'));
    assert.equal(lies.length, 1);
    const secret = readFileSync(join(folder, lies[0] ?? ''), 'utf8');
    assert.equal(statSync(join(folder, lies[0] ?? '')).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const body = secret.split('\n').slice(1, -2);
    assert.ok(body.length > 3);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      for (const file of ['cmdline', 'environ'])
        assert.ok(!body.some((line) => readIfAllowed(`/proc/${pid}/${file}`).includes(line)), `${file} of ${pid}`);
    writeFileSync(at('go'), '');
    const done = await deploying;
    assert.equal(done.code, 0, done.stdout);
    assert.equal(await shown(), 'first');
    assert.deepEqual(readdirSync(folder).toSorted(), ['known_hosts', 'ssh']);
    const found = execFileSync('sh', ['-c', 'grep -rlaF -- "$1" "$2" || true', 'sh', body[2] ?? '', kapal.data]);
    assert.equal(found.toString(), '');
    assert.equal(`${done.stdout}${done.stderr}`.includes('PRIVATE KEY'), false);
  });

  test('a host is known by the key that it had when it was met first; another one is refused until somebody says so', async () => {
    assert.match(readFileSync(known(), 'utf8'), new RegExp(`\\[127\\.0\\.0\\.1\\]:${port} ssh-ed25519 |^\\|1\\|`, 'm'));
    push('second');
    await end();
    await serve();
    const before = readFileSync(known(), 'utf8');
    refused(await deploy(), /Host key verification failed/, /git\/keys\/known_hosts/);
    assert.equal(readFileSync(known(), 'utf8'), before);
    assert.equal(await shown(), 'first');
    writeFileSync(known(), '');
    const done = await deploy();
    assert.equal(done.code, 0, done.stdout);
    assert.equal(await shown(), 'second');
  });
});

function readIfAllowed(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
