import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Verdict } from './cases.ts';
import { FullKapal } from './full-daemon.ts';
import { guardedKapal } from './guarded.ts';
import { fullPlaces } from './places.ts';
import { type DiskKind, SmallDisk } from './small-disk.ts';
import { steps } from './steps.ts';

/**
 * What is mounted here is seen by this process and its children alone: started in a mount namespace of its own (`inNamespace` in run.ts), it prints verdicts
 * as one line of JSON. `places KIND EVERY`, `daemon KIND EVERY MOST STEP…`, `unprivileged KIND EVERY MOST STEP…`, `guard`.
 */
/** Who owns nothing but the folder of a test. */
const nobody = 65_534;

const [part = '', ...args] = process.argv.slice(2);
const verdicts = await run();
console.log(JSON.stringify(verdicts));

function run(): Promise<Verdict[]> {
  const [kind = 'memory', every = '1', most = '120', ...names] = args;
  switch (part) {
    case 'places':
      return places(kind as DiskKind, Number(every));
    case 'daemon':
      return daemon(kind as DiskKind, { every: Number(every), most: Number(most), names });
    case 'unprivileged':
      return daemon(kind as DiskKind, { every: Number(every), most: Number(most), names, uid: nobody });
    case 'guard':
      return guardedKapal();
    default:
      throw new Error(`no part "${part}"`);
  }
}

async function places(kind: DiskKind, every: number): Promise<Verdict[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kapal-storage-'));
  try {
    await using disk = await SmallDisk.mount(join(folder, 'disk'), { kind, mebibytes: kind === 'loop' ? 6 : 4 });
    return await fullPlaces(disk, { kind, every });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function daemon(
  kind: DiskKind,
  { every, most, names, uid = 0 }: { every: number; most: number; names: readonly string[]; uid?: number },
): Promise<Verdict[]> {
  await using full = await FullKapal.start(kind, { uid });
  const verdicts: Verdict[] = [];
  for (const step of steps.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const who = uid === 0 ? 'daemon' : 'daemon of an ordinary user';
    const verdict = { what: `${who}, ${kind}: ${step.name}`, ...(await full.survive(step, { every, most })) };
    verdicts.push(verdict);
    console.error(`${verdict.what}: ${verdict.cases} cases, ${verdict.failures.length} failed; ${verdict.note}`);
  }
  return verdicts;
}
