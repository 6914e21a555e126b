import { parseArgs } from 'node:util';
import type { Verdict } from './cases.ts';
import { logCuts, logDamage } from './logs.ts';
import { killedMigrations } from './migrations.ts';
import { powerCuts } from './power.ts';
import { failingWrites } from './record-writes.ts';
import { canMount, inNamespace } from './run.ts';

/**
 * `npm run storage -- [--part PART]… [--every N] [--seed N]`: what a power cut, a full disk, a disk that fails and a kill leave of what Kapal keeps. Prints a
 * table; exits with 1 where something was lost, half there, or said to be done that was not.
 */
const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true },
    every: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [every, seed] = [Number(values.every), Number(values.seed)];
const isRoot = process.getuid?.() === 0;

const parts: Readonly<Record<string, () => Promise<Verdict[]> | Verdict[]>> = {
  power: async () => [
    ...powerCuts({ seed, everyFrame: every, offsets: 1_000 / every, tails: 200 / every, checkpoints: 200 / every }),
    logCuts({ seed, offsets: 1_000 / every }),
    await logDamage({ seed, each: Math.ceil(25 / every) }),
  ],
  migrations: () => [killedMigrations({ every })],
  writes: () => failingWrites({ every }),
  places: async () => [
    ...(await inNamespace('places', 'memory', String(every))),
    ...(isRoot ? await inNamespace('places', 'loop', String(every)) : []),
  ],
  // Users, control groups and disks of loops are root's.
  daemon: async () =>
    isRoot
      ? [
          ...(await inNamespace('daemon', 'memory', String(every))),
          ...(await inNamespace('daemon', 'loop', String(every))),
          ...(await inNamespace('unprivileged', 'memory', String(every))),
        ]
      : [],
  guard: async () => (isRoot ? await inNamespace('guard') : []),
};

const wanted = values.part ?? Object.keys(parts);
console.log(
  `seed ${seed}, every ${every === 1 ? '' : `${every}. `}case${isRoot ? '' : '; without root: no loops, no daemon'}`,
);
if (!canMount()) throw new Error('no mounts can be made here, in no namespace');
const rows: Verdict[] = [];
for (const name of wanted) {
  const run = parts[name];
  if (run === undefined) throw new Error(`no part "${name}"; there are: ${Object.keys(parts).join(', ')}`);
  rows.push(...(await run()));
}
console.log('| what | cases | failed | |\n|---|---|---|---|');
for (const { what, cases, failures, note = '' } of rows)
  console.log(`| ${what} | ${cases} | ${failures.length} | ${note} |`);
for (const { what, failures } of rows) for (const failure of failures) console.log(`FAILED ${what}: ${failure}`);
const failed = rows.reduce((sum, { failures }) => sum + failures.length, 0);
console.log(`${rows.reduce((sum, { cases }) => sum + cases, 0)} cases, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
