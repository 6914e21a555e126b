import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { EventDocument, StatusDocument } from '../../src/api/contract/types.ts';
import { exec } from '../../src/lib/exec.ts';
import { host, Shop, type Step } from './steps.ts';
import { onlyOwned } from '../e2e/install.ts';
import { hasEnded, type Ran, TestKapal } from '../e2e/kapal.ts';
import { visitor } from '../e2e/survival.ts';
import { hang, until } from '../patience.ts';
import { placeToolchain } from '../toolchain.ts';
import type { Verdict } from './cases.ts';
import { type DiskKind, SmallDisk } from './small-disk.ts';

/** Room is made although the command still waits when it took this many times as long as with room: some can end only when their end can be written. */
const stuck = 3;

/** A Kapal whose whole data folder lies on a small disk, which is filled under it. */
export class FullKapal implements AsyncDisposable {
  readonly #kapal: TestKapal;
  readonly #shop: Shop;
  readonly #disk: SmallDisk;
  readonly #keepFree: string;

  private constructor(kapal: TestKapal, { disk, keepFree }: { disk: SmallDisk; keepFree: string }) {
    this.#keepFree = keepFree;
    this.#kapal = kapal;
    this.#shop = new Shop(kapal);
    this.#disk = disk;
  }

  /** Without the guard, which would refuse before anything is written, unless told. `uid`: who the daemon is, root unless told. */
  static async start(kind: DiskKind, { keepFree = '0', uid = 0 } = {}): Promise<FullKapal> {
    const kapal = await TestKapal.prepare({ bare: true });
    const disk = await SmallDisk.mount(kapal.data, { kind, mebibytes: 96 });
    // Node alone is larger than this disk.
    const [from, to] = [join(kapal.folder, 'toolchain'), join(kapal.data, 'toolchain')];
    await placeToolchain(from);
    mkdirSync(to);
    // Owned by whom the daemon is; links would give away what they are links of.
    const own = uid === 0 ? from : join(kapal.folder, 'own-toolchain');
    if (uid !== 0) {
      await exec('cp', ['-r', from, own]);
      await exec('chown', ['-R', `${uid}:${uid}`, own]);
      kapal.under = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
      kapal.more = { HOME: kapal.folder, TMPDIR: kapal.folder };
      for (const path of [kapal.folder, kapal.data]) chownSync(path, uid, uid);
    }
    await exec('mount', ['--bind', own, to]);
    const full = new FullKapal(kapal, { disk, keepFree });
    await full.#up();
    return full;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disk.release();
    // The folder goes with what is mounted in it only after that.
    const { daemon } = this.#kapal;
    if (daemon === null || hasEnded(daemon)) await this.#up();
    await this.#kapal.clear();
    await this.#kapal.run('down', '--apps');
    await until('the daemon is gone', () => this.#kapal.daemon === null || hasEnded(this.#kapal.daemon));
    await this.#disk[Symbol.asyncDispose]();
    await this.#kapal.discard();
  }

  /** The step with so many pages left, for every number (or each `every`-th) until it finds room enough. */
  async survive(step: Step, { every, most }: { every: number; most: number }): Promise<Omit<Verdict, 'what'>> {
    const failures: string[] = [];
    let cases = 0;
    let refused = 0;
    let waited = 0;
    const patience = Math.max(2_000, stuck * (await this.#undisturbed(step)));
    for (let pages = 0; pages <= most; pages += every) {
      cases += 1;
      try {
        const outcome = await this.#once(step, { pages, patience });
        console.error(`${step.name}, ${pages} pages left: ${outcome}`);
        if (outcome === 'enough') break;
        refused += outcome === 'refused' ? 1 : 0;
        waited += outcome === 'waited' ? 1 : 0;
      } catch (error) {
        console.error(`${step.name}, ${pages} pages left: ${String(error)}`);
        failures.push(`${step.name}, ${pages} pages left: ${error instanceof Error ? error.message : String(error)}`);
        await this.#recover();
      }
    }
    return { cases, failures, note: `${refused} refused, ${waited} waited for room` };
  }

  /** What the guard does as the disk fills, and what the user is told of it. */
  async guarded(): Promise<void> {
    const [kapal, disk] = [this.#kapal, this.#disk];
    await this.#shop.deploy();
    const { disk: seen } = await kapal.get<StatusDocument>('/status');
    const limit = seen.totalBytes / 5;
    const ballast = join(kapal.data, 'ballast');
    const pages = (bytes: number): number => Math.floor(bytes / 4_096);
    assert.equal(seen.state, 'plenty');
    assert.ok(statSync(ballast).blocks * 512 >= Math.floor(limit / 16), 'the ballast file is made of holes');
    await using visits = visitor(kapal, host);

    disk.fill(pages(limit * 0.8));
    await this.#state('refusing');
    const refused = await kapal.run('deploy', await this.#shop.next(), '--json');
    assert.match(refused.stdout, /"disk_full".*no build is begun.*The data folder holds .*--keep-free/s);
    assert.equal(refused.code, 1);
    this.#shop.shown = 'v1';
    assert.equal((await kapal.run('restart', 'shop')).code, 0, 'what needs no build is not refused');
    assert.match((await kapal.run('ps')).stderr, /no build is begun/);
    assert.match((await kapal.run('doctor')).stdout, /warn +room .*no build is begun/);

    disk.fill(pages(limit * 0.3));
    await this.#state('trimming');
    assert.ok(existsSync(ballast), 'the ballast goes last');
    disk.fill(pages(limit * 0.05));
    await until('the ballast file is given up', () => !existsSync(ballast));
    await until('it is told', async () => (await this.#kinds()).includes('disk.ballast-released'));
    assert.equal((await kapal.run('env', 'set', 'shop', 'OTHER=v9')).code, 0, 'the record can still be written');

    disk.release();
    await this.#state('plenty');
    await until('the ballast file is made again', () => existsSync(ballast));
    await this.#shop.deploy();
    await this.#check();
    assert.deepEqual((await visits.stop()).failures, []);
    const kinds = await this.#kinds();
    for (const kind of ['disk.refusing', 'disk.trimming', 'disk.plenty']) assert.ok(kinds.includes(kind), kinds.join());
  }

  async #state(wanted: StatusDocument['disk']['state']): Promise<void> {
    await until(
      `the disk is ${wanted}`,
      async () => (await this.#kapal.get<StatusDocument>('/status')).disk.state === wanted,
    );
  }

  async #kinds(): Promise<string[]> {
    return (await this.#kapal.get<readonly EventDocument[]>('/events?limit=200')).map(({ kind }) => kind);
  }

  async #once(
    step: Step,
    { pages, patience }: { pages: number; patience: number },
  ): Promise<'enough' | 'refused' | 'waited' | 'done'> {
    const shop = this.#shop;
    await this.#begin(step);
    const { daemon } = this.#kapal;
    assert.ok(daemon);
    await using visits = step.serves ? visitor(this.#kapal, host) : null;
    this.#disk.fill(pages);
    const asked = step.ask(shop);
    const ended = await Promise.race([asked.then(() => true), pause(patience, false)]);
    const isEnough = ended && this.#disk.free > 8;
    this.#disk.release();
    const ran = await bounded(step.name, asked);
    assert.ok(!hasEnded(daemon), `the daemon ended with ${daemon.exitCode ?? daemon.signalCode}`);
    if (ran.code !== 0) {
      assert.match(
        ran.stdout + ran.stderr,
        /disk_full|disk_failed|disk is full|disk may be full|No space left|no room|Input\/output|i\/o error/i,
        `it was not said why: ${ran.stdout} ${ran.stderr}`,
      );
      const again = await bounded(step.name, step.ask(shop));
      assert.equal(again.code, 0, `repeated with room: ${again.stdout} ${again.stderr}`);
    }
    await step.seen(shop);
    await this.#check();
    const seen = await visits?.stop();
    assert.deepEqual(seen?.failures ?? [], [], 'visitors');
    if (!ended) return 'waited';
    return ran.code === 0 ? (isEnough ? 'enough' : 'done') : 'refused';
  }

  /** How long it takes with room, in milliseconds. */
  async #undisturbed(step: Step): Promise<number> {
    await this.#begin(step);
    const begun = performance.now();
    const ran = await step.ask(this.#shop);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    await step.seen(this.#shop);
    return performance.now() - begun;
  }

  async #begin(step: Step): Promise<void> {
    const isThere = (await this.#kapal.ps()).some(({ service }) => service === 'shop');
    if (step.isFirst === true) {
      if (isThere) await this.#kapal.clear();
    } else {
      if (!isThere) await this.#shop.deploy();
      await this.#shop.settled();
    }
    await step.prepare?.(this.#shop);
  }

  /** What holds once there is room again, without a restart of the daemon. */
  async #check(): Promise<void> {
    using record = new DatabaseSync(join(this.#kapal.data, 'record', 'record.db'), { readOnly: true, timeout: 5_000 });
    const none = (sql: string): boolean => record.prepare(sql).all().length === 0;
    await until('every operation has ended', () => none("SELECT id FROM operations WHERE state = 'running'"));
    await until('every rollout has ended', () => none('SELECT id FROM rollouts WHERE finished_at IS NULL'));
    await onlyOwned(this.#kapal);
  }

  async #recover(): Promise<void> {
    this.#disk.release();
    await this.#kapal.killDaemon();
    await this.#up();
    await this.#kapal.clear();
  }

  async #up(): Promise<void> {
    await this.#kapal.up(['--keep-free', this.#keepFree]);
  }
}

async function bounded(what: string, asked: Promise<Ran>): Promise<Ran> {
  const ran = await Promise.race([asked, pause(hang, null, { ref: false })]);
  if (ran === null) throw new Error(`${what} hangs although there is room`);
  return ran;
}
