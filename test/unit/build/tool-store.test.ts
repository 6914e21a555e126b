import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { HostTools } from '../../../src/build/host/tool-store.ts';

const old = new Date(Date.now() - 72 * 60 * 60_000);

async function toolchain(t: TestContext, names: readonly string[]): Promise<{ folder: string; tools: HostTools }> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-test-tools-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const name of names) {
    await mkdir(join(folder, name, 'bin'), { recursive: true });
    await writeFile(join(folder, name, 'bin', 'program'), 'text');
    await utimes(join(folder, name), old, old);
  }
  return { folder, tools: new HostTools(folder, '24.1.0') };
}

test('tools, rests and nothing else are listed, each with what speaks for it', async (t) => {
  const { folder, tools } = await toolchain(t, [
    'node-24.1.0',
    'node-16.20.2',
    'node-18.1.0',
    'pnpm-9.1.0',
    'pnpm-8.0.0-0123456789abcdef',
    'pnpm-7.0.0.0123456789ab.part',
    'node.12.99.part',
    'yarn-1.22.0.0123456789ab.gone',
    'somebodys-folder',
    'node-16',
  ]);
  await symlink('pnpm-9.1.0', join(folder, 'pnpm-default'));
  const program = spawn('sleep', ['1000'], { env: { PATH: `/usr/bin:/bin:${join(folder, 'node-18.1.0', 'bin')}:/x` } });
  t.after(() => program.kill('SIGKILL'));
  await once(program, 'spawn');
  const listed = (await tools.list()).map(({ path, kind, kept, usedAt }) => {
    assert.equal(usedAt, old.getTime());
    return [path.slice(folder.length + 1), kind, kept];
  });
  assert.deepEqual(
    listed.toSorted(([one], [other]) => String(one).localeCompare(String(other))),
    [
      ['node-16.20.2', 'node', null],
      ['node-18.1.0', 'node', 'something that runs may call it'],
      ['node-24.1.0', 'node', 'all services have it'],
      ['node.12.99.part', 'rest', null],
      ['pnpm-7.0.0.0123456789ab.part', 'rest', null],
      ['pnpm-8.0.0-0123456789abcdef', 'manager', null],
      ['pnpm-9.1.0', 'manager', 'it is what a start command finds that asks for no version'],
      ['yarn-1.22.0.0123456789ab.gone', 'rest', null],
    ],
  );
});

test('one that was asked for since it was looked at stays; else nothing of it is left under its name or another', async (t) => {
  const { folder, tools } = await toolchain(t, ['node-16.20.2', 'pnpm-9.1.0', 'pnpm-7.0.0.0123456789ab.part']);
  const listed = await tools.list();
  await tools.mark('node-16.20.2');
  const removed = await Promise.all(listed.map(async (tool) => [tool.kind, await tools.remove(tool)]));
  assert.deepEqual(Object.fromEntries(removed), { node: false, manager: true, rest: true });
  assert.deepEqual(await readdir(folder), ['node-16.20.2']);
  assert.ok(existsSync(join(folder, 'node-16.20.2/bin/program')));
  const [marked] = await tools.list();
  assert.ok(marked !== undefined && marked.usedAt > old.getTime(), 'that outlives the daemon');
  assert.equal(await tools.remove(marked), true);
  assert.equal(await tools.remove(marked), false, 'it is gone already');
});

test('where nothing was ever brought there is nothing', async (t) => {
  const { folder } = await toolchain(t, []);
  assert.deepEqual(await new HostTools(join(folder, 'none'), '24.1.0').list(), []);
});
