import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ReleaseDocument, VariableDocument } from '../../src/api/contract/types.ts';
import { type Ran, TestKapal } from './kapal.ts';
import { filesBelow, processesOf, text } from './install.ts';
import { ask, eventually, server } from './survival.ts';

/** Says its variables in its log, raw and inside JSON, before it serves. */
const talkative = `console.log('token ' + process.env.TOKEN); console.log(JSON.stringify(process.env)); ${server}`;
const silent = server;

describe('secret values', () => {
  test('are nowhere in clear: not on disk, in answers, argv, other environments; what prints them is masked', async () => {
    await using kapal = await TestKapal.start();
    const said: Ran[] = [];
    const run = async (...args: string[]) => {
      const ran = await kapal.run(...args);
      said.push(ran);
      return ran;
    };
    const [set, key, later] = [plant('set'), `${plant('first')}\n${plant('second')}'"$`, plant('later')];
    assert.equal((await kapal.runWith({ input: set }, 'env', 'set', 'api', 'TOKEN=-')).code, 0);
    assert.equal((await kapal.runWith({ input: key }, 'env', 'set', 'api', 'KEY=-')).code, 0);
    assert.equal((await kapal.runWith({ input: set }, 'env', 'set', 'quiet', 'TOKEN=-')).code, 0);
    const deploy = await run('deploy', await kapal.project('shop', declared(talkative)));
    assert.equal(deploy.code, 0, deploy.stderr);
    assert.match(deploy.stderr, /the build says \[masked\]/, 'the build log, as it came');
    assert.equal((await kapal.runWith({ input: later }, 'env', 'set', 'quiet', 'LATER=-')).code, 0);
    const generated = (await revealed(kapal, 'api')).find((variable) => variable.key === 'SESSION')?.value ?? '';
    assert.ok(generated.length >= 40);
    const planted = [set, ...key.split('\n'), later, generated, Buffer.from(generated, 'base64').toString('latin1')];

    for (const kind of ['build', 'predeploy', 'app'] as const) {
      await eventually(`${kind} lines are masked`, async () =>
        (await logs(kapal, 'api')).some((line) => line.kind === kind && line.text.includes('[masked]')),
      );
    }
    said.push(
      await kapal.run('logs', 'api'),
      await kapal.run('env', 'list', 'api'),
      await kapal.run('events'),
      await kapal.run('releases', 'api', '--json'),
      await kapal.run('plan', `${kapal.folder}/shop`),
      await kapal.run('edge', 'config'),
    );
    for (const { stdout, stderr } of said) holdsNone(`${stdout}${stderr}`, planted, 'the command line');
    await answersHoldNone(kapal, planted);
    processesHoldNone(kapal, planted);

    // A failing build and a crash quote their last lines.
    for (const broken of [
      { build: 'echo $TOKEN; exit 1', program: talkative },
      { build: 'true', program: `console.log(process.env.TOKEN); process.exit(1)` },
    ]) {
      const failed = await run(
        'deploy',
        await kapal.project('shop', declared(broken.program, broken.build)),
        '--json',
        '--service',
        'api',
      );
      assert.equal(failed.code, 1);
      assert.match(failed.stdout, /\[masked\]/);
      holdsNone(failed.stdout, planted, 'an error');
    }
    filesHoldNone(kapal, planted);
    await kapal.killDaemon();
    filesHoldNone(kapal, planted);
    await kapal.up();
    assert.equal((await kapal.run('down', '--apps')).code, 0);
    filesHoldNone(kapal, planted, { outputToo: true });
  });
});

function plant(name: string): string {
  return `planted-${name}-${randomBytes(12).toString('hex')}`;
}

function declared(program: string, build = 'echo "the build says $TOKEN"'): Record<string, string> {
  const variables = [
    '    envVars:',
    '      - {key: TOKEN, sync: false}',
    '      - {key: SESSION, generateValue: true}',
  ];
  const api = [
    '  - type: web',
    '    name: api',
    '    runtime: node',
    `    buildCommand: ${JSON.stringify(build)}`,
    '    preDeployCommand: "echo migrating with $TOKEN"',
    '    startCommand: node server.js',
    ...variables,
  ];
  const quiet = [
    '  - type: web',
    '    name: quiet',
    '    runtime: node',
    '    startCommand: node silent.js',
    ...variables,
  ];
  const other = ['  - type: web', '    name: other', '    runtime: node', '    startCommand: node silent.js'];
  return {
    'kapal.yaml': ['project: shop', 'services:', ...api, ...quiet, ...other, ''].join('\n'),
    'server.js': program,
    'silent.js': silent,
  };
}

async function revealed(kapal: TestKapal, service: string): Promise<VariableDocument[]> {
  return JSON.parse((await kapal.run('env', 'list', service, '--reveal', '--json')).stdout) as VariableDocument[];
}

async function logs(kapal: TestKapal, service: string): Promise<{ kind: string; text: string }[]> {
  return JSON.parse((await kapal.run('logs', service, '--json')).stdout) as { kind: string; text: string }[];
}

function holdsNone(where: string, planted: readonly string[], name: string): void {
  for (const value of planted)
    assert.ok(
      !where.includes(value),
      `${name} holds ${value.slice(0, 20)}: ${where.slice(Math.max(0, where.indexOf(value) - 200), where.indexOf(value) + 40)}`,
    );
}

async function answersHoldNone(kapal: TestKapal, planted: readonly string[]): Promise<void> {
  const of = (rest: string) => `/services/api/${rest}?environment=production`;
  for (const path of [
    '/status',
    '/services',
    '/events',
    '/edge/config',
    of('variables'),
    of('releases'),
    of('logs'),
    of('domains'),
  ]) {
    const { status, body } = await ask(kapal, path);
    assert.equal(status, 200, path);
    holdsNone(JSON.stringify(body), planted, path);
  }
  const releases = (await ask(kapal, of('releases'))).body as ReleaseDocument[];
  assert.ok(releases.length > 0);
}

/** The environment of the service's own programs is where values belong; nowhere else. */
function processesHoldNone(kapal: TestKapal, planted: readonly string[]): void {
  const owners = processesOf(kapal).filter(({ run }) => /^(?:api|quiet)-/.test(run ?? ''));
  assert.ok(owners.length >= 2);
  const own = new Set(owners.filter(({ role }) => role === 'app').map(({ pid }) => pid));
  assert.ok(
    [...own].some((pid) => text(`/proc/${pid}/environ`).includes(planted[0] ?? '?')),
    'the service itself has them',
  );
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (Number(name) === process.pid) continue;
    holdsNone(text(`/proc/${name}/cmdline`), planted, `the argv of ${name}`);
    if (!own.has(Number(name))) holdsNone(text(`/proc/${name}/environ`), planted, `the environment of ${name}`);
  }
}

/** What a program prints lies in its own output file, closed to all but the daemon, until it is read and its run ends: that file alone is excepted. */
function filesHoldNone(kapal: TestKapal, planted: readonly string[], { outputToo = false } = {}): void {
  let seen = 0;
  for (const { path, content } of filesBelow(kapal.data)) {
    if (path.includes('/toolchain/') || (!outputToo && /\/runs\/runs\/api-[^/]+\/log$/.test(path))) continue;
    seen += 1;
    holdsNone(content, planted, path);
  }
  assert.ok(seen > 20);
}
