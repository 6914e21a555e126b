import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  EdgeGround,
  get,
  keeperOf,
  keepersOf,
  Load,
  processesNaming,
  startBackend,
  startProgram,
  tableTo,
  workersOf,
} from './edge-fixture.ts';
import { freePort } from '../free-port.ts';
import { hang, until } from '../patience.ts';

const daemon = fileURLToPath(import.meta.resolve('./edge-daemon.ts'));

/** An edge in front of one backend that answers 200. */
async function serving(): Promise<
  { ground: EdgeGround; backend: Awaited<ReturnType<typeof startBackend>> } & AsyncDisposable
> {
  const ground = await EdgeGround.make();
  const backend = await startBackend((_, response) => response.end('ok'));
  return {
    ground,
    backend,
    [Symbol.asyncDispose]: async () => {
      await ground[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

describe('the processes of the embedded edge', () => {
  test('a killed worker comes back while the other serves, and nobody is refused', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const before = await edge.status();
    const victim = before.workers[0]?.pid ?? 0;
    // The requests that the victim had begun die with it, so the load rests while it is killed; connecting must work throughout.
    process.kill(victim, 'SIGKILL');
    const load = new Load(ground.port);
    await until('two workers again', async () => (await workersOf(edge)).length === 2);
    await load.answered(20);
    await load.stop();
    assert.deepEqual(load.failures, []);
    const after = await edge.status();
    assert.ok(!after.workers.some((worker) => worker.pid === victim));
    assert.deepEqual(new Set(after.workers.map((worker) => worker.version)), new Set([1]));
  });

  test('the table survives the death of all workers', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(4, [backend.port]));
    for (const { pid } of workers) process.kill(pid, 'SIGKILL');
    // The descriptor stays open with the keeper: this connects at once and waits for the first new worker.
    assert.equal((await get(ground.port)).body, 'ok');
    await until('two workers with the table', async () => {
      const now = await workersOf(edge);
      return now.length === 2 && now.every((worker) => worker.version === 4);
    });
  });

  test('a worker that its keeper could not write down gets the next table too', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    await using other = await startBackend((_, response) => response.end('new'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const before = await edge.status();
    for (const slot of [0, 1]) rmSync(join(ground.folder, `worker-1-${slot}`));
    await edge.apply(tableTo(2, [other.port]));
    for (let asked = 0; asked < 20; asked += 1) assert.equal((await get(ground.port)).body, 'new');
    const after = await edge.status();
    assert.deepEqual(
      after.workers.map(({ pid, version }) => [pid, version]),
      before.workers.map(({ pid }) => [pid, 2]),
    );
  });

  test('the edge outlives its daemon, restarts workers without it, and a new daemon adopts it', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const table = tableTo(2, [backend.port]);
    const program = await startProgram([
      daemon,
      ground.folder,
      String(ground.port),
      String(ground.httpsPort),
      JSON.stringify(table),
    ]);
    const { workers } = JSON.parse(program.line) as { workers: { pid: number }[] };
    await program.kill();
    const load = new Load(ground.port);
    await load.answered(50);
    await load.stop();
    assert.deepEqual(load.failures, []);

    const edge = ground.edge();
    process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
    await until('a new worker without a daemon', async () => {
      const now = await workersOf(edge);
      return now.length === 2 && !now.some(({ pid }) => pid === workers[0]?.pid);
    });
    const adopted = await edge.ensure();
    assert.ok(adopted.workers.some(({ pid }) => pid === workers[1]?.pid));
    assert.deepEqual(new Set(adopted.workers.map(({ version }) => version)), new Set([2]));
  });

  test('a killed keeper is replaced without refusing a connection', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const keeper = keeperOf(ground.folder);
    const slots = keepersOf(ground.folder).filter((pid) => pid !== keeper);
    const load = new Load(ground.port);
    await load.answered(20);
    process.kill(keeper, 'SIGKILL');
    await load.answered(20);
    const replaced = await edge.ensure();
    await load.answered(50);
    await load.stop();
    assert.ok(!replaced.workers.some(({ pid }) => workers.some((worker) => worker.pid === pid)));
    assert.notEqual(keeperOf(ground.folder), keeper);
    // One of its slots has the same sockets and becomes the next keeper, so none was closed.
    assert.ok(slots.includes(keeperOf(ground.folder)));
    assert.deepEqual(load.failures, []);
    await until('the old workers to end', () => processesNaming(ground.folder).length === 5);
  });

  test('with all its processes killed it is back at once', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    for (const pid of processesNaming(ground.folder)) process.kill(pid, 'SIGKILL');
    await until('the edge to be gone', () => processesNaming(ground.folder).length === 0);
    await assert.rejects(edge.status());
    assert.equal(edge.isAlive(), false);
    await edge.ensure();
    assert.equal(edge.isAlive(), true);
    assert.equal((await get(ground.port)).body, 'ok');
  });

  test('a hand-over to new workers refuses and breaks nothing', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const first = ground.edge();
    const before = await first.ensure();
    await first.apply(tableTo(1, [backend.port]));
    const keeper = keeperOf(ground.folder);
    const load = new Load(ground.port, 6);
    await load.answered(50);
    // Another number of workers is another launch, as another Node or another version of the code is.
    let last = before;
    for (const workers of [1, 2]) {
      last = await ground.edge({ workers }).ensure();
      assert.equal(last.workers.length, workers);
      await load.answered(50);
    }
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.equal(keeperOf(ground.folder), keeper);
    const old = before.workers.map(({ pid }) => pid);
    assert.ok(!last.workers.some(({ pid }) => old.includes(pid)));
    await until('the old workers to end', () => processesNaming(ground.folder).length === 5);
    assert.deepEqual(new Set(last.workers.map(({ version }) => version)), new Set([1]));
  });

  test('workers that do not come up leave those that serve', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const pids = workers.map(({ pid }) => pid);
    const next = ground.edge({ node: '/bin/false' });
    for (const round of ['at first', 'and again']) {
      const { workers: now } = await next.ensure();
      assert.deepEqual(
        now.map(({ pid }) => pid),
        pids,
        round,
      );
    }
    assert.equal(
      ground.notes.filter((note) => note.includes('does not come up')).length,
      1,
      'it is not tried all the time',
    );
    await next.apply(tableTo(2, [backend.port]));
    assert.equal((await get(ground.port)).body, 'ok');
    const after = await edge.ensure();
    assert.deepEqual(
      after.workers.map(({ pid, version }) => ({ pid, version })),
      pids.map((pid) => ({ pid, version: 2 })),
    );
    // Elsewhere than what runs it has nothing to go on with.
    const elsewhere = { node: '/bin/false', http: { host: '127.0.0.1', port: await freePort() } };
    await assert.rejects(ground.edge(elsewhere).ensure(), { code: 'edge_failed' });
    assert.equal((await get(ground.port)).body, 'ok');
  });

  test('a hung worker is killed by the next table and comes back with it', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    const hung = workers[0]?.pid ?? 0;
    process.kill(hung, 'SIGSTOP');
    const began = performance.now();
    await edge.apply(tableTo(1, [backend.port]));
    assert.ok(performance.now() - began < hang);
    assert.ok(ground.notes.some((note) => note.includes(String(hung))));
    await until('both workers with the table', async () => {
      const now = await workersOf(edge);
      return now.length === 2 && now.every(({ version, pid }) => version === 1 && pid !== hung);
    });
  });

  test('stop waits for what is under way, and no longer than its grace', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((request, response) => {
      if (request.url === '/slow') setTimeout(() => response.end('done'), 400);
      else if (request.url !== '/never') response.end('ok');
    });
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const slow = get(ground.port, '/slow');
    await until('the slow request at its endpoint', async () => (await edge.inFlight()).get('p1') === 1);
    const stopped = edge.stop(5000);
    assert.equal((await slow).body, 'done');
    await stopped;
    await assert.rejects(get(ground.port), { code: 'ECONNREFUSED' });

    await edge.ensure();
    const never = get(ground.port, '/never').then(
      () => 'answered',
      () => 'broken',
    );
    await until('the request without end', async () => (await edge.inFlight()).get('p1') === 1);
    const began = performance.now();
    await edge.stop(300);
    assert.ok(performance.now() - began < hang);
    assert.equal(await never, 'broken');
    assert.deepEqual(processesNaming(ground.folder), []);
  });

  test('what is under way stays counted when its endpoint has left the table', async () => {
    await using ground = await EdgeGround.make();
    const held: (() => void)[] = [];
    await using backend = await startBackend((_, response) => void held.push(() => response.end('late')));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const late = get(ground.port);
    await until('the request at its endpoint', async () => (await edge.inFlight()).get('p1') === 1);
    await edge.apply(tableTo(2, []));
    assert.equal((await edge.inFlight()).get('p1'), 1);
    assert.equal((await get(ground.port)).status, 503);
    for (const finish of held) finish();
    assert.equal((await late).body, 'late');
    await until('nothing in flight', async () => !(await edge.inFlight()).has('p1'));
  });

  test('a reused pid in a process file is never signalled', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    await edge.ensure();
    await edge.stop(100);
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    for (const name of ['keeper-1', 'slot-1-0', 'worker-1-0']) {
      writeFileSync(join(ground.folder, name), `${process.pid} 12345 ${boot}\n127.0.0.1:${ground.port}\n`);
    }
    await assert.rejects(edge.status());
    await edge.stop(0);
    await edge.ensure();
    assert.equal(keepersOf(ground.folder).length, 3);
  });
});
