import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import type { Verdict } from './cases.ts';

const program = join(import.meta.dirname, 'small.ts');

/** A user without privileges has mounts of memory in a user namespace, where root has all of them. */
const namespace = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];

/** Whether this machine lets mounts be made in a namespace. */
export function canMount(): boolean {
  return spawnSync('unshare', [...namespace, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
}

/** Runs a part of small.ts in a mount namespace of its own, so that nothing stays mounted. Throws where it ends without a verdict. */
export async function inNamespace(...args: readonly string[]): Promise<Verdict[]> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program, ...args];
  const child = spawn('unshare', [...namespace, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`small.ts ${args.join(' ')} ended with ${String(code)}`);
  return JSON.parse(said) as Verdict[];
}
