import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { environmentScript } from '../../src/runtime/process/environment-script.ts';
import { ProcessSubject } from '../conformance/runtime-process.ts';
import { until } from '../patience.ts';

/** What a shell between keeper and program could trip over. */
const hostile: Readonly<Record<string, string>> = {
  NEWLINES: 'one\ntwo\n\n',
  QUOTES: `'"\`'''\\' "x" $'y'`,
  SUBSTITUTION: '$(touch /tmp/kapal-owned) `id` ${HOME} $((1+1)) ~ *',
  BACKSLASHES: '\\n \\\\ \\',
  EMPTY: '',
  SPACES: '  leading and trailing  ',
  EVERY_ASCII: Array.from({ length: 127 }, (_, code) => String.fromCharCode(code + 1)).join(''),
  // Its bytes in UTF-8 are 0x81 to 0x88 and 0xff-like ones, which dash uses as marks inside words.
  HIGH: 'ÁÂÃÄÅÆÇÈ \u{10ffff} \u2028 船',
  LD_LIBRARY_PATH: '/nowhere',
  ENV: '/nowhere/env.sh',
  BASH_ENV: '/nowhere/bash.sh',
  CDPATH: '/nowhere',
  PS4: '$(id)',
  UID: '0',
  EUID: '0',
  KAPAL_SERVICE: 'api',
  LC_ALL: 'xx_XX.nonsense',
  run: '/nowhere',
  record: '/nowhere',
  command: 'false',
};

describe('the environment of a run', () => {
  test('arrives to the byte, and nothing else with it', async () => {
    await using subject = await ProcessSubject.make();
    const script = await subject.file('print.js', 'console.log(JSON.stringify(process.env))');
    const spec = await subject.shell(`exec node ${script}`, { environment: hostile });
    const handle = await subject.runtime.start(spec);
    await subject.ended(handle);
    const seen = JSON.parse(await readFile(handle.log, 'utf8')) as Record<string, string>;
    // A shell sets these by itself, whatever it is given.
    for (const own of ['PWD', 'SHLVL', '_', 'UID', 'EUID', 'OLDPWD', 'KAPAL_RUN']) delete seen[own];
    const { UID: _u, EUID: _e, ...expected } = spec.environment;
    assert.deepEqual(seen, expected);
  });

  test("acts on nothing before the program: PATH, IFS and LD_PRELOAD are the program's alone", async () => {
    await using subject = await ProcessSubject.make();
    const environment = { PATH: '/nowhere', IFS: '/', LD_PRELOAD: '/nowhere/evil.so', ENV: '/nowhere' };
    const spec = await subject.shell('echo started; while :; do /bin/sleep 1; done', { environment });
    const handle = await subject.runtime.start(spec);
    await until('it has started', async () => (await readFile(handle.log, 'utf8')).includes('started'));
    const folder = join(subject.options.folder, 'runs', handle.id);
    // ld.so complains on stderr of every program that it cannot preload into: here nothing that ran before the program has.
    assert.equal(await readFile(join(folder, 'refusal'), 'utf8'), '');
    assert.equal(await readFile(join(folder, 'keeper'), 'utf8'), '');
    const keeper = Number((await readFile(join(folder, 'claim'), 'utf8')).split(' ')[0]);
    const own = (await readFile(`/proc/${keeper}/environ`, 'utf8')).split('\0').filter((line) => line !== '');
    assert.deepEqual(
      own.map((line) => line.split('=')[0]).filter((name) => name !== 'PWD'),
      ['PATH'],
    );
    const seen = await subject.runtime.observe(handle);
    assert.ok(seen.phase === 'running');
    assert.match(await readFile(`/proc/${seen.pid}/environ`, 'utf8'), /LD_PRELOAD=\/nowhere\/evil\.so/);
  });

  test('is in no argv and no file', async () => {
    await using subject = await ProcessSubject.make();
    const secret = 'hunter2-correct-horse';
    const spec = await subject.shell('exec sleep 600', { environment: { SECRET: secret } });
    const seen = new Set<string>();
    let looking = true;
    const watching = (async () => {
      while (looking) {
        for (const line of commandLines()) seen.add(line);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const handle = await subject.runtime.start(spec);
    await until('it runs', async () => {
      const now = await subject.runtime.observe(handle);
      return now.phase === 'running' && readFileSync(`/proc/${now.pid}/comm`, 'utf8') === 'sleep\n';
    });
    looking = false;
    await watching;
    assert.ok([...seen].some((line) => line.includes('keeper.sh')));
    assert.ok([...seen].every((line) => !line.includes(secret)));
    for (const file of readdirSync(subject.options.folder, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) assert.ok(!readFileSync(join(file.parentPath, file.name), 'utf8').includes(secret), file.name);
    }
  });

  test('may be larger than a socket takes at once', async () => {
    await using subject = await ProcessSubject.make();
    const environment = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`BIG_${n}`, "'".repeat(40_000)]));
    const handle = await subject.runtime.start(await subject.shell('printf %s "$BIG_11" | wc -c', { environment }));
    await subject.ended(handle);
    assert.equal((await readFile(handle.log, 'utf8')).trim(), '40000');
  });

  for (const [what, environment] of [
    ['a name that no shell takes', { 'NOT A NAME': 'x' }],
    ['a NUL byte', { NUL: 'a\0b' }],
    ['a value longer than execve(2) takes', { LONG: 'x'.repeat(131_072) }],
  ] as const) {
    test(`${what} is refused before anything starts`, async () => {
      await using subject = await ProcessSubject.make();
      const spec = await subject.shell('true', { environment });
      await assert.rejects(
        subject.runtime.start(spec),
        (error) => error instanceof KapalError && error.code === 'runtime_failed',
      );
      assert.deepEqual(await subject.runtime.inventory(), []);
    });
  }

  test('that did not arrive whole starts nothing', async () => {
    const script = environmentScript({ BIG: 'x'.repeat(100_000) }, { mark: 'cut' });
    for (const length of [1, 100, 50_000, script.length - 10, script.length - 2]) {
      const input = script.slice(0, length);
      const ended = spawnSync('/bin/sh', ['-s', '--', '/', 'echo wrong'], { input, encoding: 'utf8' });
      assert.equal(ended.stdout, '', `${length} of ${script.length} characters`);
    }
  });

  test('a command may begin with a dash, and is the shell text that was declared', async () => {
    await using subject = await ProcessSubject.make();
    const handle = await subject.runtime.start(await subject.shell('-x 2>/dev/null; printf "%s|" "a  b" \'$HOME\''));
    await subject.ended(handle);
    assert.equal(await readFile(handle.log, 'utf8'), 'a  b|$HOME|');
  });
});

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    });
}
