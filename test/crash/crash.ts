import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { facesOf, visitor } from '../e2e/survival.ts';
import { hasEnded, TestKapal } from '../e2e/kapal.ts';
import { hang, until } from '../patience.ts';
import { onRecord, violations } from './invariants.ts';
import { exposed } from './secrets.ts';
import { host, secrets, Shop } from './shop.ts';
import { type Step, stepNamed } from './steps.ts';
import { type Versions, versionsFor } from './versions.ts';

export type Engine = 'embedded' | 'nginx';

/** What arms the daemon: lines of `KAPAL_CRASHPOINTS`. Asked before the step begins, and after each kill for the daemon that is started next. */
export type Arms = (killed: readonly string[]) => readonly string[];

/** One Kapal whose daemon is killed at crash points, step by step; what a client was told is held against what is there. */
export class CrashRun implements AsyncDisposable {
  readonly #kapal: TestKapal;
  readonly #shop: Shop;
  readonly #passed: string;
  readonly #armed: string;
  /** The service beside, which nobody asks anything of. */
  #beside: readonly string[] = [];
  #flags: readonly string[] = [];
  readonly #versions: Versions;
  readonly #endings = new WeakMap<object, Promise<unknown>>();

  readonly #patience: number;

  private constructor(kapal: TestKapal, { patience, versions }: { patience: number; versions: Versions }) {
    this.#kapal = kapal;
    this.#versions = versions;
    this.#patience = patience;
    this.#shop = new Shop(kapal);
    this.#passed = join(kapal.folder, 'passed');
    this.#armed = join(kapal.folder, 'armed');
    kapal.more = { KAPAL_CRASHPOINTS: this.#armed, KAPAL_CRASHPOINTS_PASSED: this.#passed };
  }

  /** `patience`: milliseconds after which what does not hold is taken to be violated. */
  static async start(edge: Engine, patience = hang): Promise<CrashRun> {
    const kapal = await TestKapal.prepare();
    kapal.edge = edge;
    const versions = await versionsFor(kapal, edge);
    kapal.version = versions.one;
    const run = new CrashRun(kapal, { patience, versions });
    try {
      await kapal.up();
      await run.#found();
    } catch (error) {
      await run[Symbol.asyncDispose]();
      throw error;
    }
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#arm([]);
    this.#shop.close();
    await this.#kapal[Symbol.asyncDispose]();
  }

  /** Takes the step while the daemon is killed wherever it is armed; answers the points of the kills. Throws where an invariant does not hold afterwards. */
  async survive(step: Step, arms: Arms): Promise<readonly string[]> {
    await this.#begin(step);
    const shop = this.#shop;
    await using visits = step.serves ? visitor(this.#kapal, host) : null;
    rmSync(this.#passed, { force: true });
    this.#arm(arms([]));
    const killed: string[] = [];
    if (step.upgrades === true) this.#turnOver();
    if (step.flags !== undefined || step.upgrades === true) await this.#restart(step.flags ?? []);
    const work = step.ask(shop).then(() => this.#quiet(step));
    let end: 'none' | 'good' | 'bad' = 'none';
    const over = work.then(
      () => (end = 'good'),
      () => (end = 'bad'),
    );
    // Read anew at each turn: assignments in callbacks are not followed.
    const state = (): typeof end => end;
    for (;;) {
      await Promise.race([over, this.#daemonEnded()]);
      if (state() === 'bad' || (state() === 'good' && !this.#isDown())) break;
      killed.push(this.#points().at(-1) ?? 'before the first point');
      this.#arm(arms(killed));
      await this.#up();
      if (state() === 'good') await this.#quiet(step);
    }
    this.#arm([]);
    await work;
    assert.deepEqual(await exposed(shop), [], step.name);
    const faces = await facesOf(this.#kapal);
    assert.deepEqual(
      faces.filter((face) => face.startsWith('warung ')),
      this.#beside,
      'I1: the service beside',
    );
    const seenBy = await visits?.stop();
    assert.deepEqual(seenBy?.failures ?? [], [], `I1: visitors, at ${killed.join(', ')}`);
    return killed;
  }

  /** The points that the step passes, each as often as it does. */
  async learn(step: Step): Promise<readonly string[]> {
    await this.survive(step, () => []);
    return this.#points();
  }

  /** After a run that failed: nothing is left of it. */
  async recover(): Promise<void> {
    this.#arm([]);
    await this.#restart([]);
    await this.#kapal.clear();
    this.#shop.forget();
    this.#shop.ledger.forget();
    await this.#found();
  }

  /** From now on daemons are of the other version. */
  #turnOver(): void {
    const { one, other, replaceProgram } = this.#versions;
    this.#kapal.version = this.#kapal.version === one ? other : one;
    replaceProgram();
  }

  async #restart(flags: readonly string[]): Promise<void> {
    this.#flags = flags;
    await this.#kapal.killDaemon();
    await this.#up();
  }

  /** Where a step begins: nothing, or a service that serves and keeps a secret. */
  async #begin(step: Step): Promise<void> {
    const shop = this.#shop;
    const become = async (name: string): Promise<void> => {
      const way = stepNamed(name);
      await way.prepare?.(shop);
      await way.ask(shop);
    };
    if (step.isFirst === true && shop.isThere) await become('removal');
    if (step.isFirst !== true && !shop.isThere) await become('first deploy');
    if (step.name !== 'start' && shop.isStopped) await become('start');
    if (step.flags === undefined && this.#flags.length > 0) await this.#restart([]);
    await step.prepare?.(shop);
    shop.client.begin(onRecord(shop));
    await this.#quiet(step);
  }

  /** Resolves when every invariant holds that may take a moment. */
  async #quiet(step: Step): Promise<void> {
    let wrong: readonly string[] = [];
    await until(
      () => `${step.name}: ${wrong.join('; ')}`,
      async () => {
        wrong = await violations(this.#shop).catch((error: unknown) => [String(error)]);
        return wrong.length === 0;
      },
      this.#patience,
    );
  }

  /** The service beside. */
  async #found(): Promise<void> {
    const kapal = this.#kapal;
    const ran = await kapal.run('env', 'set', 'warung', `SECRET=${secrets.warung}`);
    assert.equal(ran.code, 0, ran.stderr);
    const text = [
      'project: warung',
      'services:',
      '  - type: worker',
      '    name: warung',
      '    runtime: node',
      '    startCommand: exec sleep 100000000',
      '    envVars: [{key: SECRET, sync: false}]',
      '',
    ];
    await kapal.deploy(await kapal.project('warung', { 'kapal.yaml': text.join('\n'), 'index.js': '' }));
    await kapal.serviceOnce('warung', ({ instances }) => instances.length === 1 && instances[0]?.state === 'ready');
    this.#beside = await facesOf(kapal);
  }

  #arm(lines: readonly string[]): void {
    writeFileSync(this.#armed, lines.join('\n'));
  }

  #points(): string[] {
    return existsSync(this.#passed) ? readFileSync(this.#passed, 'utf8').split('\n').filter(Boolean) : [];
  }

  #isDown(): boolean {
    return this.#kapal.daemon === null || hasEnded(this.#kapal.daemon);
  }

  async #daemonEnded(): Promise<void> {
    const { daemon } = this.#kapal;
    if (daemon === null || hasEnded(daemon)) return;
    // One listener for each daemon: a race leaves those behind that did not win.
    const ended = this.#endings.get(daemon) ?? once(daemon, 'exit');
    this.#endings.set(daemon, ended);
    await ended;
  }

  /** Starts the daemon; one that is killed again on the way is left for the next look. Throws where it refuses to start. */
  async #up(): Promise<void> {
    await this.#kapal.up(this.#flags).catch((error: unknown) => {
      if (!String(error).includes('SIGKILL')) throw error;
    });
  }
}
