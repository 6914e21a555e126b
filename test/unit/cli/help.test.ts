import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { allCommands } from '../../../src/cli/command-list.ts';
import { commandTree } from '../../../src/cli/completion/tree.ts';
import { parse } from '../../../src/cli/parse.ts';
import { findCommand } from '../../../src/cli/words.ts';
import { cliDocs } from '../../../scripts/write-cli-docs.ts';
import { serve } from '../api/serving.ts';
import { run } from './running.ts';

describe('help', () => {
  test('names every command, in its overview and for programs', async () => {
    const { code, out } = await run(['help']);
    assert.equal(code, 0);
    for (const { name, summary } of allCommands) assert.ok(out.includes(`  ${name} `) && out.includes(summary), name);
    const { commands } = JSON.parse((await run(['help', '--json'])).out) as { commands: { name: string }[] };
    assert.deepEqual(
      commands.map(({ name }) => name),
      allCommands.map(({ name }) => name),
    );
    for (const line of [[], ['--help'], ['-h']]) assert.deepEqual(await run(line), { code: 0, out, err: '' });
  });

  test('explains every command, with examples that are command lines of it', async () => {
    for (const { name, load, summary } of allCommands) {
      const words = name.split(' ');
      const explained = await run(['help', ...words]);
      assert.equal(explained.code, 0, name);
      assert.ok(explained.out.includes(summary) && explained.out.includes(`Usage: kapal ${name}`), name);
      assert.deepEqual(await run([...words, '--help']), explained);
      const command = await load();
      assert.ok(command.examples.length > 0, name);
      for (const [line] of command.examples) {
        // What a shell would leave of it.
        const argv = line.replace(/ [<>|].*$/, '').split(' ');
        const found = findCommand(argv);
        assert.ok(found.kind === 'command' && found.command.name === name, line);
        assert.notEqual(parse(name, command, found.rest), 'help', line);
      }
    }
  });

  test('of a group lists its words', async () => {
    const { code, out } = await run(['help', 'env']);
    assert.equal(code, 0);
    assert.match(out, /^kapal env list .*\nkapal env set .*\nkapal env unset .*\n$/);
    assert.deepEqual((await run(['env', '--help'])).out, out);
  });

  test('--version is the version alone', async () => {
    assert.deepEqual(await run(['--version']), { code: 0, out: '0.1.0\n', err: '' });
    assert.deepEqual(await run(['-V', '--json']), { code: 0, out: '{"version":"0.1.0"}\n', err: '' });
  });
});

test('every command takes the options of all', async () => {
  for (const { name, load } of allCommands) {
    const command = await load();
    const operands = command.operands.filter(({ required }) => required).map(() => 'x=1');
    const parsed = parse(name, command, ['--project', 'p', ...operands, '-e', 'staging', '--data', '/d', '--json']);
    assert.ok(parsed !== 'help');
    assert.deepEqual(
      [
        parsed.flags.text('project'),
        parsed.flags.text('environment'),
        parsed.flags.text('data'),
        parsed.flags.has('json'),
      ],
      ['p', 'staging', '/d', true],
      name,
    );
    assert.deepEqual(parsed.operands, operands, name);
  }
});

describe('completion', () => {
  const present = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    test(`the script for ${shell} names every command and option${present(shell) ? `, and ${shell} can read it` : ''}`, async () => {
      const { code, out } = await run(['completion', shell]);
      assert.equal(code, 0);
      for (const { name, options } of await commandTree()) {
        assert.ok(out.includes(name.split(' ').at(-1) ?? name), name);
        for (const { names } of options)
          for (const option of names) assert.ok(out.includes(option.replace(/^-+/, '')), `${name} ${option}`);
      }
      if (!present(shell)) return;
      const checked = spawnSync(shell, ['-n'], { input: out });
      assert.deepEqual([checked.status, checked.stderr.toString()], [0, '']);
    });
  }

  test('bash completes commands, words of groups, options, shells and services', {
    skip: !present('bash'),
  }, async () => {
    await using served = await serve();
    const folder = await mkdtemp(join(tmpdir(), 'kapal-complete-'));
    try {
      const { out } = await run(['completion', 'bash']);
      // Stands for the program on the PATH, which the script asks for services.
      const services = (await run(['ps', '--json'], { env: { KAPAL_DATA: served.data } })).out;
      await writeFile(
        join(folder, 'kapal'),
        `#!/bin/sh\n[ "$*" = 'ps --json' ] && printf '%s' '${services.trimEnd()}'\n`,
        { mode: 0o755 },
      );
      await writeFile(join(folder, 'script'), out);
      const complete = (...words: string[]) => {
        const list = words.map((word) => `'${word}'`).join(' ');
        const text = `source '${folder}/script'; COMP_WORDS=(kapal ${list}); COMP_CWORD=${words.length}; _kapal; printf '%s\\n' "\${COMPREPLY[@]}"`;
        const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', text], {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: { PATH: `${folder}:${process.env['PATH']}` },
        });
        assert.equal(stderr.toString(), '');
        return stdout.toString().trim().split('\n');
      };
      assert.deepEqual(complete('de'), ['demo', 'detect', 'deploy']);
      assert.deepEqual(complete('env', ''), ['list', 'set', 'unset']);
      assert.deepEqual(complete('-e', 'staging', 'domain', 'a'), ['add']);
      assert.deepEqual(complete('deploy', '--se'), ['--service']);
      assert.deepEqual(complete('logs', ''), ['api']);
      assert.deepEqual(complete('env', 'set', ''), ['api']);
      assert.deepEqual(complete('deploy', '--service', 'a'), ['api']);
      assert.deepEqual(complete('completion', 'z'), ['zsh']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('docs/cli.md is what the commands say', async () => {
  const written = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  assert.equal(written, await cliDocs(), 'run: scripts/node24 scripts/write-cli-docs.ts');
});
