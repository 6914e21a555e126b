import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { leftovers } from './install.ts';
import { type TestKapal, until } from './kapal.ts';
import { freePort } from '../free-port.ts';
import { nginxNow, nginxOf, startWithNginx } from './nginx.ts';

describe('several nginx on one machine', () => {
  test('two Kapals and a third nginx: each serves its own, changes and ends without the others noticing', async () => {
    await using one = await startWithNginx();
    await using third = await PlainNginx.start(one);
    await using two = await startWithNginx();
    const system = await systemNginx();
    for (const kapal of [one, two])
      await kapal.deploy(await kapal.project('site', { 'index.html': `of ${kapal.folder}` }));
    const others = [nginxNow(one), third.pid];
    const answersOf = async () => [
      (await one.visit('site.localhost')).body,
      (await one.visit('site.localhost', '/', { port: third.port })).body,
    ];
    const answers = await answersOf();
    assert.deepEqual(answers, [`of ${one.folder}`, 'a third\n']);
    assert.equal((await two.visit('site.localhost')).body, `of ${two.folder}`);

    const ports = ['--http', `127.0.0.1:${third.port}`, '--https', 'none', '--api', `127.0.0.1:${await freePort()}`];
    const taken = await two.run('up', '--data', join(two.folder, 'other'), ...ports, '--edge', 'nginx');
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, new RegExp(`:${third.port} is held by nginx \\(pid ${third.pid}\\).*\\(port_taken\\)`));

    await two.deploy(await two.project('site', { 'index.html': 'changed' }));
    assert.equal((await two.visit('site.localhost')).body, 'changed');
    assert.equal((await two.run('down', '--apps')).code, 0);
    assert.deepEqual([nginxOf(two), leftovers(two)], [null, []]);
    assert.deepEqual([[nginxNow(one), third.pid], await answersOf()], [others, answers]);
    assert.ok(third.runs);
    assert.deepEqual(await systemNginx(), system, "nothing was written to the machine's own nginx");
  });
});

/** Files of Debian's own nginx, with when they were last written to. */
async function systemNginx(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of ['/etc/nginx', '/var/log/nginx', '/var/lib/nginx'])
    for (const name of await readdir(folder, { recursive: true }))
      found.push(`${folder}/${name} ${(await stat(join(folder, name)).catch(() => null))?.mtimeMs}`);
  return found;
}

/** An nginx as an administrator runs it, without Kapal. */
class PlainNginx implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async start(kapal: TestKapal): Promise<PlainNginx> {
    const [folder, port] = [await kapal.project('plain', { 'temp/none': '' }), await freePort()];
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp;`);
    const server = `server { listen 127.0.0.1:${port}; return 200 "a third\\n"; }`;
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; pid nginx.pid; error_log error.log; events {} http { access_log off; ${temp.join(' ')} ${server} }`,
    );
    const args = ['-p', `${folder}/`, '-e', 'error.log', '-c', 'nginx.conf'];
    const nginx = new PlainNginx(port, spawn('nginx', args, { stdio: 'ignore' }));
    await until('the third answers', () =>
      kapal.visit('x', '/', { port }).then(
        () => true,
        () => nginx.runs && false,
      ),
    );
    return nginx;
  }

  get pid(): number {
    assert.ok(this.#child.pid !== undefined);
    return this.#child.pid;
  }

  get runs(): boolean {
    assert.ok(this.#child.exitCode === null && this.#child.signalCode === null, 'the third nginx runs');
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}
