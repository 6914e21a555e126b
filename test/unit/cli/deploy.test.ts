import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import type {
  DeployDocument,
  DeployRequest,
  OperationDocument,
  OperationEvent,
} from '../../../src/api/contract/types.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { deployed, finished, running, story } from '../api/recording-commands.ts';
import { serve, type Served, until } from '../api/serving.ts';
import { run, Running, visible } from './running.ts';

/** A folder with one file, removed after the test. */
async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kapal-shop-'));
  await writeFile(join(path, 'server.js'), 'listen()');
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function git(path: string, ...args: string[]): void {
  const identity = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  };
  execFileSync('git', ['-C', path, ...args], {
    env: { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...identity },
    stdio: 'pipe',
  });
}

async function repository(): Promise<Awaited<ReturnType<typeof folder>>> {
  const made = await folder();
  git(made.path, 'init', '--quiet', '--initial-branch=main');
  git(made.path, 'add', '.');
  git(made.path, 'commit', '--quiet', '--message', 'first');
  git(made.path, 'checkout', '--quiet', '-b', 'v2');
  await writeFile(join(made.path, 'server.js'), 'listen(2)');
  git(made.path, 'commit', '--quiet', '--all', '--message', 'second');
  git(made.path, 'checkout', '--quiet', 'main');
  return made;
}

function requested({ calls }: Served): DeployRequest {
  return calls.find(({ name }) => name === 'deploy')?.input[0] as DeployRequest;
}

function at(served: Served): { KAPAL_DATA: string } {
  return { KAPAL_DATA: served.data };
}

describe('the source', () => {
  test('a folder is sent once, and named', async () => {
    await using shop = await folder();
    let stored = false;
    await using served = await serve({ hasSource: async () => stored });
    assert.equal((await run(['deploy', shop.path], { env: at(served) })).code, 0);
    const { source, environment, project, service, prune, idempotencyKey } = requested(served);
    assert.ok(source.kind === 'folder');
    assert.deepEqual(
      [source.name, source.git, environment, project, service, prune],
      [basename(shop.path), null, 'production', undefined, undefined, undefined],
    );
    assert.match(source.digest, /^sha256-[0-9a-f]{64}$/);
    assert.match(idempotencyKey ?? '', /^[0-9a-f-]{36}$/);
    stored = true;
    assert.equal((await run(['deploy'], { cwd: shop.path, env: at(served) })).code, 0);
    assert.equal(served.calls.filter(({ name }) => name === 'putSource').length, 1);
  });

  test('flags stand before and after operands', async () => {
    await using shop = await folder();
    await using served = await serve();
    const line = ['--project', 'store', 'deploy', '--service', 'api', shop.path, '-e', 'staging', '--prune'];
    assert.equal((await run(line, { env: at(served) })).code, 0);
    const { project, environment, service, prune } = requested(served);
    assert.deepEqual([project, environment, service, prune], ['store', 'staging', 'api', true]);
  });

  test('project and environment come from the environment too', async () => {
    await using shop = await folder();
    await using served = await serve();
    await run(['deploy', shop.path], { env: { ...at(served), KAPAL_PROJECT: 'store', KAPAL_ENVIRONMENT: 'staging' } });
    const { project, environment } = requested(served);
    assert.deepEqual([project, environment], ['store', 'staging']);
  });

  test('a work tree brings its commit', async () => {
    await using shop = await repository();
    await using served = await serve();
    assert.equal((await run(['deploy', shop.path], { env: at(served) })).code, 0);
    const { source } = requested(served);
    assert.ok(source.kind === 'folder');
    assert.deepEqual(
      [source.git?.branch, source.git?.subject, source.git?.author],
      ['main', 'first', 'A <a@example.com>'],
    );
  });

  test('a branch is read here: of a work tree, a bare repository, and a file URL', async () => {
    await using shop = await repository();
    const bare = `${shop.path}-bare.git`;
    git(shop.path, 'clone', '--quiet', '--bare', '.', bare);
    try {
      const digests = new Set<string>();
      for (const target of [shop.path, bare, `file://${bare}`]) {
        await using served = await serve();
        const { code, err } = await run(['deploy', target, '--branch', 'v2'], { env: at(served) });
        assert.equal(code, 0, err);
        const { source } = requested(served);
        assert.ok(source.kind === 'folder');
        assert.deepEqual([source.git?.branch, source.git?.subject], ['v2', 'second']);
        assert.equal(source.name, basename(target).replace('.git', ''));
        digests.add(source.digest);
      }
      assert.equal(digests.size, 1);
      await using served = await serve();
      const missing = await run(['deploy', bare, '--branch', 'v3'], { env: at(served) });
      assert.equal(missing.code, 1);
      assert.match(missing.err, /no branch "v3" \(source_failed\)\n {2}hint: It has: main, v2\./);
    } finally {
      await rm(bare, { recursive: true, force: true });
    }
  });

  test('remotes are left to the daemon', async () => {
    for (const url of [
      'https://git.example/shop.git',
      'ssh://git@git.example/shop',
      'git@git.example:team/shop.git',
      'ext::sh -c id',
    ]) {
      await using served = await serve();
      assert.equal((await run(['deploy', url, '--branch', 'main'], { env: at(served) })).code, 0);
      assert.deepEqual(requested(served).source, { kind: 'git', url, branch: 'main' });
      assert.ok(served.calls.every(({ name }) => name !== 'putSource'));
    }
  });

  test('a tree that the daemon refuses is said with its reason', async () => {
    await using shop = await folder();
    await writeFile(join(shop.path, 'big'), Buffer.alloc(8 * 1024 * 1024));
    await using served = await serve({
      putSource: async (_digest, tar) => {
        for await (const piece of tar) {
          void piece;
          throw new KapalError('source_too_large', 'the source is larger than the limit');
        }
      },
    });
    const { code, err } = await run(['deploy', shop.path], { env: at(served) });
    assert.equal(code, 1);
    assert.match(err, /larger than the limit \(source_too_large\)/);
  });
});

