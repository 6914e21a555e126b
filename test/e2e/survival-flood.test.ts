import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';
import { eventually, Gate, logged } from './survival.ts';

const mebibyte = 2 ** 20;

describe('a service that prints more than can be kept', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  after(() => kapal[Symbol.asyncDispose]());

  test('while the daemon is away it runs on, its files are bounded, and afterwards it is said how much is missing', async () => {
    const gate = new Gate(kapal, 'flood');
    const command = `${gate.wait}; yes 'a line of a flood, as long as such lines are when a program tells all that it knows of each request: its method, its path, its headers, its user, its time, and what came of it' | head -c 400000000; echo; echo the end of the flood; exec sleep 3600`;
    const declared = { type: 'worker', name: 'loud', runtime: 'node', buildCommand: '', startCommand: command };
    await kapal.deploy(
      await kapal.project('loud', { 'kapal.yaml': JSON.stringify({ project: 'loud', services: [declared] }) }),
    );
    const [before] = (await kapal.service('loud')).instances;
    const run = join(kapal.data, 'runs', 'runs', `${before?.id}.1`);
    await kapal.killDaemon();
    await gate.open();
    let largest = 0;
    await eventually('the flood is over', () => {
      largest = Math.max(largest, occupied(run));
      return endOf(run) === 400_000_000 + '\nthe end of the flood\n'.length;
    });
    assert.ok(largest <= 96 * mebibyte, `${largest} bytes on disk`);

    await kapal.up();
    assert.deepEqual((await kapal.service('loud')).instances, [before]);
    await logged(kapal, 'loud', /the end of the flood/);
    const words = await logged(kapal, 'loud', /\d+ of 4000000\d+ bytes of output were dropped since the run began/);
    const dropped = Number(/(\d+) of 4000000/.exec(words)?.[1]);
    assert.ok(dropped > 350_000_000 && dropped < 390_000_000, String(dropped));
    assert.match((await kapal.run('events')).stdout, /3\d\d\.\d MB of output were dropped: loud prints faster/);
    await eventually('what was read is removed', () => occupied(run) <= 24 * mebibyte);
  });
});

function segments(run: string): { path: string; start: number }[] {
  if (!existsSync(run)) return [];
  return readdirSync(run)
    .filter((name) => /^log(?:\.\d+)?$/.test(name))
    .map((name) => ({ path: join(run, name), start: Number(name.slice(4)) }))
    .toSorted((a, b) => a.start - b.start);
}

function occupied(run: string): number {
  return segments(run).reduce(
    (sum, { path }) => sum + (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512,
    0,
  );
}

function endOf(run: string): number {
  const last = segments(run).at(-1);
  return last === undefined ? 0 : last.start + (statSync(last.path, { throwIfNoEntry: false })?.size ?? 0);
}
