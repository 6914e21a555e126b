import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ReleaseDocument, ServiceDocument } from '../../../src/api/contract/types.ts';
import { event, finished, logLine, running, service, status } from '../api/recording-commands.ts';
import { serve, token, until } from '../api/serving.ts';
import { run, Running, visible } from './running.ts';

const [ready] = service.instances;
assert.ok(ready !== undefined);

describe('ps', () => {
  const crashing: ServiceDocument = {
    ...service,
    service: 'worker',
    type: 'worker',
    release: null,
    status: 'crash-looping',
    desired: 2,
    urls: [],
    instances: [
      {
        ...ready,
        id: 'i2',
        state: 'waiting',
        pid: null,
        address: null,
        restarts: 4,
        lastExit: 'exited with code 1',
        startedAt: new Date(Date.now() - 90_000).toISOString(),
      },
    ],
  };

  test('is a table of services and their instances', async () => {
    await using served = await serve({ services: async () => [service, crashing] });
    const { code, out } = await run(['ps'], { env: { KAPAL_DATA: served.data } });
    assert.equal(code, 0);
    assert.deepEqual(
      out.split('\n').map((line) => line.replace(/\d+d$/, 'Nd')),
      [
        'SERVICE  STATUS         RELEASE  INSTANCES  URLS',
        'api      running        4        1/1        http://api.localhost:8080',
        '  i1     ready          4                   pid 123, 127.0.0.1:20001, Nd',
        'worker   crash-looping  -        0/2',
        '  i2     waiting        4                   1m, 4 restarts, exited with code 1',
        '',
      ],
    );
  });

  test('for programs is the list to the letter', async () => {
    await using served = await serve();
    const { out } = await run(['ps', '--json'], { env: { KAPAL_DATA: served.data } });
    assert.equal(
      out,
      '[{"project":"shop","environment":"production","service":"api","type":"web","release":4,"status":"running","desired":1,"urls":["http://api.localhost:8080"],' +
        '"instances":[{"id":"i1","state":"ready","release":4,"pid":123,"address":"127.0.0.1:20001","restarts":0,"startedAt":"2026-01-31T08:00:00.000Z"}]}]\n',
    );
  });

  test('shows every environment unless one is asked for', async () => {
    await using served = await serve();
    const env = { KAPAL_DATA: served.data };
    await run(['ps'], { env });
    await run(['ps', 'api', '-e', 'staging', '--project', 'shop'], { env });
    assert.deepEqual(
      served.calls.flatMap(({ name, input }) => (name === 'services' ? [input[0]] : [])),
      [{}, { project: 'shop', environment: 'staging', service: 'api' }],
    );
  });

  test('colours states on a terminal', async () => {
    await using served = await serve({ services: async () => [crashing] });
    const { out } = await run(['ps'], { env: { KAPAL_DATA: served.data }, terminal: true });
    assert.match(visible(out), /␛\[31mcrash-looping␛\[0m/);
    assert.match(visible(out), /␛\[33mwaiting␛\[0m/);
  });

  test('says what the disk is short of, beside the table', async () => {
    const problem = 'only 300 MiB of 20.0 GiB are free on the disk of the data folder';
    const short = { ...status, disk: { ...status.disk, state: 'refusing', problem } as const };
    await using served = await serve({ services: async () => [], status: async () => short });
    const { err, code } = await run(['ps'], { env: { KAPAL_DATA: served.data } });
    assert.deepEqual([err, code], [`warning: ${problem}\n`, 0]);
    const { out } = await run(['ps', '--json'], { env: { KAPAL_DATA: served.data } });
    assert.deepEqual(JSON.parse(out), []);
  });

  test('of nothing says how to begin; of an unknown name what is near', async () => {
    await using served = await serve({ services: async () => [] });
    const env = { KAPAL_DATA: served.data };
    const none = await run(['ps'], { env });
    assert.deepEqual([none.code, none.out], [0, 'Nothing is deployed yet. Deploy something: kapal deploy FOLDER\n']);
    assert.deepEqual((await run(['ps', '--json'], { env })).out, '[]\n');
    const unknown = await run(['ps', 'apii'], { env });
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /no service apii \(not_found\)\n {2}hint: Did you mean api\?/);
  });
});

describe('logs and events', () => {
  test('are lines for people and an array for programs', async () => {
    await using served = await serve();
    const env = { KAPAL_DATA: served.data };
    const plain = await run(['logs', 'api', '--grep', 'o', '-n', '2'], { env });
    assert.match(plain.out, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d i1 one\n\d{4}.* i1 two\n$/);
    assert.deepEqual(served.calls.find(({ name }) => name === 'logs')?.input[1], { grep: 'o', limit: 2 });
    const program = await run(['logs', 'api', '--json'], { env });
    assert.deepEqual(JSON.parse(program.out), [logLine(1, 'one'), logLine(2, 'two')]);
    assert.deepEqual(JSON.parse((await run(['events', '--json'], { env })).out), [event(1)]);
    assert.match((await run(['events'], { env })).out, / shop\/production\/api release 4 is live\n$/);
  });

  test('--since without --lines means all since', async () => {
    await using served = await serve();
    await run(['logs', 'api', '--since', '2h'], { env: { KAPAL_DATA: served.data } });
    const query = served.calls.find(({ name }) => name === 'logs')?.input[1] as { limit: number };
    assert.equal(query.limit, 10_000);
  });

  test('-f prints one document a line, goes on over a restart, and ends when nobody reads', async () => {
    const lines = [logLine(1, 'one')];
    const after = ({ after = 0 }: { after?: number }) => lines.filter(({ sequence }) => sequence > after);
    await using first = await serve({ logs: async (_service, query) => after(query) });
    const command = new Running({ env: { KAPAL_DATA: first.data } });
    const ran = command.run(['logs', 'api', '-f', '--json']);
    await until('the first line was printed', () => command.out.includes('one'));
    await first.close();
    lines.push(logLine(2, 'two'));
    let wake = () => undefined as void;
    const more = () => new Promise<void>((resolve) => (wake = resolve));
    await using second = await serve(
      { logs: async (_service, query) => after(query), moreLogs: more },
      { data: first.data },
    );
    await until('the second line was printed', () => command.out.includes('two'));
    assert.deepEqual(
      command.out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { sequence: number }).sequence),
      [1, 2],
    );
    command.closeStdout();
    lines.push(logLine(3, 'three'));
    wake();
    assert.equal((await ran).code, 0);
    assert.ok(second.calls.length > 0);
  });

  test('control characters of an app do not reach the terminal, its colours do', async () => {
    const text = 'a\u001b[31mred\u001b[0m\u001b[2J\u001b]0;title\u0007\rb\tc';
    await using served = await serve({ logs: async () => [logLine(1, text)] });
    const env = { KAPAL_DATA: served.data };
    assert.match((await run(['logs', 'api'], { env })).out, / aredb\tc\n$/);
    assert.match(visible((await run(['logs', 'api'], { env, terminal: true })).out), / a␛\[31mred␛\[0mb\tc␛\[0m\n$/);
  });
});

describe('releases', () => {
  const release: ReleaseDocument = {
    release: 4,
    status: 'current',
    createdAt: '2026-01-31T08:00:00.000Z',
    source: {
      kind: 'git',
      digest: `sha256-${'1'.repeat(64)}`,
      url: null,
      branch: 'main',
      commit: 'a1b2c3d4e5f60718',
      author: 'A',
      subject: 'fix "it"',
    },
    cause: 'deploy',
    error: null,
    available: true,
  };

  test('are a table, and an array for programs', async () => {
    await using served = await serve({
      releases: () => [release, { ...release, release: 3, status: 'previous', source: null, cause: 'rollback to 1' }],
    });
    const env = { KAPAL_DATA: served.data };
    const { out } = await run(['releases', 'api'], { env });
    assert.match(
      out,
      /^RELEASE +STATUS +CREATED +CAUSE +SOURCE\n4 +current +\S+ \S+ +deploy +a1b2c3d4e5f6 main "fix \\"it\\""\n3 +previous +\S+ \S+ +rollback to 1 +-\n$/,
    );
    assert.equal((JSON.parse((await run(['releases', 'api', '--json'], { env })).out) as unknown[]).length, 2);
  });
});

describe('changes of a service', () => {
  for (const [line, name, input] of [
    ['restart api', 'restart', []],
    ['stop api', 'stop', []],
    ['start api', 'start', []],
    ['scale api=3', 'scale', [3]],
    ['rollback api', 'rollback', [null]],
    ['rollback api 2', 'rollback', [2]],
  ] as const) {
    test(`kapal ${line} asks, waits and prints like a deploy`, async () => {
      await using served = await serve();
      const { code, out } = await run([...line.split(' '), '-e', 'staging', '--json'], {
        env: { KAPAL_DATA: served.data },
      });
      assert.equal(code, 0);
      assert.deepEqual(JSON.parse(out), finished.result);
      assert.deepEqual(served.calls.find((call) => call.name === name)?.input, ['shop/staging/api', ...input]);
    });
  }

  test('scale takes several, and prints one result', async () => {
    await using served = await serve();
    const { code, out } = await run(['scale', 'api=3', 'api=2', '--json'], { env: { KAPAL_DATA: served.data } });
    assert.equal(code, 0);
    const { services } = JSON.parse(out) as { services: unknown[] };
    assert.equal(services.length, 2);
    const asked = served.calls.filter(({ name }) => name === 'scale').map(({ input }) => input[1]);
    assert.deepEqual(asked, [3, 2]);
    const wrong = await run(['scale', 'api=3', 'api'], { env: { KAPAL_DATA: served.data } });
    assert.equal(wrong.code, 2);
    assert.equal(served.calls.filter(({ name }) => name === 'scale').length, 2);
  });

  test('--no-wait does not', async () => {
    await using served = await serve();
    const { out } = await run(['restart', 'api', '--no-wait', '--json'], { env: { KAPAL_DATA: served.data } });
    assert.deepEqual(JSON.parse(out), { ...running, kind: 'restart' });
    assert.ok(served.calls.every(({ name }) => name !== 'follow'));
  });

  test('cancel, domains, edge and projects', async () => {
    await using served = await serve({ edgeCheck: async () => ['pool x has no endpoint'] });
    const env = { KAPAL_DATA: served.data };
    assert.match((await run(['cancel', 'api'], { env })).out, /cancelled/);
    assert.match(
      (await run(['domain', 'add', 'api', 'a.example.com'], { env })).out,
      /a\.example\.com is routed to api/,
    );
    assert.match((await run(['domain', 'remove', 'api', 'a.example.com'], { env })).out, /no longer/);
    assert.match(
      (await run(['domain', 'list', 'api'], { env })).out,
      /api\.localhost +default +http:\/\/api\.localhost:8080/,
    );
    assert.equal((await run(['edge', 'config'], { env })).out, 'listen 80\n');
    const check = await run(['edge', 'check'], { env });
    assert.deepEqual([check.code, check.out], [1, 'pool x has no endpoint\n']);
    assert.equal((await run(['open', 'api'], { env })).out, 'http://api.localhost:8080\n');
    assert.deepEqual(JSON.parse((await run(['project', 'remove', 'shop', '--yes', '--json'], { env })).out), {
      project: 'shop',
      removed: true,
    });
    assert.deepEqual(
      served.calls.filter(({ name }) => ['addDomain', 'removeDomain', 'removeProject'].includes(name)),
      [
        { name: 'addDomain', input: ['shop/production/api', 'a.example.com', {}] },
        { name: 'removeDomain', input: ['shop/production/api', 'a.example.com'] },
        { name: 'removeProject', input: ['shop', { withDisks: false }] },
      ],
    );
  });
});

test('gc says what went, or would go', async () => {
  await using served = await serve();
  const env = { KAPAL_DATA: served.data };
  const would = await run(['gc', '--dry-run'], { env });
  assert.match(
    would.out,
    /artifact +5\.0 MiB +\/var\/lib\/kapal\/releases\/a +no release names it\n5\.0 MiB would be freed\./,
  );
  assert.deepEqual(served.calls.find(({ name }) => name === 'collectGarbage')?.input, [true]);
  assert.match((await run(['gc'], { env })).out, /5\.0 MiB freed/);
});

test('disks are listed, and removed only when that is meant', async () => {
  await using served = await serve();
  const env = { KAPAL_DATA: served.data };
  const listed = await run(['disk', 'list'], { env });
  assert.match(listed.out, /shop\/production\/api +data +detached +9\.0 GiB of 10\.0 GiB/);
  assert.equal((JSON.parse((await run(['disk', 'list', '--json'], { env })).out) as unknown[]).length, 1);
  const asked = await run(['disk', 'remove', 'api', 'data'], { env });
  assert.equal(asked.code, 2);
  assert.match(asked.err, /deletes 9\.0 GiB of 10\.0 GiB on the disk data of api, for good/);
  assert.match(asked.err, /kapal disk remove api data --project shop -e production --yes/);
  assert.equal((await run(['disk', 'remove', 'api', 'other', '--yes'], { env })).code, 1);
  assert.ok(served.calls.every(({ name }) => name !== 'removeDisk'));
  assert.match((await run(['disk', 'remove', 'api', 'data', '--yes'], { env })).out, /data of api/);
  assert.deepEqual(served.calls.find(({ name }) => name === 'removeDisk')?.input, ['shop/production/api', 'data']);
});

describe('env', () => {
  test('set takes several, reads one from stdin and prints no value', async () => {
    await using served = await serve({ setVariables: async () => ({ ...running, kind: 'configure' }) });
    const { code, out, err } = await run(['env', 'set', 'api', 'A=1=2', 'EMPTY=', 'URL=-'], {
      env: { KAPAL_DATA: served.data },
      stdin: 'postgres://s3cret\n',
    });
    assert.equal(code, 0, err);
    const [at, changes] = served.calls.find(({ name }) => name === 'setVariables')?.input ?? [];
    assert.deepEqual(at, { project: undefined, environment: 'production', service: 'api' });
    assert.deepEqual(changes, { A: '1=2', EMPTY: '', URL: 'postgres://s3cret' });
    assert.doesNotMatch(out + err, /s3cret/);
  });

  test('set before the first deploy says that it is stored', async () => {
    await using served = await serve();
    const env = { KAPAL_DATA: served.data };
    assert.equal(
      (await run(['env', 'set', 'new', 'A=b'], { env })).out,
      'A of new: stored; the first deploy will use it.\n',
    );
    assert.equal((await run(['env', 'set', 'new', 'A=b', '--json'], { env })).out, '{"operation":null}\n');
  });

  test('unset, list and reveal', async () => {
    await using served = await serve();
    const env = { KAPAL_DATA: served.data };
    await run(['env', 'unset', 'api', 'A', 'B'], { env });
    assert.deepEqual(served.calls.find(({ name }) => name === 'setVariables')?.input[1], { A: null, B: null });
    assert.match((await run(['env', 'list', 'api'], { env })).out, /KEY +set +\(hidden/);
    assert.match((await run(['env', 'list', 'api', '--reveal'], { env })).out, /KEY +set +value\n/);
  });

  test('two variables cannot both come from stdin', async () => {
    const { code, err } = await run(['env', 'set', 'api', 'A=-', 'B=-'], { stdin: 'x' });
    assert.equal(code, 2);
    assert.match(err, /B=-: stdin was read already/);
  });
});

describe('token', () => {
  test('is read from the data folder', async () => {
    await using served = await serve();
    const env = { KAPAL_DATA: served.data };
    const none = await run(['token'], { env });
    assert.equal(none.code, 1);
    assert.match(none.err, /has no token yet \(not_found\)/);
    await mkdir(join(served.data, 'keys'));
    await writeFile(join(served.data, 'keys', 'api-token'), `${token}\n`);
    assert.equal((await run(['token'], { env })).out, `${token}\n`);
    assert.equal((await run(['token', '--path'], { env })).out, `${join(served.data, 'keys', 'api-token')}\n`);
    assert.deepEqual(JSON.parse((await run(['token', '--json'], { env })).out), {
      token,
      path: join(served.data, 'keys', 'api-token'),
      api: new URL(served.url).host,
    });
  });
});
