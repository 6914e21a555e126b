import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { exec } from '../../src/lib/exec.ts';
import { host, Shop, type Step, steps } from '../crash/steps.ts';
import { onlyOwned } from '../e2e/install.ts';
import { hasEnded, type Ran, TestKapal } from '../e2e/kapal.ts';
import { visitor } from '../e2e/survival.ts';
import { hang, until } from '../patience.ts';
import { placeToolchain } from '../toolchain.ts';
import type { Verdict } from './cases.ts';
import { type DiskKind, SmallDisk } from './small-disk.ts';

/** Room is made although the command still waits when it took this many times as long as with room: some can end only when their end can be written. */
const stuck = 3;

/** Steps that bring something when they are asked for. */
export const fillable = steps.filter(({ ends }) => ends === 0);

/** A Kapal whose whole data folder lies on a small disk, which is filled under it. */
export class FullKapal implements AsyncDisposable {
  readonly #kapal: TestKapal;
  readonly #shop: Shop;
  readonly #disk: SmallDisk;

  private constructor(kapal: TestKapal, disk: SmallDisk) {
    this.#kapal = kapal;
    this.#shop = new Shop(kapal);
    this.#disk = disk;
  }

  static async start(kind: DiskKind): Promise<FullKapal> {
    const kapal = await TestKapal.prepare({ bare: true });
    const disk = await SmallDisk.mount(kapal.data, { kind, mebibytes: 96 });
    // Node alone is larger than this disk.
    const [from, to] = [join(kapal.folder, 'toolchain'), join(kapal.data, 'toolchain')];
    await placeToolchain(from);
    mkdirSync(to);
    await exec('mount', ['--bind', from, to]);
    const full = new FullKapal(kapal, disk);
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
        if (outcome === 'enough') break;
        refused += outcome === 'refused' ? 1 : 0;
        waited += outcome === 'waited' ? 1 : 0;
      } catch (error) {
        failures.push(`${step.name}, ${pages} pages left: ${error instanceof Error ? error.message : String(error)}`);
        await this.#recover();
      }
    }
    return { cases, failures, note: `${refused} refused, ${waited} waited for room` };
  }

  async #once(step: Step, { pages, patience }: { pages: number; patience: number }): Promise<'enough' | 'refused' | 'waited' | 'done'> {
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
    if (ran.code !== step.ends) {
      assert.match(
        ran.stdout + ran.stderr,
        /disk_full|disk_failed|No space left|no room|Input\/output/i,
        'it was not said why',
      );
      const again = await bounded(step.name, step.ask(shop));
      assert.equal(again.code, step.ends, `repeated with room: ${again.stdout} ${again.stderr}`);
    }
    await step.seen(shop);
    await this.#check();
    const seen = await visits?.stop();
    assert.deepEqual(seen?.failures ?? [], [], 'visitors');
    if (!ended) return 'waited';
    return ran.code === step.ends ? (isEnough ? 'enough' : 'done') : 'refused';
  }

  /** How long it takes with room, in milliseconds. */
  async #undisturbed(step: Step): Promise<number> {
    await this.#begin(step);
    const begun = performance.now();
    const ran = await step.ask(this.#shop);
    assert.equal(ran.code, step.ends, ran.stdout + ran.stderr);
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

  /** Without the guard, which would refuse before anything is written. */
  async #up(): Promise<void> {
    await this.#kapal.up(['--keep-free', '0']);
  }
}

async function bounded(what: string, asked: Promise<Ran>): Promise<Ran> {
  const ran = await Promise.race([asked, pause(hang, null, { ref: false })]);
  if (ran === null) throw new Error(`${what} hangs although there is room`);
  return ran;
}
