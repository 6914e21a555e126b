import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { buildScript } from '../../../src/build/script.ts';

function run(script: string, cwd = tmpdir()) {
  const { status, signal, stdout, stderr } = spawnSync('sh', ['-c', script], {
    cwd,
    encoding: 'utf8',
    input: 'stdin of the keeper\n',
  });
  return { status, signal, stdout, stderr };
}

const step = (command: string, title = 'step') => ({ title, command });

describe('the script of a build', () => {
  test('runs the steps in order, each under its title', () => {
    const { status, stdout } = run(buildScript([step('echo one', 'First'), step('echo two', 'Second')]));
    assert.deepEqual([status, stdout], [0, '==> First\none\n==> Second\ntwo\n']);
  });

  test('does nothing without steps', () => assert.deepEqual(run(buildScript([])).status, 0));

  test('ends at the first failure with its exit code', () => {
    for (const [command, status] of [
      ['exit 7', 7],
      ['false', 1],
      ['kill -9 $$', 137],
      ['no-such-program-here', 127],
      ['set -e; false; true', 1],
    ] as const) {
      const result = run(buildScript([step('echo before'), step(command), step('echo after')]));
      assert.equal(result.status, status, command);
      assert.ok(result.stdout.includes('before') && !result.stdout.includes('after'), command);
    }
  });

  test('keeps what is wrong with one step in that step', () => {
    for (const command of [
      "echo 'open",
      'echo "open',
      'echo `open',
      'if true',
      'fi',
      ')',
      '}',
      'cat <<EOF\nopen',
      'echo $(',
      '# only a comment',
      "'",
      '\\',
    ]) {
      const { stdout, status } = run(buildScript([step('echo before'), step(command), step('echo after')]));
      assert.equal(stdout.includes('==> step\nafter\n'), status === 0, command);
      assert.match(stdout, /^==> step\nbefore\n==> step\n/, command);
    }
  });

  test('begins every step in the working folder with nothing on stdin', (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kapal-test-script-')));
    t.after(() => rmSync(folder, { recursive: true }));
    const { stdout } = run(
      buildScript([step('cd /; export LEFT=behind; cat'), step('pwd; echo "[$LEFT]"; cat')]),
      folder,
    );
    assert.equal(stdout, `==> step\n==> step\n${folder}\n[]\n`);
  });

  test('hands any text to its own shell, letter by letter', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom("'", '"', '\\', '$', '`', '\n', '-', '#', ';', '&', '!', '%', '*', ' '),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(
        text.filter((one) => !one.includes('\0') && one.isWellFormed()),
        (any) => {
          // `$1` of a function cannot show it; a here-document with a quoted end can: the step prints its own text.
          const command = `cat <<'END_OF_${'X'.repeat(8)}'\n${any}\nEND_OF_${'X'.repeat(8)}`;
          const { status, stdout } = run(buildScript([step(command), step('echo after')]));
          assert.deepEqual([status, stdout], [0, `==> step\n${any}\n==> step\nafter\n`]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('never runs a title', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((one) => one.isWellFormed()),
        (title) => {
          const { status, stdout } = run(buildScript([step('true', title)]));
          assert.equal(status, 0);
          assert.equal(stdout, `==> ${title.replace(/\p{Cc}+/gu, ' ')}\n`);
        },
      ),
      { numRuns: 100, examples: [['$(echo owned)'], ["'; echo owned; '"], ['%s%n'], ['-n'], ['\u0000\n']] },
    );
  });

  test('takes a command that looks like an option as a command', () => {
    assert.equal(run(buildScript([step('-x')])).status, 127);
  });
});