describe('the result', () => {
  async function deploy(argv: readonly string[], more: Parameters<typeof serve>[0], terminal = false) {
    await using shop = await folder();
    await using served = await serve(more);
    return await run(['deploy', shop.path, ...argv], { env: { ...at(served), TERM: 'xterm' }, terminal });
  }

  test('for people: steps and build log on stderr, a table on stdout', async () => {
    const { code, out, err } = await deploy([], {});
    assert.equal(code, 0);
    assert.equal(
      out,
      'SERVICE  RELEASE  OUTCOME  TIME   URLS\napi      5        live     2.6 s  http://api.localhost:8080\n',
    );
    assert.equal(
      err,
      '==> sending 1 file (8 B)\n==> api: building\n    api | added 3 packages\nnote: The plan field means nothing here.\n==> api: live (2.6 s)\n',
    );
  });

  test('for programs: one document, to the letter', async () => {
    const { code, out } = await deploy(['--json'], {});
    assert.equal(code, 0);
    assert.equal(
      out,
      '{"project":"shop","environment":"production","services":[{"service":"api","release":5,"outcome":"live","urls":["http://api.localhost:8080"],"milliseconds":{"source":80,"build":2100,"start":310,"shift":40,"total":2600}}]}\n',
    );
  });

  const failed: DeployDocument = {
    ...deployed,
    services: deployed.services.map((one) => ({
      ...one,
      outcome: 'failed',
      error: {
        code: 'boot_crashed',
        message: 'api exited with code 1 three times',
        hint: 'Look at the log.',
        log: ['Error: no \u001b[2Jdatabase'],
      },
    })),
  };
  const ending = (document: DeployDocument): readonly OperationEvent[] => [
    ...document.services.map((result) => ({ kind: 'service' as const, result })),
    { kind: 'finished', operation: { ...finished, result: document } },
  ];
  const telling = (events: readonly OperationEvent[]) => ({
    async *follow() {
      yield* events;
    },
  });

  test('a service that failed is exit code 1, with what, where, last lines and what to do', async () => {
    const { code, out, err } = await deploy([], telling(ending(failed)));
    assert.equal(code, 1);
    assert.match(out, /api {6}5 {8}failed/);
    assert.match(
      err,
      /\nerror: api failed: api exited with code 1 three times \(boot_crashed\)\n {2}last lines:\n {2}\| Error: no database\n {2}hint: Look at the log\.\n {2}More lines: kapal logs api\n$/,
    );
  });

  test('the same document goes to programs', async () => {
    const { code, out } = await deploy(['--json'], telling(ending(failed)));
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(out), failed);
  });

  test('rolled back and cancelled are exit code 1, unchanged is 0', async () => {
    for (const [outcome, expected] of [
      ['rolled_back', 1],
      ['cancelled', 1],
      ['unchanged', 0],
    ] as const) {
      const document = { ...deployed, services: deployed.services.map((one) => ({ ...one, outcome })) };
      assert.equal((await deploy(['--json'], telling(ending(document)))).code, expected, outcome);
    }
  });

  test('a deploy that failed as a whole has the exit code of its error', async () => {
    const error = {
      code: 'declaration_invalid',
      message: 'kapal.yaml:3:5: unknown field strat',
      hint: 'Did you mean start?',
      log: [],
    } as const;
    const operation: OperationDocument = { ...finished, result: null, error };
    const { code, out } = await deploy(['--json'], telling([{ kind: 'finished', operation }]));
    assert.equal(code, 2);
    assert.deepEqual(JSON.parse(out), { error });
  });

  test('--no-wait prints the operation', async () => {
    const json = await deploy(['--no-wait', '--json'], {});
    assert.deepEqual([json.code, JSON.parse(json.out)], [0, running]);
    const plain = await deploy(['--no-wait'], {});
    assert.deepEqual([plain.code, plain.out], [0, 'acknowledged as operation op1\n']);
  });

  test('on a terminal steps move, and nothing of them is left', async () => {
    const { code, out, err } = await deploy([], {}, true);
    assert.equal(code, 0);
    assert.match(visible(out), /␛\[32mlive␛\[0m/);
    assert.match(visible(err), /api: building {2}␛\[2m0\.0 s/);
    assert.match(visible(err), /␛\[1A␛\[J␛\[2m {4}api \| added 3 packages/);
    assert.doesNotMatch(err.split('\n').at(-2) ?? '', /building/);
  });

  test('NO_COLOR leaves lines', async () => {
    await using shop = await folder();
    await using served = await serve();
    const { err, out } = await run(['deploy', shop.path], { env: { ...at(served), NO_COLOR: '1' }, terminal: true });
    assert.doesNotMatch(visible(err + out), /␛/);
  });

  test('Bahasa Indonesia is for people, never for programs', async () => {
    await using shop = await folder();
    for (const env of [{ KAPAL_LANG: 'id' }, { LANG: 'id_ID.UTF-8' }]) {
      await using served = await serve();
      const { out, err } = await run(['deploy', shop.path], { env: { ...at(served), ...env } });
      assert.match(out, /^LAYANAN {2}RILIS {2}HASIL/);
      assert.match(err, /api: membangun\n/);
      const program = await run(['deploy', shop.path, '--json'], { env: { ...at(served), ...env } });
      assert.match(program.out, /"outcome":"live"/);
    }
    await using served = await serve();
    assert.match(
      (await run(['deploy', shop.path], { env: { ...at(served), KAPAL_LANG: 'en', LANG: 'id_ID' } })).out,
      /^SERVICE/,
    );
  });
});

describe('interruptions', () => {
  test('SIGINT ends the showing, not the deploy, and says how to cancel', async () => {
    await using shop = await folder();
    await using served = await serve({
      async *follow(_id, signal) {
        yield* story.slice(0, 2);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
    });
    const command = new Running({ env: at(served) });
    const ran = command.run(['deploy', shop.path]);
    await until('the build was shown', () => command.err.includes('added 3 packages'));
    command.interrupt();
    const { code, out } = await ran;
    assert.deepEqual([code, out], [130, '']);
    assert.match(command.err, /The deploy goes on without this command\. Cancel it with: kapal cancel api\n$/);
    assert.ok(served.calls.every(({ name }) => name !== 'cancel'));
  });

  test('SIGINT before the daemon was asked says that nothing was begun', async () => {
    await using shop = await folder();
    const gate = Promise.withResolvers<boolean>();
    await using served = await serve({ hasSource: () => gate.promise });
    const command = new Running({ env: at(served) });
    const ran = command.run(['deploy', shop.path]);
    await until('the daemon was asked for the source', () => served.calls.some(({ name }) => name === 'hasSource'));
    command.interrupt();
    assert.equal((await ran).code, 130);
    assert.match(command.err, /Stopped before the daemon was asked for anything/);
    gate.resolve(true);
  });

  test('a deploy is followed over a restart of the daemon', async () => {
    await using shop = await folder();
    await using first = await serve({
      async *follow(_id, signal) {
        yield* story.slice(0, 1);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
    });
    const command = new Running({ env: at(first) });
    const ran = command.run(['deploy', shop.path, '--json']);
    await until('the build was shown', () => command.err.includes('building'));
    await first.close();
    await until('the loss was said', () => command.err.includes('went away'));
    await using second = await serve({}, { data: first.data });
    const { code, out } = await ran;
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), deployed);
    assert.equal(command.err.match(/the daemon went away; waiting for it to come back/g)?.length, 1);
    assert.equal(command.err.match(/the daemon is back/g)?.length, 1);
    assert.ok(second.calls.some(({ name }) => name === 'follow'));
  });

  test('a lost answer is asked for again with the same key', async () => {
    await using shop = await folder();
    const gate = Promise.withResolvers<OperationDocument>();
    await using first = await serve({ deploy: () => gate.promise });
    const command = new Running({ env: at(first) });
    const ran = command.run(['deploy', shop.path, '--json']);
    await until('the deploy was asked for', () => first.calls.some(({ name }) => name === 'deploy'));
    // The grace is over before the answer: the connection breaks.
    await first.close();
    await using second = await serve({}, { data: first.data });
    assert.equal((await ran).code, 0);
    gate.resolve(running);
    assert.equal(requested(second).idempotencyKey, requested(first).idempotencyKey);
  });
});

test('a folder inside a repository is sent without the rest', async () => {
  await using shop = await repository();
  await mkdir(join(shop.path, 'web'));
  await writeFile(join(shop.path, 'web', 'index.html'), '<p>');
  await using served = await serve();
  const { code, err } = await run(['deploy', join(shop.path, 'web')], { env: at(served) });
  assert.equal(code, 0, err);
  assert.match(err, /sending 1 file/);
});
