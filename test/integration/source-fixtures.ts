import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import type { TreeLimits } from '../../src/lib/tree/paths.ts';
import { Sources } from '../../src/source/sources.ts';

/** A folder that is removed after the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-test-source-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function openSources(data: string, limits?: TreeLimits): Sources {
  const options = { folder: join(data, 'sources'), gitFolder: join(data, 'git'), clock: systemClock };
  return new Sources(limits === undefined ? options : { ...options, limits });
}

/** Every path below a folder, sorted; links are not followed. */
export async function listAll(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}

/** Runs git with nothing of this machine's configuration. */
export function runGit(folder: string, ...args: string[]): string {
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Sari Dewi',
    GIT_AUTHOR_EMAIL: 'sari@example.com',
    GIT_COMMITTER_NAME: 'Sari Dewi',
    GIT_COMMITTER_EMAIL: 'sari@example.com',
    GIT_ALLOW_PROTOCOL: 'file',
  };
  return execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
