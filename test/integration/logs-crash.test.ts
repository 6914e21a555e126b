import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Logs, until } from './logs-fixture.ts';

const source = join(import.meta.dirname, '..', '..', 'src', 'observe', 'logs', 'store.ts');

/** A daemon of its own that drains the files named and is killed at any moment. */
const daemon = `
  import { openLogStore } from '${source}';
  const [path, ...files] = process.argv.slice(1);
  const store = await openLogStore({ path, quotaBytes: 2 ** 30 });
  for (const file of files) {
    await store.attach({ path: file, run: file.split('/').at(-1).slice(0, -4), service: 'shop/production/api', kind: 'app', instance: null, release: 1, masks: ['hidden-value'] });
  }
  console.log('attached');`;

describe('kill -9', () => {
  test('of the daemon at random moments under load: every line once, in order, masked', async () => {
    await using logs = await Logs.open();
    await logs.close();
    const runs = ['r1', 'r2', 'r3'];
    const files = runs.map((run) => join(logs.folder, `${run}.log`));
    let count = 0;
    const writer = setInterval(() => {
      const lines = Array.from({ length: 100 }, () => `${count++} hidden-value ${'x'.repeat(count % 300)}`);
      // Writes end anywhere in a line.
      const text = `${lines.join('\n')}\n`;
      const middle = (count * 7919) % text.length;
      for (const file of files) {
        appendFileSync(file, text.slice(0, middle));
        appendFileSync(file, text.slice(middle));
      }
    }, 4);
    for (let round = 0; round < 10; round += 1) {
      const arguments_ = [
        '--disable-warning=ExperimentalWarning',
        '--input-type=module',
        '-e',
        daemon,
        logs.path,
        ...files,
      ];
      const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
      const said: unknown[] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      assert.match(String(said[0]), /attached/);
      // Any moment of reading, storing and freeing will do: this is the fault, not a wait for something.
      await pause((round * 53) % 211);
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    clearInterval(writer);
    await logs.reopen({ quotaBytes: 2 ** 30 });
    for (const run of runs) {
      await logs.store.attach(logs.source({ run }));
      await logs.store.detach(run);
      const texts = await logs.texts({ run });
      assert.equal(texts.length, count);
      for (const [index, text] of texts.entries()) assert.ok(text.startsWith(`${index} `), `${text} at ${index}`);
    }
    assert.ok(count > 10_000, String(count));
  });

  test('what ends its worker is said, another takes over, and nothing of the files is lost', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'before\n');
    await logs.store.flush('r1');
    // Somebody looks at the database with a tool of his own and forgets the transaction that it began.
    const intruder = new DatabaseSync(logs.path);
    intruder.exec('BEGIN IMMEDIATE');
    logs.append('r1', 'meanwhile\n');
    await until(
      'the end of the worker',
      () => logs.warnings.join(),
      (said) => said.includes('is started again'),
    );
    const asked = logs.store.flush('r1');
    intruder.exec('ROLLBACK');
    intruder.close();
    await asked;
    logs.append('r1', 'after\n');
    await logs.store.detach('r1');
    assert.deepEqual(await logs.texts(), ['before', 'meanwhile', 'after']);
  });

  test('leaves no program behind', () => {
    const children = readdirSync(`/proc/${process.pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
    );
    assert.deepEqual(children, []);
  });
});
