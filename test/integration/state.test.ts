import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { acquireLock } from '../../src/state/lock.ts';
import { openStore } from '../../src/state/open.ts';
import { hang } from '../patience.ts';

const source = join(import.meta.dirname, '..', '..', 'src');

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'kapal-state-'));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A program of its own with the modules of the record; it is killed by the test. */
function program(text: string, args: readonly string[]): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const imports = `import { openStore } from '${source}/state/open.ts'; import { acquireLock } from '${source}/state/lock.ts';`;
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', imports + text, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

describe('the record over kill -9', () => {
  const writer = `
    const store = openStore(process.argv[1]);
    for (let n = Number(process.argv[2]); ; n += 1) {
      const event = store.transaction(() => {
        store.facts.set('n', String(n));
        return store.events.append({ time: n, kind: 'k', service: null, project: null, message: 'x'.repeat(n % 3000) });
      });
      process.stdout.write(event.sequence + '\\n');
    }`;

  test('every acknowledged row is there, in order, and the transaction around it is whole', async () => {
    using folder = new Folder();
    const path = join(folder.path, 'kapal.db');
    let acknowledged = 0;
    for (let round = 0; round < 8; round += 1) {
      const child = program(writer, [path, String(acknowledged + 1)]);
      const lines = createInterface({ input: child.stdout });
      const enough = acknowledged + 20 + round * 37;
      for await (const line of lines) {
        acknowledged = Number(line);
        if (acknowledged === enough) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const store = openStore(path);
      const rows = store.events.after(0, 1_000_000);
      store.close();
      assert.ok(rows.length >= acknowledged, `${rows.length} rows, ${acknowledged} acknowledged`);
      assert.deepEqual(
        rows.map((row) => row.sequence),
        rows.map((_, index) => index + 1),
      );
      acknowledged = rows.length;
      const again = openStore(path);
      assert.equal(again.facts.get('n'), String(rows.at(-1)?.time));
      again.close();
    }
    assert.ok(acknowledged > 500);
  });
});

describe('the lock of the data folder', () => {
  const holder = `const lock = acquireLock(process.argv[1]); console.log('held'); setInterval(() => lock, 1000);`;

  test('a second daemon is refused with the pid of the first, and kill -9 frees it', async () => {
    using folder = new Folder();
    const begun = Date.now();
    const child = program(holder, [folder.path]);
    await once(child.stdout, 'data');
    const refused = (error: unknown): boolean =>
      error instanceof KapalError && error.code === 'daemon_running' && error.message.includes(`process ${child.pid}`);
    assert.throws(() => acquireLock(folder.path), refused);
    const told = /process \d+, since (\S+Z) \((.+acquireLock.*)\)$/s;
    assert.throws(
      () => acquireLock(folder.path),
      (error: unknown) => {
        const [, since = ''] = told.exec(error instanceof Error ? error.message : '') ?? [];
        // It began within the life of this test, whatever the clock does to its last second.
        return Math.abs(Date.parse(since) - begun) < hang;
      },
    );
    // The refusal itself must not have loosened it.
    assert.throws(() => acquireLock(folder.path), refused);
    await killed(child);
    acquireLock(folder.path)[Symbol.dispose]();
  });

  test('it is released by its disposal, and held against the same process until then', () => {
    using folder = new Folder();
    {
      using _held = acquireLock(folder.path);
      assert.throws(() => acquireLock(folder.path), /already holds/);
    }
    using _again = acquireLock(folder.path);
  });

  test('of those that begin together exactly one holds it', async () => {
    using folder = new Folder();
    const racer = `
      try { acquireLock(process.argv[1]); console.log('held'); setInterval(() => {}, 1000); }
      catch (error) { console.log(error.code); }`;
    const racers = Array.from({ length: 4 }, () => program(racer, [folder.path]));
    const said = await Promise.all(racers.map(async (child) => String((await once(child.stdout, 'data'))[0]).trim()));
    await Promise.all(racers.map(async (child) => (child.exitCode === null ? await killed(child) : undefined)));
    assert.deepEqual(said.sort(), ['daemon_running', 'daemon_running', 'daemon_running', 'held']);
  });
});

describe('a full disk', () => {
  /** A file system of 2 MiB that exists only in the program's own mount namespace, so nothing is left behind. */
  const inNamespace = 'unshare';
  const namespace = process.getuid?.() === 0 ? ['-m'] : ['-Urm'];
  const possible = spawnSync(inNamespace, [...namespace, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

  test('is said as such, nothing is half written, and writing goes on when there is space', {
    skip: possible ? false : 'no private mounts here',
  }, () => {
    using folder = new Folder();
    const text = `
      import { openStore } from '${source}/state/open.ts';
      import { writeFileSync, unlinkSync } from 'node:fs';
      const folder = process.argv[1];
      writeFileSync(folder + '/ballast', Buffer.alloc(600_000));
      const store = openStore(folder + '/kapal.db');
      let n = 0, code = '';
      try {
        for (; n < 10_000; n += 1) store.transaction(() => { store.facts.set('n', String(n)); store.facts.set('f' + n, 'x'.repeat(1000)); });
      } catch (error) { code = error.code; }
      const left = [store.facts.get('n') === String(n - 1), store.facts.get('f' + n)];
      unlinkSync(folder + '/ballast');
      store.facts.set('after', 'yes');
      console.log(JSON.stringify({ code, left, after: store.facts.get('after') }));
      store.close();`;
    const script =
      'mount -t tmpfs -o size=2m none "$1" && exec "$2" --disable-warning=ExperimentalWarning --input-type=module -e "$3" "$1"';
    const run = spawnSync(inNamespace, [...namespace, 'sh', '-c', script, 'sh', folder.path, process.execPath, text], {
      encoding: 'utf8',
    });
    assert.deepEqual(
      [run.stderr, JSON.parse(run.stdout)],
      ['', { code: 'disk_full', left: [true, null], after: 'yes' }],
    );
  });
});
