import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/state/open.ts';
import type { Verdict } from './cases.ts';
import { contentOf, Folder } from './history.ts';

const source = join(import.meta.dirname, '..', '..', 'src');

/**
 * Writes a record twice over, with a checkpoint at each end, and says of each transaction what it was told. What was refused must not be seen by this
 * process, and what was acknowledged must.
 */
const program = `
  import { openStore } from '${source}/state/open.ts';
  const path = process.argv[1];
  const said = [];
  let last = 0;
  const attempt = (name, work) => {
    try { work(); said.push([name, 'ok']); return true; }
    catch (error) { said.push([name, error.code ?? String(error)]); return false; }
  };
  for (const life of [0, 1]) {
    let store = null;
    for (let tries = 0; store === null && tries < 3; tries += 1) attempt('open', () => { store = openStore(path); });
    if (store === null) break;
    // What was refused when the log was not synced stands in it all the same, and a start may find it, as after a power cut; it never finds less.
    attempt('begin', () => {
      const found = Number(store.facts.get('n') ?? '0');
      if (found < last) throw Object.assign(new Error(), { code: 'WRONG ' + found + ' of ' + last });
      last = found;
    });
    for (let n = life * 3 + 1; n <= life * 3 + 3; n += 1) {
      const done = attempt(n, () => store.transaction(() => {
        store.facts.set('n', String(n));
        store.facts.set('f' + n, 'x'.repeat(9000));
        store.events.append({ time: n, kind: 'k', service: null, project: null, message: 'm' + n });
      }));
      if (done) last = n;
      attempt('seen', () => {
        const seen = [store.facts.get('n') ?? '0', store.facts.get('f' + n) !== null].join();
        if (seen !== [String(last), done].join()) throw Object.assign(new Error(), { code: 'WRONG ' + seen + ' after ' + n });
      });
    }
    attempt('close', () => store.close());
  }
  console.log(JSON.stringify(said));`;

interface Fault {
  readonly calls: string;
  readonly error: 'ENOSPC' | 'EIO';
  /** The n-th call alone, or that and all after it. */
  readonly lasting: boolean;
}

const faults: readonly Fault[] = [
  { calls: 'pwrite64', error: 'ENOSPC', lasting: false },
  { calls: 'pwrite64', error: 'ENOSPC', lasting: true },
  { calls: 'pwrite64', error: 'EIO', lasting: false },
  { calls: 'pwrite64', error: 'EIO', lasting: true },
  { calls: 'fsync,fdatasync', error: 'EIO', lasting: false },
  { calls: 'fsync,fdatasync', error: 'EIO', lasting: true },
  { calls: 'ftruncate', error: 'EIO', lasting: false },
];

/** The n-th call on the record's files fails, for every n (or each `every`-th) until there is none: strace(1) has the kernel answer so. */
export function failingWrites({ every }: { readonly every: number }): Verdict[] {
  return faults.map((fault) => {
    using folder = new Folder();
    const failures: string[] = [];
    let cases = 0;
    let kept = 0;
    for (let n = 1; ; n += every) {
      const { injected, unasked } = one(folder.path, { fault, n, failures });
      if (!injected) break;
      cases += 1;
      kept += unasked;
    }
    const what = `record: ${fault.error} at the n-th ${fault.calls}${fault.lasting ? ' and all after it' : ''}`;
    return { what, cases, failures, note: `${kept} refused transactions were there at the next start` };
  });
}

/** Whether there was an n-th call; and how many transactions the next start found although they were refused, which a power cut does as well. */
function one(
  folder: string,
  { fault, n, failures }: { fault: Fault; n: number; failures: string[] },
): { injected: boolean; unasked: number } {
  const path = join(folder, 'record.db');
  const trace = join(folder, 'trace');
  for (const file of [path, `${path}-wal`, `${path}-shm`, trace]) rmSync(file, { force: true });
  const { stdout, status, stderr } = traced(path, trace, { ...fault, n });
  const injected = existsSync(trace) && readFileSync(trace, 'utf8').includes('(INJECTED)');
  try {
    assert.equal(status, 0, stderr);
    return { injected, unasked: judged(path, JSON.parse(stdout) as [string | number, string][]) };
  } catch (error) {
    failures.push(`n = ${n}: ${error instanceof Error ? error.message : String(error)} ${stdout}`);
    return { injected, unasked: 0 };
  }
}

function traced(
  path: string,
  trace: string,
  { calls, error, lasting, n }: Fault & { n: number },
): { status: number | null; stdout: string; stderr: string } {
  const files = ['', '-wal', '-shm'].flatMap((suffix) => ['-P', path + suffix]);
  const inject = `inject=${calls}:error=${error}:when=${n}${lasting ? '+' : ''}`;
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program, path];
  const { status, stdout, stderr } = spawnSync(
    'strace',
    ['-f', '-qq', '--seccomp-bpf', '-o', trace, ...files, '-e', `trace=${calls}`, '-e', inject, ...node],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

/** Holds what was said against what the next start finds. */
function judged(path: string, said: readonly [string | number, string][]): number {
  for (const [name, told] of said)
    assert.ok(['ok', 'disk_full', 'disk_failed'].includes(told), `${name} was told ${told}`);
  const store = openStore(path);
  try {
    contentOf(path);
    const transactions = said.filter(([name]) => typeof name === 'number');
    const there = transactions.filter(([n]) => store.facts.get(`f${n}`) !== null);
    for (const [n, told] of transactions)
      if (told === 'ok') assert.ok(store.facts.get(`f${n}`), `transaction ${n} was acknowledged and is lost`);
    const messages = store.events.after(0, 100).map(({ message }) => message);
    assert.deepEqual(
      messages,
      there.map(([n]) => `m${n}`),
      'half a transaction',
    );
    assert.equal(store.facts.get('n') ?? 'none', String(there.at(-1)?.[0] ?? 'none'));
    return there.filter(([, told]) => told !== 'ok').length;
  } finally {
    store.close();
  }
}
