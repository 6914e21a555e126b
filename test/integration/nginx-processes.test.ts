import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { locateNginx, usualPlaces } from '../../src/edge/nginx/locate.ts';
import { type Backend, get, Load, startBackend, startProgram, tableTo, workersOf } from './edge-fixture.ts';
import { freePort } from '../free-port.ts';
import { hang, until } from '../patience.ts';
import { complaintsOf, masterPid, NginxGround, processesIn } from './nginx-ground.ts';

const daemon = fileURLToPath(import.meta.resolve('./nginx-daemon.ts'));

interface Serving extends AsyncDisposable {
  readonly ground: NginxGround;
  readonly backend: Backend;
}

/** An edge's folder, and a backend that answers 200. */
async function serving(): Promise<Serving> {
  const ground = await NginxGround.make();
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

/** Lua libraries of which one does not load, as places for the engine to look. */
function brokenLibraries(ground: NginxGround): typeof usualPlaces {
  const folder = join(ground.root, 'broken');
  mkdirSync(join(folder, 'resty'), { recursive: true });
  writeFileSync(join(folder, 'resty', 'core.lua'), 'error("this library is broken")\n');
  writeFileSync(join(folder, 'resty', 'lrucache.lua'), 'return {}\n');
  return { ...usualPlaces, luaFolders: [folder] };
}

/** nginx, but for `-t`: that refuses everything. */
async function strictNginx(ground: NginxGround): Promise<typeof usualPlaces> {
  const found = await locateNginx();
  assert.ok(found.found);
  const path = join(ground.root, 'nginx');
  writeFileSync(
    path,
    `#!/bin/sh\ncase " $* " in *" -t "*) echo "[emerg] no" >&2; exit 1 ;; esac\nexec ${found.program} "$@"\n`,
  );
  chmodSync(path, 0o755);
  return { ...usualPlaces, programs: [path] };
}

describe('the processes of the nginx edge', () => {
  test('it outlives its daemon, and a new daemon adopts it', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const table = JSON.stringify(tableTo(2, [backend.port]));
    const program = await startProgram([daemon, ground.folder, String(ground.port), table]);
    const { workers } = JSON.parse(program.line) as { workers: { pid: number }[] };
    await program.kill();
    const load = new Load(ground.port);
    await load.answered(50);
    await load.stop();
    assert.deepEqual(load.failures, []);
    const adopted = await ground.edge({ https: null }).ensure();
    assert.deepEqual(
      adopted.workers.map(({ pid, version }) => ({ pid, version })),
      workers.map(({ pid }) => ({ pid, version: 2 })),
    );
  });

  test('a killed worker comes back by itself, with the table', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const victim = workers[0]?.pid ?? 0;
    process.kill(victim, 'SIGKILL');
    await until('two workers again', async () => {
      const now = await workersOf(edge);
      return now.length === 2 && !now.some(({ pid }) => pid === victim);
    });
    assert.equal((await get(ground.port)).body, 'ok');
    assert.deepEqual(new Set((await edge.status()).workers.map(({ version }) => version)), new Set([1]));
  });

  test('a killed master is noticed; meanwhile its workers serve, and the next one has the last table', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(4, [backend.port]));
    const master = masterPid(ground.folder);
    process.kill(master, 'SIGKILL');
    await until('the master to be gone', () => !processesIn(ground.folder).includes(master));
    assert.equal((await get(ground.port)).body, 'ok');
    const after = await edge.ensure();
    assert.notEqual(masterPid(ground.folder), master);
    assert.ok(!after.workers.some(({ pid }) => workers.some((worker) => worker.pid === pid)));
    assert.deepEqual(new Set(after.workers.map(({ version }) => version)), new Set([4]));
    assert.equal((await get(ground.port)).body, 'ok');
    await until('the orphans to end', () => processesIn(ground.folder).length === 3);
  });

  test('a worker that hangs while no master is there does not keep its socket', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const hung = workers[0]?.pid ?? 0;
    process.kill(hung, 'SIGSTOP');
    process.kill(masterPid(ground.folder), 'SIGKILL');
    await until('the master to be gone', () => !processesIn(ground.folder).includes(masterPid(ground.folder)));
    await edge.ensure();
    await until('the hung one to be gone', () => !processesIn(ground.folder).includes(hung));
    const load = new Load(ground.port);
    await load.answered(50);
    await load.stop();
    assert.deepEqual(load.failures, []);
  });

  test('a worker that hangs while the daemon is dead is killed by another', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const hung = workers[0]?.pid ?? 0;
    process.kill(hung, 'SIGSTOP');
    await until('the hung one to be gone', () => !processesIn(ground.folder).includes(hung));
    await until('another in its place', () => processesIn(ground.folder).length === 3);
    assert.ok(complaintsOf(ground.folder).some((line) => line.includes(`worker ${hung} has not moved`)));
  });

  test('a hung worker is killed and replaced', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const hung = workers[0]?.pid ?? 0;
    process.kill(hung, 'SIGSTOP');
    await until('two workers without the hung one', async () => {
      const now = (await edge.ensure()).workers;
      return now.length === 2 && !now.some(({ pid }) => pid === hung);
    });
    assert.ok(ground.notes.some((note) => note.includes(String(hung))));
    const load = new Load(ground.port);
    await load.answered(20);
    await load.stop();
    assert.deepEqual(load.failures, []);
  });

  test('with all its processes killed it is back with the last table', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(3, [backend.port]));
    for (const pid of processesIn(ground.folder)) process.kill(pid, 'SIGKILL');
    await until('the edge to be gone', () => processesIn(ground.folder).length === 0);
    await assert.rejects(edge.status(), { code: 'edge_failed' });
    await edge.ensure();
    assert.equal((await get(ground.port)).body, 'ok');
  });

  test('another number of workers is taken over without a refused or broken request', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const first = ground.edge({ workers: 1 });
    await first.ensure();
    await first.apply(tableTo(1, [backend.port]));
    const master = masterPid(ground.folder);
    const load = new Load(ground.port, 6);
    await load.answered(50);
    const last = await ground.edge({ workers: 2 }).ensure();
    await load.answered(100);
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.equal(last.workers.length, 2);
    assert.deepEqual(new Set(last.workers.map(({ version }) => version)), new Set([1]));
    assert.equal(masterPid(ground.folder), master);
  });

  test('another address is moved to, and a free port is kept', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const any = { http: { host: '127.0.0.1', port: 0 }, https: null };
    const edge = ground.edge(any);
    const { addresses } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    assert.equal(addresses.https, null);
    const port = Number(addresses.http.split(':')[1]);
    assert.equal((await get(port)).body, 'ok');
    assert.deepEqual((await ground.edge(any).ensure()).addresses, addresses);
    const moved = await ground.edge().ensure();
    assert.equal(moved.addresses.http, `127.0.0.1:${ground.port}`);
    assert.equal((await get(ground.port)).body, 'ok');
    await assert.rejects(get(port), { code: 'ECONNREFUSED' });
  });

  test('a configuration that nginx refuses is not swapped in', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const before = readFileSync(join(ground.folder, 'nginx.conf'), 'utf8');
    const strict = { places: await strictNginx(ground), workers: 1 };
    assert.equal((await ground.edge(strict).ensure()).workers.length, 2);
    assert.ok(
      ground.notes.some((note) => note.includes('serves on') && note.includes('[emerg] no')),
      ground.notes.join(),
    );
    assert.deepEqual(await ground.edge(strict).check(tableTo(2, [backend.port])), ['[emerg] no']);
    assert.equal(readFileSync(join(ground.folder, 'nginx.conf'), 'utf8'), before);
    assert.equal((await get(ground.port)).body, 'ok');
    const after = await edge.ensure();
    assert.deepEqual(
      after.workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
  });

  test('a configuration that does not come to serve is taken back', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const before = readFileSync(join(ground.folder, 'nginx.conf'), 'utf8');
    await ground.edge({ places: brokenLibraries(ground) }).ensure();
    assert.ok(ground.notes.some((note) => note.includes('serves on') && note.includes('this library is broken')));
    // Elsewhere than what runs it has nothing to go on with.
    const elsewhere = { places: brokenLibraries(ground), http: { host: '127.0.0.1', port: await freePort() } };
    await assert.rejects(ground.edge(elsewhere).ensure(), { code: 'edge_failed' });
    assert.equal(readFileSync(join(ground.folder, 'nginx.conf'), 'utf8'), before);
    assert.equal((await get(ground.port)).body, 'ok');
    assert.equal((await edge.ensure()).workers.length, 2);
  });

  test('a port that another program holds is named with its holder', async () => {
    await using ground = await NginxGround.make();
    const holder = createServer();
    holder.listen(ground.port, '127.0.0.1');
    await once(holder, 'listening');
    try {
      await assert.rejects(ground.edge().ensure(), (error: { code?: string; message?: string }) => {
        assert.equal(error.code, 'port_taken');
        assert.match(error.message ?? '', new RegExp(`pid ${process.pid}`));
        return true;
      });
    } finally {
      holder.close();
      await once(holder, 'close');
    }
    assert.deepEqual(processesIn(ground.folder), []);
    await ground.edge().ensure();
  });

  test('two of them and a foreign nginx live side by side, and cannot take a port from each other', async () => {
    await using one = await serving();
    await using two = await serving();
    await using foreign = await serving();
    await foreign.ground.edge().ensure();
    const edges = [one, two].map(({ ground }) => ground.edge());
    for (const edge of edges) await edge.ensure();
    await edges[0]?.apply(tableTo(1, [one.backend.port]));
    await edges[1]?.apply(tableTo(1, []));
    assert.equal((await get(one.ground.port)).status, 200);
    assert.equal((await get(two.ground.port)).status, 503);
    const thief = two.ground.edge({ http: one.ground.options.http });
    await assert.rejects(thief.ensure(), { code: 'port_taken' });
    await edges[1]?.stop(1000);
    assert.equal((await get(one.ground.port)).status, 200);
    assert.equal((await get(foreign.ground.port)).status, 404);
  });

  test('stop waits for what is under way, and no longer than its grace', async () => {
    await using ground = await NginxGround.make();
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
    assert.deepEqual(processesIn(ground.folder), []);
  });

  test('logs that have grown are set aside, and nginx writes on in new ones', async () => {
    await using front = await serving();
    const { ground, backend } = front;
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const log = join(ground.folder, 'log', 'access.log');
    truncateSync(log, 33 << 20);
    await edge.ensure();
    assert.equal(statSync(`${log}.1`).size >= 33 << 20, true);
    await get(ground.port, '/after');
    await until('a line in the new log', () => existsSync(log) && readFileSync(log, 'utf8').includes('/after'));
  });

  test('nothing that it logs at its start and end is a complaint', async () => {
    await using ground = await NginxGround.make();
    const edge = ground.edge();
    await edge.ensure();
    await edge.stop(1000);
    assert.deepEqual(complaintsOf(ground.folder), []);
  });
});
