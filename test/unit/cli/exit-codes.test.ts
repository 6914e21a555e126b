import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { KapalError } from '../../../src/model/errors.ts';
import { serve, token } from '../api/serving.ts';
import { run } from './running.ts';

interface Failed {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null };
}

describe('wrong usage is exit code 2, with what was meant', () => {
  const cases: readonly [line: string, says: RegExp, hint: RegExp][] = [
    ['dploy', /no command dploy/, /Did you mean deploy\?/],
    ['zzzzz', /no command zzzzz/, /kapal help/],
    ['env', /kapal env needs a second word/, /kapal env list, kapal env set, kapal env unset/],
    ['env sett api A=b', /no command env sett/, /Did you mean env set\?/],
    ['--jsn ps', /unknown option '--jsn'/, /Did you mean --json\?/],
    ['deploy --brnch main', /unknown option '--brnch'/, /Did you mean --branch\?/],
    ['--frob', /unknown option --frob, and no command/, /kapal help/],
    ['logs', /missing required argument 'service'/, /kapal help logs/],
    ['logs api --since', /'--since <moment>' argument missing/, /kapal help logs/],
    ['logs api --since yesterday', /--since yesterday: expected a duration such as 30s/, /^/],
    ['logs api -n 0', /--lines 0: expected a whole number from 1 to 10000/, /^/],
    ['logs api extra', /too many arguments/, /kapal help logs/],
    ['scale api', /"api": expected SERVICE=N/, /^/],
    ['scale api=-1', /"api=-1": expected SERVICE=N/, /^/],
    ['rollback api newest', /"newest" is no number of a release/, /kapal releases/],
    [
      'project remove shop',
      /deletes every service, release, variable and log of shop/,
      /kapal project remove shop --yes/,
    ],
    ['env set api FOO', /expected KEY=VALUE/, /kapal help env set/],
    ['completion tcsh', /no completion for tcsh/, /bash, zsh, fish/],
    ['up --http here', /--http here: expected a port or an address/, /^/],
    ['up --api 1.2.3.4:70000', /--api 1\.2\.3\.4:70000: expected a port/, /^/],
    ['up --edge apache', /--edge apache: expected auto or embedded/, /^/],
    ['up --domain Not_A_Host', /--domain Not_A_Host: expected a host name/, /^/],
    ['deploy ./not-there', /"\.\/not-there" is not there/, /Name a folder/],
    ['help dploy', /no command dploy/, /Did you mean deploy\?/],
  ];
  for (const [line, says, hint] of cases) {
    test(`kapal ${line}`, async () => {
      const plain = await run(line.split(' '), { cwd: tmpdir() });
      assert.equal(plain.code, 2, plain.err);
      assert.equal(plain.out, '');
      assert.match(plain.err, /^error: .* \((?:usage)\)\n/);
      assert.match(plain.err, says);
      const asJson = await run([...line.split(' '), '--json'], { cwd: tmpdir() });
      assert.equal(asJson.code, 2);
      const { error } = JSON.parse(asJson.out) as Failed;
      assert.equal(error.code, 'usage');
      if (!line.endsWith('--since')) assert.match(error.hint ?? '', hint);
      assert.equal(asJson.err, '');
    });
  }
});

describe('what a later version brings is refused by name, with exit code 2', () => {
  for (const line of ['db', 'db create main', 'metrics', 'up --runtime swarm']) {
    test(`kapal ${line}`, async () => {
      const { code, out, err } = await run(line.split(' '));
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.match(err, /comes with a later version \(not_supported\)/);
    });
  }
});

describe('the daemon', () => {
  test('none is exit code 3, and the way to start it', async () => {
    const data = await mkdtemp(join(tmpdir(), 'kapal-none-'));
    try {
      const { code, err, out } = await run(['ps', '--data', data]);
      assert.deepEqual([code, out], [3, '']);
      assert.ok(err.includes(`no daemon answers for the data folder ${data} (no_daemon)`), err);
      assert.ok(err.includes(`kapal up --data ${data}`), err);
    } finally {
      await rm(data, { recursive: true });
    }
  });

  test('one that was killed is none', async () => {
    await using served = await serve();
    await served.close();
    const { code, out } = await run(['ps', '--json'], { env: { KAPAL_DATA: served.data } });
    assert.equal(code, 3);
    assert.equal((JSON.parse(out) as Failed).error.code, 'no_daemon');
  });

  test('is reached over TCP with the token, and not without', async () => {
    await using served = await serve();
    const env = { KAPAL_API: served.url };
    assert.equal((await run(['ps'], { env: { ...env, KAPAL_TOKEN: token } })).code, 0);
    const wrong = await run(['ps'], { env: { ...env, KAPAL_TOKEN: 'wrong' } });
    assert.equal(wrong.code, 4);
    assert.match(wrong.err, /no valid token \(unauthorized\)/);
    const none = await run(['ps'], { env });
    assert.equal(none.code, 4);
    assert.match(none.err, /KAPAL_API is set, and KAPAL_TOKEN is not/);
    assert.equal((await run(['ps'], { env: { KAPAL_API: 'ftp://x', KAPAL_TOKEN: token } })).code, 2);
    assert.equal((await run(['ps'], { env: { KAPAL_API: 'http://127.0.0.1:1', KAPAL_TOKEN: token } })).code, 3);
  });

  test('says what failed, and the code says how the command ends', async () => {
    for (const [code, exit] of [
      ['not_found', 1],
      ['conflict', 1],
      ['ambiguous', 2],
      ['forbidden', 4],
      ['internal', 1],
    ] as const) {
      await using served = await serve({
        restart: () => Promise.reject(new KapalError(code, 'because', { hint: 'Do this.', log: ['line one'] })),
      });
      const ran = await run(['restart', 'api'], { env: { KAPAL_DATA: served.data } });
      assert.equal(ran.code, exit, code);
      if (code !== 'internal')
        assert.match(
          ran.err,
          new RegExp(`error: because \\(${code}\\)\n  last lines:\n  \\| line one\n  hint: Do this\\.`),
        );
    }
  });
});

test('a reader that goes away is no failure', async () => {
  const { Running } = await import('./running.ts');
  await using served = await serve();
  const running = new Running({ env: { KAPAL_DATA: served.data } });
  running.closeStdout();
  assert.deepEqual(await running.run(['ps']), { code: 0, out: '', err: '' });
});
