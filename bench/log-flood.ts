import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceDocument, StatusDocument } from '../src/api/contract/types.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { type Figures, median } from './figures.ts';
import { memoryOf } from './processes.ts';
import { api, onStage } from './stage.ts';

/**
 * An app that prints as fast as it can, under Kapal and, in turns with that, into a plain file of the same disk.
 *
 *   bench/log-flood.ts [SECONDS [ROUNDS [PROGRAM]]]      60, 2, each of `programs`
 *
 * Figures: at least 0.7 of the plain file's bytes; the daemon at most 250 MB resident; what the run keeps on disk at most 110 MiB; the log database
 * within its quota of 64 MiB of text, twice that as a file; what is dropped is counted in the log, in bytes that add up, and told as an event.
 */
const seconds = Number(process.argv[2] ?? 60);
const rounds = Number(process.argv[3] ?? 2);

/** Bytes of output of which nothing need be lost on a machine that keeps up. */
const kept = (64 + 16 * seconds) * 2 ** 20;

const line = 'a line of some eighty characters, as an app prints them for each request that it gets';

const programs = {
  /** 8 KiB at a time, with next to no work of its own: nothing prints faster. */
  yes: `timeout ${seconds} yes '${line}'`,
  /** Line by line, as a program in a language of that kind prints. */
  lines: `timeout ${seconds} node -e "
    const { writeSync } = require('node:fs');
    const end = performance.now() + ${seconds} * 1000;
    for (let n = 0; performance.now() < end; n += 1) writeSync(1, n + ' ${line}\\n');"`,
} as const;
type Program = keyof typeof programs;

const wanted = process.argv[4] === undefined ? (Object.keys(programs) as Program[]) : [process.argv[4] as Program];

await onStage(async (kapal, figures) => {
  await kapal.up();
  for (const program of wanted) await measure(kapal, { program, figures });
});

async function measure(kapal: TestKapal, { program, figures }: { program: Program; figures: Figures }): Promise<void> {
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const plain = await plainly(kapal, program);
    const name = `flood-${program}-${round}`;
    const under = await underKapal(kapal, { name, program });
    ratios.push(under.bytes / plain);
    const [mine, its] = [under.bytes, plain].map((bytes) => `${(bytes / seconds / 1e6).toFixed(0)} MB/s`);
    console.log(`${program}, round ${round}: ${mine} under Kapal, ${its} into a file`);
    figures.atMost('the daemon, resident', { value: under.resident, most: 250, unit: ' MB' });
    figures.atMost('files of the run', { value: under.files / 2 ** 20, most: 110, unit: ' MiB' });
    figures.atMost('log database', { value: under.database / 2 ** 20, most: 140, unit: ' MiB' });
    figures.atMost('longest answer to ps', { value: under.longest, most: 1_000, unit: ' ms' });
    await holdDropped(kapal, { name, bytes: under.bytes, figures });
    await kapal.run('stop', name);
  }
  const ratio = median(ratios);
  figures.holds(`${program}: speed under Kapal to a plain file, median of ${rounds}: ${ratio.toFixed(2)}`, {
    wanted: 'at least 0.7',
    is: ratio >= 0.7,
  });
}

/** Bytes that the program prints into a file. */
async function plainly(kapal: TestKapal, program: Program): Promise<number> {
  const path = join(kapal.folder, 'plain');
  const file = openSync(path, 'a');
  const child = spawn('/bin/sh', ['-c', programs[program]], { stdio: ['ignore', file, 'inherit'] });
  await once(child, 'exit');
  closeSync(file);
  const { size } = statSync(path);
  rmSync(path);
  return size;
}

interface Under {
  readonly bytes: number;
  /** MB, at most. */
  readonly resident: number;
  /** Bytes on disk, at most. */
  readonly files: number;
  readonly database: number;
  /** Milliseconds. */
  readonly longest: number;
}

async function underKapal(kapal: TestKapal, { name, program }: { name: string; program: Program }): Promise<Under> {
  const { pid } = await api<StatusDocument>(kapal, '/api/v1/status');
  const most = { resident: 0, files: 0, database: 0, longest: 0 };
  const command = `${programs[program]}; echo that was all; exec sleep 3600`;
  const declared = { type: 'worker', name, runtime: 'node', buildCommand: '', startCommand: command };
  await kapal.deploy(
    await kapal.project(name, { 'kapal.yaml': JSON.stringify({ project: name, services: [declared] }) }),
  );
  const instance = (await kapal.service(name)).instances[0]?.id ?? '';
  const run = join(kapal.data, 'runs', 'runs', `${instance}.1`);
  let before = -1;
  await until(
    'the flood is over',
    async () => {
      const asked = performance.now();
      await api<readonly ServiceDocument[]>(kapal, '/api/v1/services');
      most.longest = Math.max(most.longest, performance.now() - asked);
      most.resident = Math.max(most.resident, memoryOf(pid).resident);
      most.files = Math.max(most.files, sum(run, /^log/));
      most.database = Math.max(most.database, sum(join(kapal.data, 'logs'), /^logs\.db/));
      await pause(1_000);
      const now = endOf(run);
      const ended = now === before && now > 0;
      before = now;
      return ended;
    },
    seconds + 60,
  );
  return { bytes: endOf(run), ...most };
}

async function holdDropped(
  kapal: TestKapal,
  { name, bytes, figures }: { name: string; bytes: number; figures: Figures },
): Promise<void> {
  const words = /(\d+) of (\d+) bytes of output were dropped since the run began/;
  let said: RegExpExecArray | null = null;
  await until('all of it is stored or said to be lost', async () => {
    const { stdout } = await kapal.run('logs', name, '--lines', '10');
    said = words.exec(stdout);
    return said !== null || (stdout.includes('that was all') && bytes < kept);
  });
  if (said === null) return console.log('all of it was stored');
  const [, dropped = 0, all = 0] = [...said].map(Number);
  figures.holds(`${(dropped / 1e6).toFixed(0)} of ${(all / 1e6).toFixed(0)} MB were dropped, as the log says`, {
    wanted: 'of all that was printed, some',
    is: dropped > 0 && all === bytes,
  });
  const told = (await kapal.run('events')).stdout.split(`${name} prints faster`).length - 1;
  figures.holds(`events that tell of it: ${told}`, { wanted: 'one at least', is: told > 0 });
}

/** Bytes that files of a folder take on disk. */
function sum(folder: string, names: RegExp): number {
  return namesIn(folder, names).reduce((all, name) => {
    return all + (statSync(join(folder, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }, 0);
}

/** Bytes that the run has printed: the name of the last file tells what came before it. */
function endOf(run: string): number {
  const starts = namesIn(run, /^log(?:\.\d+)?$/).map((name) => ({ name, start: Number(name.slice(4)) }));
  const last = starts.toSorted((a, b) => a.start - b.start).at(-1);
  return last === undefined ? 0 : last.start + (statSync(join(run, last.name), { throwIfNoEntry: false })?.size ?? 0);
}

function namesIn(folder: string, names: RegExp): string[] {
  return readdirSync(folder).filter((name) => names.test(name));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
