import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { EventDocument, FailureDocument, LogDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { TestKapal, until } from './kapal.ts';
import { hang } from '../patience.ts';
import { assertEach, assertShape, count, moment, oneOf, orNull, text } from './shape.ts';

const run = promisify(execFile);

/** What a user reads: logs, events, the edge's configuration, what the doctor says. */
describe('reading', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    const service = {
      type: 'web',
      name: 'shop',
      runtime: 'node',
      startCommand: 'node server.js',
      buildCommand: 'echo built it',
      preDeployCommand: 'echo migrated it',
    };
    await kapal.deploy(
      await kapal.project('shop', {
        ...webApp('shop'),
        'kapal.yaml': JSON.stringify({ project: 'shop', services: [service] }),
      }),
    );
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const lines = (...words: readonly string[]) => kapal.json<readonly LogDocument[]>(['logs', 'shop', ...words]);
  const print = async (line: string) => {
    await kapal.visit('shop.localhost', `/print?line=${encodeURIComponent(line)}`);
    await until(`${line} is stored`, async () => (await lines('--grep', line)).length > 0);
  };

  test('logs hold what the build, preDeployCommand, the app and Kapal said, oldest first', async () => {
    await print('hello from a visitor');
    const found = await lines();
    assertEach(found, {
      sequence: count,
      time: moment,
      kind: oneOf('app', 'build', 'predeploy', 'kapal'),
      instance: orNull((value) => typeof value === 'string'),
      release: orNull(Number.isInteger),
      text: (value) => typeof value === 'string',
    });
    const by = (kind: string) => found.filter((line) => line.kind === kind).map((line) => line.text);
    assert.ok(by('build').includes('built it'), by('build').join('\n'));
    assert.deepEqual(by('predeploy'), ['migrated it']);
    assert.deepEqual(by('app'), ['listening for shop', 'hello from a visitor']);
    assert.ok(by('kapal').some((line) => /instance .* is ready/.test(line)));
    const sequences = found.map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      sequences.toSorted((a, b) => a - b),
    );
  });

  test('--grep, -n and --since choose among them', async () => {
    for (const word of ['red', 'green', 'blue']) await print(`colour ${word}`);
    assert.deepEqual(
      (await lines('--grep', 'colour (red|blue)')).map((line) => line.text),
      ['colour red', 'colour blue'],
    );
    assert.deepEqual(
      (await lines('-n', '2', '--grep', 'colour')).map((line) => line.text),
      ['colour green', 'colour blue'],
    );
    const [green] = await lines('--grep', 'colour green');
    const since = await lines('--since', green?.time ?? '', '--grep', 'colour');
    assert.deepEqual(
      since.map((line) => line.text),
      ['colour green', 'colour blue'],
    );
    assert.ok((await lines('--since', '10m')).length >= 8);
    const plain = await kapal.run('logs', 'shop', '-n', '1', '--grep', 'colour');
    assert.match(plain.stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ colour blue\n$/);
    for (const [words, code] of [
      [['--grep', '('], 2],
      [['--since', 'yesterday'], 2],
      [['-n', '0'], 2],
    ] as const) {
      assert.equal(
        (await kapal.json<FailureDocument>(['logs', 'shop', ...words], code)).error.code,
        'usage',
        words.join(' '),
      );
    }
  });

  test('logs -f goes on with what comes, and ends well on SIGINT', async () => {
    const { child, ran } = kapal.begin({}, 'logs', 'shop', '-f', '-n', '1', '--grep', 'tide|colour');
    let seen = '';
    child.stdout?.on('data', (part: string) => (seen += part));
    await until('what was there', async () => seen.includes('colour blue'));
    for (const word of ['rises', 'falls']) {
      await print(`tide ${word}`);
      await until(`the tide ${word}`, async () => seen.includes(`tide ${word}`));
    }
    await print('nothing to see');
    child.kill('SIGINT');
    const { code, stderr } = await ran;
    assert.equal(code, 130);
    assert.equal(stderr, '');
    assert.equal(seen.trim().split('\n').length, 3, seen);
  });

  test('logs -f into a reader that leaves ends with its next line', async () => {
    const cwd = new URL('../..', import.meta.url).pathname;
    const piped = run('sh', ['-c', `KAPAL_DATA='${kapal.data}' ./kapal logs shop -f -n 5 | head -1`], {
      cwd,
      timeout: hang,
    });
    let over = false;
    const ended = piped.then(({ stdout }) => {
      over = true;
      return stdout;
    });
    await until('it ends', async () => {
      await kapal.visit('shop.localhost', '/print?line=again');
      return over;
    });
    assert.equal((await ended).trim().split('\n').length, 1);
  });

  test('events tell what happened, in order, and -f goes on', async () => {
    const events = await kapal.json<readonly EventDocument[]>(['events']);
    assertEach(events, {
      sequence: count,
      time: moment,
      kind: text,
      project: orNull((value) => typeof value === 'string'),
      environment: orNull((value) => typeof value === 'string'),
      service: orNull((value) => typeof value === 'string'),
      message: text,
    });
    const kinds = events.map(({ kind }) => kind);
    assert.ok(kinds.indexOf('instance.ready') < kinds.indexOf('promote'));
    assert.ok(kinds.indexOf('promote') < kinds.indexOf('rollout.live'));
    const { child, ran } = kapal.begin({}, 'events', '-f', '-n', '1');
    let seen = '';
    child.stdout?.on('data', (part: string) => (seen += part));
    await until('it follows', async () => seen !== '');
    await kapal.json(['restart', 'shop']);
    await until('the restart is seen', async () => /release 2 is live/.test(seen));
    child.kill('SIGINT');
    assert.equal((await ran).code, 130);
  });

  test('open prints the URL', async () => {
    const url = `http://shop.localhost:${kapal.http}`;
    assert.equal((await kapal.run('open', 'shop')).stdout, `${url}\n`);
    assert.deepEqual(await kapal.json(['open', 'shop']), { service: 'shop', url });
  });

  test('edge config names each host with its endpoints; edge check finds it sound', async () => {
    const { stdout } = await kapal.run('edge', 'config');
    const address = (await kapal.service('shop')).instances[0]?.address ?? '';
    assert.ok(stdout.includes('shop.localhost') && stdout.includes(address), stdout);
    assert.deepEqual(await kapal.json(['edge', 'check']), { problems: [] });
  });

  test('doctor finds nothing that fails; without a daemon it says so', async () => {
    const report = await kapal.json<{ ok: boolean; checks: readonly object[] }>(['doctor']);
    assert.equal(report.ok, true);
    for (const check of report.checks)
      assertShape(check, {
        name: text,
        result: oneOf('ok', 'warn'),
        detail: text,
        todo: orNull((value) => typeof value === 'string'),
      });
    const alone = await kapal.runWith({ env: { KAPAL_DATA: join(kapal.folder, 'none') } }, 'doctor');
    assert.match(alone.stdout, /daemon/);
    assert.match(alone.stdout, /kapal up/);
  });

  for (const [shell, check] of [
    ['bash', ['bash', '-n']],
    ['zsh', null],
    ['fish', null],
  ] as const) {
    test(`completion ${shell}`, async () => {
      const { stdout, code } = await kapal.run('completion', shell);
      assert.equal(code, 0);
      for (const word of ['deploy', 'rollback', 'domain']) assert.ok(stdout.includes(word));
      const file = join(kapal.folder, `completion.${shell}`);
      await writeFile(file, stdout);
      if (check !== null) await run(check[0], [...check.slice(1), file]);
    });
  }

  test('completion in bash offers commands, options and the names of services', async () => {
    const file = join(kapal.folder, 'completion.bash');
    const offered = async (...words: readonly string[]) => {
      const list = words.map((word) => `'${word}'`).join(' ');
      const script = `source '${file}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; COMP_LINE='${words.join(' ')}'; COMP_POINT=\${#COMP_LINE}; f=$(complete -p kapal | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $f kapal '${words.at(-1) ?? ''}' '${words.at(-2) ?? ''}'; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = {
        ...process.env,
        KAPAL_DATA: kapal.data,
        PATH: `${new URL('../..', import.meta.url).pathname}:${process.env['PATH'] ?? ''}`,
      };
      return (await run('bash', ['-c', script], { env })).stdout.split('\n').map((word) => word.trim());
    };
    assert.ok((await offered('kapal', 'dep')).includes('deploy'));
    assert.ok((await offered('kapal', 'deploy', '--br')).includes('--branch'));
    assert.ok((await offered('kapal', 'logs', 'sh')).includes('shop'));
  });
});
