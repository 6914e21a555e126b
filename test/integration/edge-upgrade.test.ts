import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { until } from '../patience.ts';
import {
  commandOf,
  EdgeGround,
  get,
  keeperOf,
  keepersOf,
  Load,
  processesNaming,
  startBackend,
  tableTo,
  workersOf,
} from './edge-fixture.ts';
import { commented, versionWith } from './edge-version.ts';

/** One letter (proc_pid_stat(5)). */
function stateOf(pid: number): string {
  return / (\w) \d/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\)/, ''))?.[1] ?? '';
}

describe('upgrades of the embedded edge, and who holds its sockets', () => {
  test('another version takes over, keeper and workers, and nobody is refused', async () => {
    await using ground = await EdgeGround.make();
    const held: (() => void)[] = [];
    await using backend = await startBackend((request, response) => {
      if (request.url === '/slow') held.push(() => response.end('late'));
      else response.end('ok');
    });
    const first = ground.edge();
    const { workers } = await first.ensure();
    await first.apply(tableTo(1, [backend.port]));
    const keeper = keeperOf(ground.folder);
    await using load = new Load(ground.port, 6);
    await load.answered(30);
    for (const word of ['one', 'two']) {
      const { embedded } = await versionWith(join(ground.root, word), commented(word));
      const slow = get(ground.port, '/slow');
      await until('the slow request at its endpoint', async () => (await first.inFlight()).get('p1') !== undefined);
      const edge = embedded.createEmbeddedEdge(ground.options);
      const now = await edge.ensure();
      assert.ok(!now.workers.some(({ pid }) => workers.some((worker) => worker.pid === pid)));
      assert.deepEqual(new Set(now.workers.map(({ version }) => version)), new Set([1]));
      await load.answered(30);
      for (const answer of held.splice(0)) answer();
      assert.equal((await slow).body, 'late', 'what the old workers had under way is finished');
      const engine = /engine-[0-9a-f]+/;
      const running = [keeperOf(ground.folder), ...now.workers.map(({ pid }) => pid)];
      const engines = running.map((pid) => engine.exec(commandOf(pid).join(' '))?.[0]);
      assert.equal(new Set(engines).size, 1, 'the keeper runs the same copy of the code as its workers');
    }
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.equal(keeperOf(ground.folder), keeper, 'it is the same process, for it has the sockets');
    await until('the old workers to end', () => processesNaming(ground.folder).length === 5);
  });

  test('a slot that was killed is missed, and its worker does not stay alone', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    await edge.ensure();
    const slot = keepersOf(ground.folder).find((pid) => pid !== keeperOf(ground.folder));
    process.kill(slot ?? 0, 'SIGKILL');
    await until('it is missed', () => !edge.isAlive());
    await edge.ensure();
    assert.ok(edge.isAlive());
    await until('three shells and two workers', () => processesNaming(ground.folder).length === 5);
    for (const { pid } of (await edge.status()).workers) process.kill(pid, 'SIGKILL');
    await until('both workers are kept again', async () => (await workersOf(edge)).length === 2);
  });

  test('a keeper and a slot that somebody has stopped go on', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    await edge.ensure();
    const shells = keepersOf(ground.folder);
    for (const pid of shells) process.kill(pid, 'SIGSTOP');
    await until('all are stopped', () => shells.every((pid) => stateOf(pid) === 'T'));
    assert.equal(edge.isAlive(), false);
    await edge.ensure();
    assert.ok(edge.isAlive());
    assert.equal(ground.notes.filter((note) => note.includes('was stopped')).length, 3);
  });

  test('a worker is not taken for hung when it was the daemon that stood still', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    const [first] = workers;
    process.kill(first?.pid ?? 0, 'SIGSTOP');
    const asked = edge.ensure();
    // The question is there; the answer comes while nobody here runs.
    await pause(300);
    process.kill(first?.pid ?? 0, 'SIGCONT');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    const now = await asked;
    assert.deepEqual(ground.notes, []);
    assert.deepEqual(
      now.workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
  });
});
