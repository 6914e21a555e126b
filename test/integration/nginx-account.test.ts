import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, startBackend, tableTo } from './edge-fixture.ts';
import { makeCertificate } from './nginx-certificates.ts';
import { complaintsOf, masterPid, NginxGround } from './nginx-ground.ts';

const nobody = { uid: 65534, gid: 65534 };
const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const suite = fileURLToPath(import.meta.resolve('../conformance/edge-nginx.test.ts'));

describe('the user of the nginx workers', { skip: needsRoot }, () => {
  test('workers run as their own user, with no way back; the master alone keeps what it needs', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    ground.open();
    const edge = ground.edge({ account: nobody });
    const { workers } = await edge.ensure();
    assert.deepEqual(ground.notes, []);
    for (const { pid } of workers) {
      const facts = readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(facts, /^Uid:\t65534\t65534\t65534\t65534$/m);
      assert.match(facts, /^Gid:\t65534\t65534\t65534\t65534$/m);
      assert.match(facts, /^NoNewPrivs:\t1$/m);
      assert.match(facts, /^CapEff:\t0+$/m);
      assert.match(facts, /^CapPrm:\t0+$/m);
    }
    assert.match(readFileSync(`/proc/${masterPid(ground.folder)}/status`, 'utf8'), /^NoNewPrivs:\t1$/m);
    await edge.apply(tableTo(1, [backend.port]));
    assert.equal((await get(ground.port)).body, 'ok');
    await edge.stop(1000);
    assert.deepEqual(complaintsOf(ground.folder), []);
  });

  test('keys, tables and the control socket are the daemon’s alone', async () => {
    await using ground = await NginxGround.make();
    ground.open();
    const edge = ground.edge({ account: nobody });
    await edge.ensure();
    await edge.apply(tableTo(1, []));
    await edge.present([await makeCertificate(['a.localhost'])]);
    const modes = Object.fromEntries(
      ['.', 'control', 'certificates', 'state.json', 'certificates.json', 'certificates/placeholder.key', 'log'].map(
        (name) => {
          const { uid, gid, mode } = statSync(join(ground.folder, name));
          return [name, [uid, gid, (mode & 0o777).toString(8)]];
        },
      ),
    );
    assert.deepEqual(modes, {
      '.': [0, 65534, '750'],
      control: [0, 0, '700'],
      certificates: [0, 0, '700'],
      'state.json': [0, 0, '600'],
      'certificates.json': [0, 0, '600'],
      'certificates/placeholder.key': [0, 0, '600'],
      log: [0, 65534, '750'],
    });
  });

  test('below a folder that their user cannot enter they run as the daemon, and it is noted', async () => {
    await using ground = await NginxGround.make();
    const { workers } = await ground.edge({ account: nobody }).ensure();
    assert.ok(ground.notes.some((note) => note.includes('65534')));
    assert.match(readFileSync(`/proc/${workers[0]?.pid}/status`, 'utf8'), /^Uid:\t0\t/m);
    const again = await ground.edge({ account: nobody }).ensure();
    assert.deepEqual(
      again.workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
  });

  test('without root the same suite passes', async () => {
    const home = mkdtempSync(join(tmpdir(), 'kapal-nginx-home-'));
    chownSync(home, nobody.uid, nobody.gid);
    mkdirSync(join(home, 'tmp'));
    chownSync(join(home, 'tmp'), nobody.uid, nobody.gid);
    const user = [`--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups', '--'];
    const child = spawn(
      'setpriv',
      [...user, process.execPath, '--disable-warning=ExperimentalWarning', '--test', suite],
      {
        cwd: '/',
        env: { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: join(home, 'tmp') },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let said = '';
    child.stdout.on('data', (part: Buffer) => (said += part.toString()));
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0, said);
      assert.match(said, /pass [1-9]/);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
