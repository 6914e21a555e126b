import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { exec, type ExecResult } from '../../lib/exec.ts';
import { KapalError } from '../../model/errors.ts';
import { type ServiceId, serviceKey } from '../../model/service.ts';

/** The system user of one service. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** How long another holder of the password file's lock (adduser, a package's script) is waited for. */
const LOCK_PATIENCE = 20_000;

/**
 * System users, one per service, as Debian's `adduser --system --group` makes them: a uid of the system range, a group of its own,
 * no login shell, no password. The name is derived from install and service, so a lost database finds its users again.
 */
export class Accounts {
  readonly #install: string;
  /** One change at a time: the tools lock the whole password file and fail at once where it is locked. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(install: string) {
    this.#install = install;
  }

  /** The service's user, made where it is missing. Throws KapalError `runtime_failed` when the name belongs to somebody else. */
  ensure(service: ServiceId, home: string): Promise<Account> {
    return this.#inTurn(async () => {
      const found = await this.find(service);
      if (found !== null) return found;
      const name = this.nameOf(service);
      const more = ['--home-dir', home, '--no-create-home', '--shell', '/usr/sbin/nologin'];
      const comment = ['--comment', this.#comment(service)];
      await changing('useradd', ['--system', '--user-group', ...more, ...comment, '--', name]);
      const made = await this.find(service);
      if (made === null) throw new KapalError('runtime_failed', `useradd made no entry for ${name} in /etc/passwd`);
      return made;
    });
  }

  /** `null` when there is none. An entry of this name that is root's or not ours is refused. */
  async find(service: ServiceId): Promise<Account | null> {
    const name = this.nameOf(service);
    const entry = (await readFile('/etc/passwd', 'utf8'))
      .split('\n')
      .map((line) => line.split(':'))
      .find((fields) => fields[0] === name);
    if (entry === undefined) return null;
    const [, , uid, gid, comment] = entry;
    const account = { name, uid: Number(uid), gid: Number(gid) };
    const ours = comment === this.#comment(service);
    if (!ours || !isOrdinary(account.uid) || !isOrdinary(account.gid)) {
      throw new KapalError(
        'runtime_failed',
        `The system user ${name} exists and was not made by this install for ${service}`,
        {
          hint: `Look at it with "getent passwd ${name}"; remove or rename it, then try again.`,
        },
      );
    }
    return account;
  }

  /** Removes the user and its group; no error when they are gone. No process of the user may be left. */
  remove(service: ServiceId): Promise<void> {
    return this.#inTurn(async () => {
      const account = await this.find(service);
      if (account === null) return;
      await changing('userdel', ['--', account.name]);
      // userdel takes the group along unless login.defs says otherwise (USERGROUPS_ENAB no).
      const groups = await readFile('/etc/group', 'utf8');
      if (groups.split('\n').some((line) => line.startsWith(`${account.name}:`))) {
        await changing('groupdel', ['--', account.name]);
      }
    });
  }

  /** At most 32 characters, the limit of useradd(8); readable in ps(1), unique by the digest. */
  nameOf(service: ServiceId): string {
    const digest = createHash('sha256').update(`${this.#install}/${service}`).digest('hex').slice(0, 10);
    const readable = serviceKey(service).service.slice(0, 14).replace(/-+$/, '');
    return `kapal-${readable}-${digest}`;
  }

  #comment(service: ServiceId): string {
    return `Kapal ${this.#install} ${service}`;
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(change, change);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function isOrdinary(id: number): boolean {
  return Number.isInteger(id) && id > 0 && id < 65_534;
}

async function changing(program: string, args: readonly string[]): Promise<void> {
  const deadline = performance.now() + LOCK_PATIENCE;
  for (;;) {
    const result = await exec(program, args, { timeout: 30_000 });
    if (result.ok) return;
    if (!isLocked(result) || performance.now() > deadline) {
      throw new KapalError('runtime_failed', `${program} could not change the system's users: ${words(result)}`, {
        hint: 'Run the command by hand as root to see more.',
        log: result.stderr.split('\n').filter((line) => line !== ''),
      });
    }
    await pause(100);
  }
}

/** 1: the password file, 10: the group file cannot be changed now, with "cannot lock" among the words (useradd(8)). */
function isLocked(result: ExecResult): boolean {
  return (result.code === 1 || result.code === 10) && result.stderr.includes('lock');
}

function words(result: ExecResult): string {
  if (result.missing) return 'the program is not installed';
  return result.stderr.trim() || `it ended with code ${result.code ?? result.signal}`;
}
