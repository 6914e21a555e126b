import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestKapal } from './kapal.ts';

export interface Pushed {
  readonly code: number;
  /** stdout and stderr of git. */
  readonly said: string;
}

/** A developer's repository, with Kapal as one of its remotes. */
export class Developer {
  readonly kapal: TestKapal;
  readonly folder: string;
  readonly remote: string;

  private constructor(kapal: TestKapal, parts: { folder: string; remote: string }) {
    this.kapal = kapal;
    this.folder = parts.folder;
    this.remote = parts.remote;
  }

  /** `project` is the name of the remote's repository, `folder` that of the developer's own. */
  static async begin(kapal: TestKapal, project: string, folder = project): Promise<Developer> {
    const printed = await kapal.run('git', 'url', project);
    const remote = /^git remote add kapal (http:\/\/\S+)\n$/.exec(printed.stdout)?.[1];
    if (remote === undefined) throw new Error(`${printed.stdout}${printed.stderr}`);
    const developer = new Developer(kapal, { folder: join(kapal.folder, 'developers', folder), remote });
    await rm(developer.folder, { recursive: true, force: true });
    await mkdir(developer.folder, { recursive: true });
    await developer.git('init', '--quiet', '--initial-branch=main');
    await developer.git('remote', 'add', 'kapal', await developer.withPassword());
    return developer;
  }

  /** The remote with the token as its password. */
  async withPassword(): Promise<string> {
    const { stdout } = await this.kapal.run('token');
    return this.remote.replace('http://', `http://any:${stdout.trim()}@`);
  }

  async commit(message: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
    await this.git('add', '--all', '--force');
    await this.git('commit', '--quiet', '--allow-empty', '-m', message);
    return (await this.git('rev-parse', 'HEAD')).said.trim();
  }

  push(...words: readonly string[]): Promise<Pushed> {
    return this.try('push', ...(words.length === 0 ? ['kapal', 'main'] : words));
  }

  async git(...words: readonly string[]): Promise<Pushed> {
    const done = await this.try(...words);
    if (done.code !== 0) throw new Error(`git ${words.join(' ')}: ${done.said}`);
    return done;
  }

  try(...words: readonly string[]): Promise<Pushed> {
    return this.begin(words).ended;
  }

  begin(words: readonly string[]): Begun {
    return beginGit(this.folder, words);
  }
}

interface Begun {
  readonly kill: () => void;
  readonly ended: Promise<Pushed>;
}

/** git with nothing of this machine's configuration, and nobody to ask for a password. */
export function gitIn(folder: string, words: readonly string[]): Promise<Pushed> {
  return beginGit(folder, words).ended;
}

function beginGit(folder: string, words: readonly string[]): Begun {
  const who = ['-c', 'user.name=Sari', '-c', 'user.email=sari@example.com', '-c', 'gc.auto=0'];
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
  const { promise, resolve } = Promise.withResolvers<Pushed>();
  // Its own group: git's helpers speak with the remote.
  const child = spawn('git', [...who, ...words], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
  child.once('close', (code) => resolve({ code: code ?? 255, said }));
  return { kill: () => process.kill(-(child.pid ?? 0), 'SIGKILL'), ended: promise };
}
