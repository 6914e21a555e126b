import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EdgeGround, get, startBackend, startProgram, tableTo, workersOf } from './edge-fixture.ts';
import { until } from '../patience.ts';

const nobody = { uid: 65534, gid: 65534 };
const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const daemon = fileURLToPath(import.meta.resolve('./edge-daemon.ts'));

describe('the user of the workers', { skip: needsRoot }, () => {
  test('workers run as their own user, without capabilities and with no way back', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    ground.open();
    const edge = ground.edge({ account: nobody });
    const { workers } = await edge.ensure();
    assert.deepEqual(ground.notes, []);
    for (const { pid } of workers) {
      const facts = readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(facts, /^Uid:\t65534\t65534\t65534\t65534$/m);
      assert.match(facts, /^Gid:\t65534\t65534\t65534\t65534$/m);
      assert.match(facts, /^Groups:\s*$/m);
      assert.match(facts, /^NoNewPrivs:\t1$/m);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        assert.match(facts, new RegExp(`^${set}:\\t0+$`, 'm'));
      }
    }
    await edge.apply(tableTo(1, [backend.port]));
    assert.equal((await get(ground.port)).body, 'ok');
    // Killed and started again by the keeper, they read the table that root wrote.
    for (const { pid } of workers) process.kill(pid, 'SIGKILL');
    await until('new workers with the table', async () => {
      const now = await workersOf(edge);
      return (
        now.length === 2 && now.every(({ version, pid }) => version === 1 && !workers.some((old) => old.pid === pid))
      );
    });
    const adopted = await ground.edge({ account: nobody }).ensure();
    assert.equal(adopted.workers.length, 2);
    assert.deepEqual(ground.notes, []);
  });

  test('nobody else can look into the folder or speak to a worker', async () => {
    await using ground = await EdgeGround.make();
    ground.open();
    await ground.edge({ account: nobody }).ensure();
    const top = statSync(ground.folder);
    assert.deepEqual([top.uid, top.gid, top.mode & 0o777], [0, nobody.gid, 0o750]);
    const control = statSync(join(ground.folder, 'control'));
    assert.deepEqual([control.uid, control.mode & 0o777], [nobody.uid, 0o700]);
  });

  test('below a folder that their user cannot enter they run as the daemon, and it is noted', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge({ account: nobody });
    const { workers } = await edge.ensure();
    assert.ok(ground.notes.some((note) => note.includes('65534')));
    assert.match(readFileSync(`/proc/${workers[0]?.pid}/status`, 'utf8'), /^Uid:\t0\t/m);
    const again = await ground.edge({ account: nobody }).ensure();
    assert.deepEqual(
      again.workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
  });

  test('a daemon without root runs the whole edge as its own user', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    ground.open();
    const home = join(ground.root, 'home');
    mkdirSync(home);
    chownSync(home, nobody.uid, nobody.gid);
    chmodSync(home, 0o700);
    const folder = join(home, 'edge');
    const asNobody = ['setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups', '--'];
    const table = JSON.stringify(tableTo(3, [backend.port]));
    const program = await startProgram(
      [daemon, folder, String(ground.port), String(ground.httpsPort), table],
      asNobody,
    );
    try {
      const { workers } = JSON.parse(program.line) as { workers: { pid: number; version: number }[] };
      assert.equal(workers.length, 2);
      assert.match(readFileSync(`/proc/${workers[0]?.pid}/status`, 'utf8'), /^Uid:\t65534\t/m);
      assert.equal((await get(ground.port)).body, 'ok');
    } finally {
      await program.kill();
      await ground.edge({ folder }).stop(0);
    }
  });
});
