import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Install, linkTo, text } from './install.ts';
import { TestKapal } from './kapal.ts';
import { eventually } from './survival.ts';

/** The processes of the nginx that serves one data folder: pids. */
export interface Nginx {
  readonly master: number;
  /** In order; none that finishes what it has after a reload. */
  readonly workers: readonly number[];
}

/** A running Kapal whose edge is nginx. */
export async function startWithNginx(flags: readonly string[] = []): Promise<TestKapal> {
  const kapal = await TestKapal.prepare();
  kapal.edge = 'nginx';
  try {
    await kapal.up(flags);
  } catch (error) {
    await kapal.discard();
    throw error;
  }
  return kapal;
}

export function nginxFolder(kapal: Install): string {
  return join(kapal.data, 'edge-nginx');
}

/** What runs in the folder of the edge, told by the working folder, which is all that tells the workers of two nginx apart. `null`: not whole. */
export function nginxOf(kapal: Install): Nginx | null {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && linkTo(`/proc/${name}/cwd`) === nginxFolder(kapal))
    .map((name) => ({ pid: Number(name), title: text(`/proc/${name}/cmdline`) }));
  const master = found.find(({ title }) => title.startsWith('nginx: master process'));
  const workers = found.filter(({ title }) => /^nginx: worker process\0*$/.test(title)).map(({ pid }) => pid);
  return master === undefined || workers.length === 0
    ? null
    : { master: master.pid, workers: workers.toSorted((one, other) => one - other) };
}

/** Of an edge that serves. */
export function nginxNow(kapal: Install): Nginx {
  const nginx = nginxOf(kapal);
  assert.ok(nginx !== null, 'nginx runs');
  return nginx;
}

/** Resolves with both workers, none of them `gone`. */
export function nginxWithout(kapal: Install, gone: readonly number[]): Promise<Nginx> {
  return eventually('nginx is whole again', () => {
    const nginx = nginxOf(kapal);
    const fresh = nginx !== null && ![nginx.master, ...nginx.workers].some((pid) => gone.includes(pid));
    return fresh && nginx.workers.length === 2 ? nginx : null;
  });
}

/** What nginx says at a reload: the signal, then that it reads its configuration again. */
export function reloadsOf(kapal: Install): string[] {
  return errorLog(kapal)
    .split('\n')
    .filter((line) => /SIGHUP|reconfiguring/.test(line));
}

export function errorLog(kapal: Install): string {
  return text(join(nginxFolder(kapal), 'log', 'error.log'));
}
