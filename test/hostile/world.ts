import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, askApi } from '../e2e/api.ts';
import { TestKapal } from '../e2e/kapal.ts';
import { seen } from '../patience.ts';
import { changes, type Snapshot, snapshot } from './snapshot.ts';

/** What one hostile input is armed with: its command would leave a mark, its file has a name that no honest file of the machine has. */
export interface Trap {
  /** A program without blanks in its path, for places that take no shell text. */
  readonly program: string;
  /** Shell text. */
  readonly command: string;
  /** A name for a file that must lie nowhere. */
  readonly escaped: string;
}

/** What came of an input: refused with a code of the catalogue, or taken. */
export interface Outcome {
  readonly code: string | null;
  readonly said: string;
}

/** What an input did that none may. */
export interface Damage {
  readonly files: readonly string[];
  readonly commands: readonly string[];
}

/** Names of programs that git, npm and others would look for where an input talks them into it. */
const BAIT = ['git-remote-trap', 'git-remote-fd', 'git-lfs', 'git-credential-trap', 'trap-askpass'] as const;

/**
 * A daemon of its own with everything around it watched: its user's home, its temporary folder, a folder that anybody may write to, its keys and the
 * repositories' hooks and configuration, and on the rest of the machine every name that an input would have left.
 */
export class World implements AsyncDisposable {
  readonly kapal: TestKapal;
  /** Where the inputs themselves are made: repositories of developers and of remotes. */
  readonly cases: string;
  readonly #run = randomBytes(4).toString('hex');
  readonly #ground: string;
  readonly #afters: (() => unknown)[] = [];
  #before: Snapshot = new Map();
  #traps = 0;

  private constructor(kapal: TestKapal) {
    this.kapal = kapal;
    this.#ground = join(kapal.folder, 'ground');
    this.cases = join(kapal.folder, 'cases');
  }

  static async start(): Promise<World> {
    const kapal = await TestKapal.prepare();
    const world = new World(kapal);
    try {
      world.#prepare();
      await kapal.up();
      await kapal.deploy(await kapal.project('other', { 'kapal.yaml': staticSite('other'), 'index.html': 'other' }));
    } catch (error) {
      await kapal[Symbol.asyncDispose]();
      throw error;
    }
    world.settle();
    return world;
  }

  /** An answer of the API as an outcome; what was acknowledged is followed to its end. */
  async ask(path: string, asking: Parameters<typeof askApi>[2] = {}): Promise<Outcome> {
    const answer = await askApi(this.kapal.data, path, asking);
    return answer.status === 202 ? this.#ended(answer) : outcomeOf(answer);
  }

  deploy(source: object, more: object = {}): Promise<Outcome> {
    return this.ask('/deploys', { method: 'POST', body: { environment: 'production', source, ...more } });
  }

