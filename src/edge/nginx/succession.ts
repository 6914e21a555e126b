import { setTimeout as pause } from 'node:timers/promises';
import { KapalError } from '../../model/errors.ts';
import { Refusal } from './refusal.ts';
import type { WorkerAccount } from './account.ts';
import { type SocketAddress, formatAddress } from './address.ts';
import { askControl } from './control.ts';
import { changeMaster, type MasterControl, startMaster, untilServing } from './master.ts';
import { type EdgePlan, readAddresses } from './plan.ts';
import { type EdgeProcess, isAlive, isStopped, masterOf, replacedFiles, signal, workersOf } from './processes.ts';
import { rehearse } from './rehearsal.ts';
import { askStatus } from './status.ts';
import { endOthers, upgradeMaster } from './upgrade.ts';

const POLL = 20;
/** Between two looks whether the program or its libraries were replaced on disk. */
const LOOK = 60_000;
/** For what ran before to answer again. */
const RETURN_TIMEOUT = 30_000;

interface SuccessionOptions extends MasterControl {
  readonly account: WorkerAccount | null;
  /** Ids of the endpoints that are served now. */
  readonly endpoints: () => Promise<readonly string[]>;
  readonly note: (text: string) => void;
}

/**
 * What follows on what runs, by the plan and by what is on disk:
 *
 *   nothing runs                                  it is started
 *   it runs as planned                            it is adopted; a master that does not bring its workers back is replaced
 *   another configuration or other Lua            rehearsed, then taken over by the same master (master.ts)
 *   its program or libraries were replaced        rehearsed, then taken over by a new master on the same sockets (upgrade.ts)
 *   the new one does not come up                  what runs goes on, and it is noted
 */
export class Succession {
  readonly #options: SuccessionOptions;
  #looked = 0;
  /** Digest of the configuration that was planned last. */
  #planned = '';
  readonly #refusal: Refusal;
  #handOver: Promise<void> = Promise.resolve();

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#refusal = new Refusal(options.clock);
  }

  /** Resolves when no two masters share the control socket: a change that is sent before might reach one of them only. */
  get settled(): Promise<void> {
    return this.#handOver;
  }

  /** Resolves with the number of workers that are to serve from now on. Throws `edge_failed`. */
  async bring(plan: EdgePlan): Promise<number> {
    const { folder, clock } = this.#options;
    const master = masterOf(folder);
    this.#looked = clock.monotonic();
    this.#planned = plan.configuration.digest;
    if (master === null) {
      await startMaster(this.#options, plan);
      return plan.settings.workers;
    }
    if (isStopped(master)) signal(master, 'SIGCONT');
    const replaced = replacedFiles(master);
    const running = await this.#runningDigest();
    if (running === plan.configuration.digest && replaced.length === 0) await this.#adopt(plan, master);
    else {
      const what = whatOf(plan.configuration.digest, replaced);
      if (this.#refusal.holds(what)) return this.#servingNow();
      try {
        await rehearse(this.#options, plan, this.#options.account);
        if (replaced.length === 0) await changeMaster(this.#options, plan);
        else await this.#upgrade(plan, master);
      } catch (error) {
        return await this.#goOn({ plan, what, error });
      }
    }
    await endOthers(this.#options);
    return plan.settings.workers;
  }

  /** Whether the machine's package manager has replaced what runs; looked at once a minute. */
  isDue(master: EdgeProcess): boolean {
    const now = this.#options.clock.monotonic();
    if (now - this.#looked < LOOK) return false;
    this.#looked = now;
    const replaced = replacedFiles(master);
    return replaced.length > 0 && !this.#refusal.holds(whatOf(this.#planned, replaced));
  }

  /** Its workers may be gone and it does not start others: it hangs. Another one is started beside what is left, which then ends. */
  async #adopt(plan: EdgePlan, master: EdgeProcess): Promise<void> {
    try {
      await untilServing(this.#options, plan, null);
    } catch {
      this.#options.note(
        `edge: the master of nginx (pid ${master.pid}) does not bring its workers up, and is replaced`,
      );
      signal(master, 'SIGKILL');
      while (isAlive(master)) await pause(POLL);
      await startMaster(this.#options, plan);
    }
  }

  async #upgrade(plan: EdgePlan, old: EdgeProcess): Promise<void> {
    const { endpoints } = this.#options;
    const upgraded = upgradeMaster(this.#options, plan, { old, endpoints: await endpoints() });
    this.#handOver = upgraded.catch(() => undefined);
    await upgraded;
    this.#options.note(
      `edge: nginx was replaced on disk, and ${plan.nginx.version} has taken over without closing a port`,
    );
  }

  /** What ran before serves on, if it does what is wanted: the same addresses. */
  async #goOn(failed: { readonly plan: EdgePlan; readonly what: string; readonly error: unknown }): Promise<number> {
    const { plan, what, error } = failed;
    const { folder, clock, note } = this.#options;
    if (!(error instanceof KapalError) || !(await this.#isAtItsPlace(plan))) throw error;
    const deadline = clock.monotonic() + RETURN_TIMEOUT;
    while ((await askStatus(folder)) === null) {
      if (clock.monotonic() > deadline || masterOf(folder) === null) throw error;
      await pause(POLL);
    }
    this.#refusal.note(what);
    const words = [error.message, ...(error.log ?? [])].join('; ');
    note(`edge: the next version does not come up, so the one that runs serves on: ${words}`);
    return this.#servingNow();
  }

  async #isAtItsPlace({ settings }: EdgePlan): Promise<boolean> {
    const held = await readAddresses(this.#options.folder);
    return held !== null && isSame(held.http, settings.http) && isSame(held.https, settings.https);
  }

  #servingNow(): number {
    const master = masterOf(this.#options.folder);
    if (master === null) return 0;
    return workersOf(this.#options.folder, master).filter(({ role }) => role === 'worker').length;
  }

  async #runningDigest(): Promise<string | null> {
    const answer = await askControl(this.#options.folder, { path: '/configuration' });
    return answer.kind === 'answered' && answer.status === 200 ? answer.body : null;
  }
}

function whatOf(digest: string, replaced: readonly string[]): string {
  return [digest, ...replaced].join(' ');
}

function isSame(one: SocketAddress | null, other: SocketAddress | null): boolean {
  if (one === null || other === null) return one === other;
  return formatAddress(one) === formatAddress(other);
}
