import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { JobDocument, JobsDocument } from '../../src/api/contract/job-types.ts';
import { seen } from '../patience.ts';
import { runFolders } from './install.ts';
import { checkout, TestKapal, until } from './kapal.ts';

const declaration = `project: shop
services:
  - type: worker
    name: work
    runtime: node
    startCommand: sleep 100000
    maxShutdownDelaySeconds: 3
    memoryLimit: 256MB
    envVars: [{key: MODE, value: hello}, {key: TOKEN, sync: false}]
`;

describe('a command in the release of a service', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    await kapal.run('env', 'set', 'work', 'TOKEN=planted-a81c55', '--project', 'shop');
    await kapal.deploy(await kapal.project('shop', { 'kapal.yaml': declaration, 'here.txt': 'the release' }));
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  async function jobs(): Promise<readonly JobDocument[]> {
    const [found] = await kapal.get<readonly JobsDocument[]>('/jobs?service=work');
    return found?.jobs ?? [];
  }

  /** Resolves when nothing of `kapal run` is left. */
  function quiet(): Promise<void> {
    return until('no job is left', async () => {
      const isOver = (await jobs()).every(({ state }) => state === 'ended');
      return isOver && runFolders(kapal).every((folder) => !folder.includes('work-run'));
    });
  }

  test('has its folder, variables and user; its streams and its exit code are passed on', async () => {
    const ran = await kapal.run('run', 'work', '--', 'sh', '-c', 'cat here.txt; echo " $MODE"; id -un >&2; exit 7');
    assert.deepEqual([ran.code, ran.stdout], [7, 'the release hello\n']);
    assert.match(ran.stderr, /^(?:kapal-work-[0-9a-f]{10}|\w+)\n$/);
    assert.equal((await kapal.run('run', 'work', '--', 'sh', '-c', 'kill -TERM $$')).code, 143);
    const missing = await kapal.run('run', 'work', '--', 'no-such-program');
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /no-such-program: not found/);
  });

  test('arguments stay arguments', async () => {
    const hostile = ["it's", '$(id)', '`id`', 'a b', '', '-n', '"', '\\', 'line\nbreak', '*', '; exit 5', '日本'];
    const ran = await kapal.run(
      'run',
      'work',
      '--',
      'node',
      '-p',
      'JSON.stringify(process.argv.slice(1))',
      '--',
      ...hostile,
    );
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(JSON.parse(ran.stdout), hostile);
  });

  test('what is piped in and out loses no byte, and its end is passed on', async () => {
    const folder = await mkdtemp(join(kapal.folder, 'bytes-'));
    const bytes = randomBytes(9_000_001);
    await writeFile(join(folder, 'dump'), bytes);
    const line = `"$0" run work -- cat < dump > copy`;
    const code = await shell(kapal, line, folder);
    assert.equal(code, 0);
    const copy = await readFile(join(folder, 'copy'));
    assert.equal(digest(copy), digest(bytes));
    await rm(folder, { recursive: true });
  });

  test('a program that reads nothing, or stops to read, holds up nobody', async () => {
    const input = 'x'.repeat(3_000_000);
    assert.deepEqual(await kapal.runWith({ input }, 'run', 'work', '--', 'true'), { code: 0, stdout: '', stderr: '' });
    const ran = await kapal.runWith({ input }, 'run', 'work', '--', 'head', '-c', '5');
    assert.deepEqual([ran.code, ran.stdout], [0, 'xxxxx']);
    assert.equal((await kapal.run('run', 'work', '--', 'wc', '-c')).stdout, '0\n');
  });

  test('a reader that has gone ends the program, and not with an error of ours', async () => {
    const folder = await mkdtemp(join(kapal.folder, 'pipe-'));
    assert.equal(await shell(kapal, `"$0" run work -- sh -c 'while echo y; do :; done' | head -n 2 > out`, folder), 0);
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'y\ny\n');
    await quiet();
  });

  test('is listed while it runs; Ctrl-C ends it, and what it then says is seen', async () => {
    const script = 'trap "echo tidied; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    const { child, ran } = kapal.begin({}, 'run', 'work', '--', 'sh', '-c', script);
    const ready = said(child, /ready/);
    const job = await seen('it is listed', async () => (await jobs()).find(({ state }) => state === 'running'));
    assert.equal(job.cause, 'command');
    assert.match((await kapal.run('jobs', 'work')).stdout, new RegExp(`${job.id} +running +command`));
    await ready;
    child.kill('SIGINT');
    const { code, stdout } = await ran;
    assert.deepEqual([code, stdout], [130, 'ready\ntidied\n']);
    await quiet();
  });

  test('ends with its client, and with the daemon that holds its streams', async () => {
    for (const end of [(pid: number) => process.kill(pid, 'SIGKILL'), () => kapal.killDaemon()]) {
      const { child, ran } = kapal.begin({}, 'run', 'work', '--', 'sh', '-c', 'echo ready; sleep 100000');
      const ready = said(child, /ready/);
      const job = await seen('it runs', async () => (await jobs()).find(({ state }) => state === 'running'));
      await ready;
      await end(child.pid ?? 0);
      const { code, stderr } = await ran;
      if (kapal.daemon === null) {
        assert.equal(code, 3);
        assert.match(stderr, /with --detach it goes on by itself/);
        await kapal.up();
      }
      await quiet();
      const { result, exit } = await kapal.get<JobDocument>(`/jobs/${job.id}`);
      assert.equal(result, 'stopped', exit ?? '');
    }
  });

  test('detached: its output is in the log, and it outlives command and daemon', async () => {
    const script = 'echo one; sleep 2; echo two $TOKEN';
    const begun = await kapal.run('run', '--detach', '--json', 'work', '--', 'sh', '-c', script);
    const ran = JSON.parse(begun.stdout) as JobDocument;
    await kapal.killDaemon();
    await kapal.up();
    const job = await seen('it has ended', async () => {
      const found = await kapal.get<JobDocument>(`/jobs/${ran.id}`);
      return found.state === 'ended' ? found : null;
    });
    assert.deepEqual([job.result, job.exitCode], ['succeeded', 0]);
    const { stdout } = await kapal.run('logs', 'work');
    assert.match(stdout, new RegExp(`${job.id} one\\n[^]*${job.id} two \\[masked\\]`));
    await kapal.run('run', '--detach', 'work', '--', 'echo', 'planted-a81c55');
    assert.doesNotMatch((await kapal.run('jobs', 'work')).stdout, /planted/);
  });

  test('--timeout ends it', async () => {
    const ran = await kapal.run('run', '--timeout', '1', 'work', '--', 'sleep', '100000');
    assert.equal(ran.code, 143);
    assert.match(ran.stderr, /took longer than it may, and was ended/);
    const document = await kapal.run(
      'run',
      '--timeout',
      '1',
      '--json',
      'work',
      '--',
      'sh',
      '-c',
      'echo hello; sleep 100',
    );
    const job = JSON.parse(document.stdout) as JobDocument;
    assert.deepEqual([job.result, document.stderr.includes('hello')], ['timeout', true]);
  });

  test('has the memory limit of its service', { skip: process.getuid?.() !== 0 }, async () => {
    const eat = 'const kept = []; setInterval(() => kept.push(Buffer.alloc(32 << 20, 1)), 1)';
    const ran = await kapal.run('run', '--json', 'work', '--', 'node', '-e', eat);
    const job = JSON.parse(ran.stdout) as JobDocument;
    assert.match(job.exit ?? '', /used more memory than its limit/);
    assert.equal(ran.code, 137);
  });

  test('is refused where there is nothing to run it in, and for who may not deploy', async () => {
    const nowhere = await kapal.run('run', 'nothing', '--', 'true');
    assert.deepEqual([nowhere.code, /no service nothing/.test(nowhere.stderr)], [1, true]);
    assert.match((await kapal.run('run', 'work')).stderr, /missing required argument 'command'/);
    const response = await fetch(`http://127.0.0.1:${kapal.api}/api/v1/services/work/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: ['true'], detach: true, timeoutSeconds: null, terminal: null }),
    });
    assert.equal(response.status, 401);
  });

  describe('with a terminal on both ends', () => {
    test('is interactive: the terminal’s size, echo, keys, exit code; and the own terminal is given back', async () => {
      await using session = await Session.begin(
        kapal,
        'stty rows 33 cols 101; stty -a > before; "$KAPAL" run work -- sh; echo "code $?"; stty -a > after',
      );
      await session.type('tty; stty size; test -t 2 && echo "all three"\n');
      await session.shows(/\/dev\/pts\/\d+\r\n33 101\r\nall three\r\n/);
      await session.type('echo $TERM $MODE\n');
      await session.shows(/\r\nxterm-256color hello/);
      // Ctrl-C is for the program, and the shell goes on.
      await session.type('sleep 1000\n');
      await session.shows(/sleep 1000\r\n/);
      await session.type('\u0003');
      await session.type('echo again $((40 + 2))\n');
      await session.shows(/again 42/);
      await session.type('exit 5\n');
      await session.shows(/code 5/);
      await session.ended();
      assert.equal(await session.file('after'), await session.file('before'));
      await quiet();
    });

    test('is told when the window changes', async () => {
      await using session = await Session.begin(
        kapal,
        'stty rows 20 cols 60; tty > name; exec "$KAPAL" run work -- sh -c "trap \\"stty size; exit\\" WINCH; echo ready; while :; do sleep 0.05; done"',
      );
      await session.shows(/ready/);
      const name = (await session.file('name')).trim();
      await shell(kapal, `stty -F ${name} rows 44 cols 132`);
      await session.shows(/44 132/);
      await session.ended();
    });

    test('gives the terminal back when it is told to end', async () => {
      await using session = await Session.begin(
        kapal,
        'stty -a > before; "$KAPAL" run work -- sh -c "tty; sleep 1000" & echo $! > pid; fg; stty -a > after; echo over',
      );
      await session.shows(/\n\/dev\/pts/);
      process.kill(Number(await session.file('pid')), 'SIGTERM');
      await session.shows(/over/);
      await session.ended();
      assert.equal(await session.file('after'), await session.file('before'));
      await quiet();
    });
  });
});

/** A shell on a terminal of its own, made by script(1), in a folder of its own. */
class Session implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: ReturnType<typeof spawn>;
  readonly #over: Promise<unknown>;
  #said = '';

  private constructor(folder: string, child: ReturnType<typeof spawn>) {
    this.#folder = folder;
    this.#child = child;
    this.#over = new Promise((resolve) => child.once('close', resolve));
    child.stdout?.on('data', (part: Buffer) => (this.#said += part.toString()));
  }

  static async begin(kapal: TestKapal, line: string): Promise<Session> {
    const folder = await mkdtemp(join(kapal.folder, 'terminal-'));
    await writeFile(join(folder, 'line'), line);
    const env = {
      ...process.env,
      KAPAL: join(checkout, 'kapal'),
      KAPAL_DATA: kapal.data,
      TERM: 'xterm-256color',
      SHELL: '/bin/bash',
    };
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', 'bash -m line', '/dev/null'], {
      cwd: folder,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return new Session(folder, child);
  }

  async type(keys: string): Promise<void> {
    await new Promise((resolve) => this.#child.stdin?.write(keys, resolve));
  }

  shows(pattern: RegExp): Promise<void> {
    return until(`the terminal shows ${pattern}`, async () => pattern.test(this.#said), 60).catch((error: unknown) => {
      throw new Error(`it shows ${JSON.stringify(this.#said)}`, { cause: error });
    });
  }

  async ended(): Promise<void> {
    await this.#over;
  }

  file(name: string): Promise<string> {
    return readFile(join(this.#folder, name), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#over;
  }
}

/** A shell's line in a folder, with the launcher as $0; its exit code. */
function shell(kapal: TestKapal, line: string, cwd = kapal.folder): Promise<number | null> {
  const child = spawn('bash', ['-c', line, join(checkout, 'kapal')], {
    cwd,
    env: { ...process.env, KAPAL_DATA: kapal.data },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => child.once('close', resolve));
}

function said(child: { readonly stdout: NodeJS.ReadableStream | null }, pattern: RegExp): Promise<void> {
  let text = '';
  child.stdout?.on('data', (part: Buffer | string) => (text += part.toString()));
  return until(`it says ${pattern}`, async () => pattern.test(text), 60);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