  newTrap(): Trap {
    this.#traps += 1;
    const id = `${this.#run}-${String(this.#traps).padStart(3, '0')}`;
    const mark = join(this.#ground, 'marks', id);
    const program = join(this.#ground, 'programs', `trap-${id}`);
    writeProgram(program, mark);
    this.settle();
    return { program, command: `touch ${mark}`, escaped: `escaped-${id}` };
  }

  /** Takes what is there now for what belongs there. */
  settle(): void {
    this.#before = this.#look();
  }

  /** What changed around the daemon since `settle`. */
  damage(): Damage {
    const marks = join(this.#ground, 'marks');
    const commands = readdirSync(marks);
    for (const name of commands) rmSync(join(marks, name));
    return { files: changes(this.#before, this.#look()), commands };
  }

  /** Files anywhere on the machine, outside of what this world made for its inputs, with a name that only an input has. */
  escaped(): readonly string[] {
    const pruned = ['/proc', '/sys', this.cases].flatMap((path) => ['-path', path, '-o']).slice(0, -1);
    const words = ['/', '-xdev', '(', ...pruned, '-o', '-name', 'node_modules', ')', '-prune', '-o'];
    const named = ['-name', `*escaped-${this.#run}-*`, '-print'];
    return found([...words, ...named]).concat(found(['/dev/shm', '-name', `*escaped-${this.#run}-*`, '-print']));
  }

  /** Whether the daemon is still the one that was started, and serves what it did before. */
  async isWell(): Promise<boolean> {
    if (this.kapal.daemon === null || this.kapal.daemon.exitCode !== null) return false;
    const { status, body } = await this.kapal.visit('other.localhost');
    return status === 200 && body === 'other';
  }

  /** A folder that any user may write to, watched. */
  get open(): string {
    return join(this.#ground, 'open');
  }

  /** What is to be done at the end. */
  after(end: () => unknown): void {
    this.#afters.push(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#afters) await end();
    await this.kapal[Symbol.asyncDispose]();
  }

  #prepare(): void {
    for (const name of ['', 'marks', 'programs', 'home', 'tmp', 'open', 'bait']) {
      mkdirSync(join(this.#ground, name), { recursive: true });
      // Whichever user a command ran as, it could leave its mark.
      chmodSync(join(this.#ground, name), 0o777);
    }
    for (const name of BAIT)
      writeProgram(join(this.#ground, 'bait', name), join(this.#ground, 'marks', `bait-${name}`));
    const at = (name: string) => join(this.#ground, name);
    this.kapal.more = {
      HOME: at('home'),
      TMPDIR: at('tmp'),
      PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:${at('bait')}`,
      GIT_ASKPASS: join(at('bait'), 'trap-askpass'),
      SSH_ASKPASS: join(at('bait'), 'trap-askpass'),
    };
    mkdirSync(this.cases);
  }

  /** The daemon's own places change as it works; what lies around them does not, nor what inputs could aim at within. */
  #look(): Snapshot {
    const data = this.kapal.data;
    const pushed = join(data, 'git', 'pushed');
    const repositories = existsSync(pushed) ? readdirSync(pushed).filter((name) => name.endsWith('.git')) : [];
    const settings = repositories.flatMap((name) =>
      ['config', 'hooks', 'info/attributes', 'info/grafts', 'objects/info/alternates'].map((file) =>
        join(pushed, name, file),
      ),
    );
    const aims = ['keys', 'git/pushed/hooks', 'releases/other', 'homes/other', 'daemon.json'];
    // Kapal adds users: their files are not among these.
    const machine = ['/etc/crontab', '/etc/cron.d', '/etc/ld.so.preload', '/etc/profile.d', '/etc/sudoers.d'];
    return snapshot([
      ...['home', 'tmp', 'open', 'bait'].map((name) => join(this.#ground, name)),
      ...aims.map((path) => join(data, path)),
      ...settings,
      ...machine,
    ]);
  }

  async #ended({ body }: Answer): Promise<Outcome> {
    const { id } = body as { id: string };
    const ended = await seen('the deploy ends', async () => {
      const { body: now } = await askApi(this.kapal.data, `/operations/${id}`);
      return (now as Operation).state === 'finished' ? (now as Operation) : null;
    });
    const failed = ended.error ?? ended.result?.services.find(({ error }) => error !== null)?.error ?? null;
    return { code: failed?.code ?? null, said: JSON.stringify(failed ?? ended.result) };
  }
}

interface Failure {
  readonly code: string;
}

interface Operation {
  readonly state: string;
  readonly error: Failure | null;
  readonly result: { readonly services: readonly { readonly error: Failure | null }[] } | null;
}

/** A declaration of a site that starts no program. */
export function staticSite(name: string, more = ''): string {
  return `services: [{type: static, name: ${name}, staticPublishPath: .${more}}]\n`;
}

export function outcomeOf({ status, body }: Answer): Outcome {
  if (status < 400) return { code: null, said: JSON.stringify(body) };
  const { error } = body as { error?: Failure };
  return { code: error?.code ?? `status ${status}`, said: JSON.stringify(body) };
}

function writeProgram(path: string, mark: string): void {
  writeFileSync(path, `#!/bin/sh\ntouch '${mark}'\n`);
  chmodSync(path, 0o755);
}

function found(words: readonly string[]): string[] {
  try {
    return linesOf(execFileSync('find', [...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch (error) {
    // Exit code 1: folders that went away meanwhile, or that this user may not read, and so cannot have written to either.
    if (error instanceof Error && 'status' in error && error.status === 1 && 'stdout' in error)
      return linesOf(String(error.stdout));
    throw error;
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
