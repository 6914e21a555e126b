import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceDocument } from '../../src/api/contract/types.ts';
import { freePort } from '../free-port.ts';
import { processesBelow, processesOf, send } from './install.ts';
import { checkout, type Ran } from './kapal.ts';

/** `nobody`, who owns nothing but a folder of this test. */
const stranger = 65_534;
const needed = ['kapal', 'package.json', 'package-lock.json', 'node_modules', 'src', 'examples'];

/** A Kapal of a user without privileges. */
export class Stranger implements AsyncDisposable {
  readonly home: string;
  readonly data: string;
  readonly uid = process.getuid?.() === 0 ? stranger : (process.getuid?.() ?? 0);
  readonly #checkout: string;
  readonly #ports: readonly [http: number, api: number];

  private constructor(home: string, program: string, ports: readonly [number, number]) {
    this.home = home;
    this.data = join(home, '.local', 'share', 'kapal');
    this.#checkout = program;
    this.#ports = ports;
  }

  static async arrive(): Promise<Stranger> {
    const home = await mkdtemp(join(tmpdir(), 'kapal-stranger-'));
    if (process.getuid?.() === 0) await chown(home, stranger, stranger);
    const user = new Stranger(home, checkout, [await freePort(), await freePort()]);
    if (
      (
        await user.#as('/bin/sh', [
          '-c',
          'cd -- "$1" && exec cat kapal node_modules/.package-lock.json src/main.ts >/dev/null',
          'sh',
          checkout,
        ])
      ).code === 0
    )
      return user;
    // A checkout in a private folder, as below /root.
    const copy = join(home, 'checkout');
    await mkdir(copy);
    for (const name of needed)
      await cp(join(checkout, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
    await promisify(execFile)('chown', ['-hR', `${stranger}:${stranger}`, copy]);
    return new Stranger(home, copy, user.#ports);
  }

  get http(): number {
    return this.#ports[0];
  }

  run(...args: readonly string[]): Promise<Ran> {
    return this.#as(join(this.#checkout, 'kapal'), args);
  }

  async up(engine: 'embedded' | 'nginx'): Promise<void> {
    const [http, api] = this.#ports;
    const at = ['--http', `127.0.0.1:${http}`, '--api', `127.0.0.1:${api}`];
    const up = await this.run('up', '--detach', '--edge', engine, ...at);
    assert.equal(up.code, 0, up.stderr);
  }

  async service(): Promise<ServiceDocument> {
    const [service] = JSON.parse((await this.run('ps', '--json')).stdout) as ServiceDocument[];
    assert.ok(service !== undefined);
    return service;
  }

  #as(program: string, args: readonly string[]): Promise<Ran> {
    const become =
      process.getuid?.() === 0 ? [`--reuid=${stranger}`, `--regid=${stranger}`, '--clear-groups', '--'] : [];
    const [file, ...words]: [string, ...string[]] =
      become.length === 0 ? [program, ...args] : ['setpriv', ...become, program, ...args];
    const { PATH = '', NODE_EXTRA_CA_CERTS } = process.env;
    const env: Record<string, string> = {
      PATH,
      ...(NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS }),
      HOME: this.home,
      TMPDIR: this.home,
    };
    return new Promise((resolve) => {
      execFile(file, words, { cwd: this.home, env, timeout: 500_000, maxBuffer: 16 << 20 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr }),
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ((await this.run('down', '--apps')).code !== 0) for (const { pid } of processesOf(this)) send(pid, 'SIGKILL');
    // A demo that was cut short leaves what it ran, in a data folder of its own below this one.
    for (const pid of processesBelow(this.home)) send(pid, 'SIGKILL');
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
