import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { filesBelow, onlyOwned, processesOf } from '../e2e/install.ts';
import { hasEnded, TestKapal } from '../e2e/kapal.ts';
import { visitor } from '../e2e/survival.ts';
import { until } from '../patience.ts';
import { host, Shop, type Step, steps } from './steps.ts';

/** Nowhere in clear but in the vault and in the environment of the service that it belongs to. */
const secret = 'planted-6b2f90c1d7';

/** A point, and at which of its passes the daemon is killed. */
export interface Kill {
  readonly point: string;
  readonly turn: number;
}

/** How a command exits that found no daemon, or lost it before it had an answer. */
const unreachable = 3;

/** One Kapal whose daemon is killed at crash points, step by step; what a client was told is held against what is there. */
export class CrashRun implements AsyncDisposable {
  readonly #kapal: TestKapal;
  readonly #shop: Shop;
  readonly #passed: string;

  private constructor(kapal: TestKapal) {
    this.#kapal = kapal;
    this.#shop = new Shop(kapal);
    this.#passed = join(kapal.folder, 'passed');
  }

  static async start(): Promise<CrashRun> {
    return new CrashRun(await TestKapal.start());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#kapal.more = {};
    return this.#kapal[Symbol.asyncDispose]();
  }

  /** The points that the step passes, and then those of a start of the daemon, each as often as it was passed. */
  async learn(step: Step): Promise<{ readonly during: readonly string[]; readonly starting: readonly string[] }> {
    await this.#begin(step);
    rmSync(this.#passed, { force: true });
    await this.#restart({ KAPAL_CRASHPOINTS_PASSED: this.#passed });
    const starting = this.#points();
    const ran = await step.ask(this.#shop);
    assert.equal(ran.code, step.ends, `${step.name}: ${ran.stdout} ${ran.stderr}`);
    await step.seen(this.#shop);
    await onlyOwned(this.#kapal);
    const during = this.#points().slice(starting.length);
    await this.#restart({});
    return { during, starting };
  }

  /** The step with its daemon killed; `again`: and the next daemon too, at its start. Whether the first kill came. */
  async survive(step: Step, kill: Kill, again: Kill | null = null): Promise<boolean> {
    const kapal = this.#kapal;
    await this.#begin(step);
    const isUp = await this.#start({ KAPAL_CRASHPOINT: `${kill.point}@${kill.turn}` });
    if (!isUp) await this.#restart({});
    await using visits = step.serves ? visitor(kapal, host) : null;
    const daemon = kapal.daemon;
    assert.ok(daemon);
    const asked = step.ask(this.#shop);
    const ended = once(daemon, 'exit');
    await Promise.race([ended, asked]);
    // What the command waited for may be there while something else of it goes on.
    if (!hasEnded(daemon) && isUp) await Promise.race([ended, this.#quiet(step, asked)]);
    const died = !isUp || hasEnded(daemon);
    if (hasEnded(daemon)) {
      if (again !== null) await this.#start({ KAPAL_CRASHPOINT: `${again.point}@${again.turn}` });
      await this.#restart({});
    }
    let ran = await asked;
    // No daemon could be asked, so nobody knows what became of it: it is asked for once more.
    if (ran.code === unreachable) ran = await step.ask(this.#shop);
    assert.equal(
      ran.code,
      step.ends,
      `${step.name}, killed at ${kill.point}@${kill.turn}: ${ran.stdout} ${ran.stderr}`,
    );
    await step.seen(this.#shop);
    await this.#check();
    const seen = await visits?.stop();
    assert.deepEqual(seen?.failures ?? [], [], `${step.name}, killed at ${kill.point}@${kill.turn}`);
    // One that was not killed is still armed.
    if (!died) await this.#restart({});
    return died;
  }

  /** After a run that failed: nothing is left of it. */
  async recover(): Promise<void> {
    await this.#restart({});
    await this.#kapal.clear();
  }

  /** Never resolves where the daemon that was asked is dying. */
  async #quiet(step: Step, asked: ReturnType<Step['ask']>): Promise<void> {
    if ((await asked).code === unreachable) return new Promise(() => undefined);
    await step.seen(this.#shop).catch(() => undefined);
    await onlyOwned(this.#kapal).catch(() => undefined);
  }

  /** Where the step begins: nothing, or a service that serves two instances and keeps a secret. */
  async #begin(step: Step): Promise<void> {
    const kapal = this.#kapal;
    if (kapal.daemon === null || hasEnded(kapal.daemon)) await this.#restart({});
    const isThere = (await kapal.ps()).some(({ service }) => service === 'shop');
    if (step.isFirst === true) {
      if (isThere) await kapal.clear();
    } else {
      if (!isThere) await this.#found();
      await this.#shop.settled();
    }
    await step.prepare?.(this.#shop);
  }

  async #found(): Promise<void> {
    await this.#shop.deploy();
    const ran = await this.#kapal.run('env', 'set', 'shop', `SECRET=${secret}`);
    assert.equal(ran.code, 0, ran.stderr);
  }

  /** What holds after every step, whatever it was (docs/reliability.md). */
  async #check(): Promise<void> {
    const kapal = this.#kapal;
    await onlyOwned(kapal);
    using record = new DatabaseSync(join(kapal.data, 'record', 'record.db'), { readOnly: true, timeout: 5_000 });
    const open = (sql: string): unknown[] => record.prepare(sql).all();
    await until(
      'every operation has ended',
      () => open("SELECT id FROM operations WHERE state = 'running'").length === 0,
    );
    assert.deepEqual(open('SELECT id FROM rollouts WHERE finished_at IS NULL'), []);
    for (const { command } of processesOf(kapal)) assert.ok(!command.includes(secret), 'a secret in an argv');
    for (const { path, content } of filesBelow(kapal.data)) assert.ok(!content.includes(secret), `a secret in ${path}`);
  }

  #points(): string[] {
    return existsSync(this.#passed) ? readFileSync(this.#passed, 'utf8').split('\n').filter(Boolean) : [];
  }

  /** Whether the daemon came to answer. */
  async #start(more: Readonly<Record<string, string>>): Promise<boolean> {
    return this.#restart(more).then(
      () => true,
      () => false,
    );
  }

  async #restart(more: Readonly<Record<string, string>>): Promise<void> {
    await this.#kapal.killDaemon();
    this.#kapal.more = more;
    await this.#kapal.up();
  }
}

export function stepNamed(name: string): Step {
  const step = steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`no step "${name}"; there are: ${steps.map((one) => one.name).join(', ')}`);
  return step;
}
