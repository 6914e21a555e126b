import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cgroupV2 } from '../../../src/runtime/process/cgroup-v2.ts';

/** Files with the names and the texts of the kernel (cgroup-v2.rst), because the memory controller may be bound to v1 where this runs. */
test('cgroup v2: the limit is set without swap, the controller passed on, usage read', async () => {
  const top = await mkdtemp(join(tmpdir(), 'kapal-cgroup2-'));
  try {
    const parent = join(top, 'kapal-ab12cd34');
    const run = join(parent, 'run-r1');
    await mkdir(run, { recursive: true });
    await writeFile(join(top, 'cgroup.subtree_control'), 'cpu memory pids\n');
    await writeFile(join(parent, 'cgroup.subtree_control'), '        pids\n');
    for (const name of ['memory.max', 'memory.oom.group', 'pids.max']) await writeFile(join(run, name), '');
    await writeFile(join(run, 'memory.stat'), 'anon 1000\nfile 9999\nfile_mapped 24\n');
    await writeFile(join(run, 'cpu.stat'), 'usage_usec 1500\nuser_usec 1000\n');
    const hierarchy = cgroupV2([{ path: top, type: 'cgroup2', options: ['rw'] }], 'ab12cd34');
    assert.ok(hierarchy !== null);
    const places = await hierarchy.create('r1', { memory: 104_857_600, processes: 4_096 });
    assert.deepEqual(places, { memory: run, cpu: '', pids: run, oom: join(run, 'memory.events') });
    assert.equal(await readFile(join(top, 'cgroup.subtree_control'), 'utf8'), 'cpu memory pids\n', 'left as it was');
    assert.match(await readFile(join(parent, 'cgroup.subtree_control'), 'utf8'), /^\+memory/);
    assert.equal(await readFile(join(run, 'memory.max'), 'utf8'), '104857600');
    assert.equal(await readFile(join(run, 'pids.max'), 'utf8'), '4096');
    assert.equal(hierarchy.ceiling('r1'), join(run, 'pids.max'));
    assert.equal(await readFile(join(run, 'memory.oom.group'), 'utf8'), '1');
    assert.deepEqual(hierarchy.usage('r1'), { residentBytes: 1024, cpuMilliseconds: 1.5 });
    assert.equal(cgroupV2([{ path: top, type: 'cgroup', options: ['memory'] }], 'ab12cd34'), null);
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});
