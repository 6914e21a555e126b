import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Check, checkClock, checkFolder, checkNode, checkProgram } from '../../../src/cli/doctor/checks.ts';
import { status } from '../api/recording-commands.ts';
import { serve } from '../api/serving.ts';
import { run } from './running.ts';

interface Examined {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kapal-doctor-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

describe('doctor', () => {
  test('looks at the machine, and without a daemon says how to start one', async () => {
    await using data = await folder();
    const { code, out } = await run(['doctor', '--json', '--data', data.path]);
    const { ok, checks } = JSON.parse(out) as Examined;
    assert.deepEqual([code, ok], [0, true]);
    assert.deepEqual(
      checks.map(({ name }) => name),
      ['node', 'git', 'npm', 'data folder', 'disk', 'clock', 'open files', 'nginx', 'daemon'],
    );
    const daemon = checks.at(-1);
    assert.equal(daemon?.result, 'warn');
    assert.equal(daemon?.todo, `Start it: kapal up --data ${data.path}`);
  });

  test('asks a running daemon about its parts', async () => {
    await using served = await serve({
      status: async () => ({
        ...status,
        edge: { ...status.edge, workers: [] },
        runtime: { ...status.runtime, notes: ['Services share one user.'] },
      }),
      edgeCheck: async () => ['pool x has no endpoint'],
    });
    const { code, out } = await run(['doctor'], { env: { KAPAL_DATA: served.data } });
    assert.equal(code, 1);
    assert.match(out, /ok +daemon +version 0\.1\.0, pid 1, 90 MB\n/);
    assert.match(out, /fail +edge +embedded on 127\.0\.0\.1:8080: asked for; workers none\n/);
    assert.match(out, /warn +edge +pool x has no endpoint\n/);
    assert.match(out, /warn +runtime +Services share one user\.\n/);
  });

  test('says whether nginx could serve, and else what brings it; the embedded engine is no failure', async () => {
    await using data = await folder();
    const asked = (nginx?: { serves: boolean; detail: string }) =>
      run(['doctor', '--data', data.path], nginx === undefined ? {} : { nginx });
    assert.match((await asked()).out, /ok +nginx +1\.22\.1 is here\n/);
    const without = await asked({ serves: false, detail: 'nginx is not installed' });
    assert.equal(without.code, 0);
    assert.match(
      without.out,
      /warn +nginx +nginx is not installed: the edge is the embedded engine\n +For production: kapal edge install\n/,
    );
  });

  test('an old Node is a failure, whatever the order of digits', async () => {
    assert.equal((await checkNode('24.9.0')).result, 'fail');
    assert.equal((await checkNode('24.14.0')).result, 'fail');
    assert.equal((await checkNode('24.14.1')).result, 'ok');
    assert.equal((await checkNode('26.0.0')).result, 'ok');
  });

  test('a program that is missing is said with what it is for', async () => {
    await using empty = await folder();
    const check = await checkProgram('git', { path: empty.path, without: 'No repositories.', install: 'git' });
    assert.deepEqual(check, {
      name: 'git',
      result: 'warn',
      detail: 'not found. No repositories.',
      todo: 'Debian: apt-get install git',
    });
  });

  test('a data folder that is not there yet is judged by where it would be', async () => {
    await using there = await folder();
    assert.equal((await checkFolder(join(there.path, 'a', 'b'))).result, 'ok');
    await writeFile(join(there.path, 'file'), '');
    assert.equal((await checkFolder(join(there.path, 'file', 'b'))).result, 'fail');
  });

  test('a clock that is behind the installed files is wrong', async () => {
    await using there = await folder();
    const entry = join(there.path, 'main.ts');
    await writeFile(entry, '');
    assert.notEqual((await checkClock(entry)).result, 'fail');
    const later = Date.now() / 1_000 + 3 * 86_400;
    await utimes(entry, later, later);
    assert.equal((await checkClock(entry)).result, 'fail');
  });
});
