import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Ran, TestKapal } from './kapal.ts';
import { filesBelow, processesOf } from './install.ts';
import { ask, eventually, server, shop } from './survival.ts';

describe('names are data, never paths, options or shell text', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('hostile ones are refused with exit code 2 and leave no trace', async () => {
    const mark = join(kapal.folder, 'touched');
    const hostile = [
      '../x',
      '-rf',
      `$(touch ${mark})`,
      `\`touch ${mark}\``,
      'a\nb',
      `'; touch ${mark} #`,
      'x'.repeat(300),
      '..',
      'A',
      'ä',
      '@new',
      ' ',
      '%2e%2e',
    ];
    const folder = await kapal.project('shop', shop('shop'));
    await kapal.deploy(folder);
    const before = traces(kapal);

    for (const name of hostile) {
      // The daemon does not rely on what a client has looked at.
      const at = (more: object = {}) => new URLSearchParams({ environment: 'production', ...more }).toString();
      const [there, none] = [
        encodeURIComponent(name),
        { source: { kind: 'folder', digest: `sha256-${'0'.repeat(64)}`, name: 'shop', git: null } },
      ];
      const asked: readonly Asked[] = [
        ['POST', '/deploys', { environment: 'production', project: name, ...none }],
        ['POST', '/deploys', { environment: name, ...none }],
        ['PATCH', `/services/shop/variables?${at({ project: name })}`, { changes: { KEY: 'value' } }],
        ['PATCH', `/services/shop/variables?${at({ environment: name })}`, { changes: { KEY: 'value' } }],
        ['PATCH', `/services/${there}/variables?${at()}`, { changes: { KEY: 'value' } }],
        // `A` and `@new` are names of variables and hosts.
        ...(/^[A@]/.test(name)
          ? []
          : ([['PATCH', `/services/shop/variables?${at()}`, { changes: { [name]: 'value' } }]] as const)),
        ...(name === 'A' ? [] : ([['PUT', `/services/shop/domains/${there}?${at()}`, undefined]] as const)),
      ];
      for (const [method, path, body] of asked) {
        const answer = await ask(kapal, path, { method, body });
        assert.ok(
          [400, 404, 422].includes(answer.status),
          `${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${JSON.stringify(answer.body)}`,
        );
        assert.doesNotMatch(JSON.stringify(answer.body), /"internal"/);
      }
    }
    // The command line looks at names of its own: one that would be an option, and one that would be shell text.
    for (const name of ['-rf', `$(touch ${mark})`]) {
      const commands = [
        ['deploy', folder, `--project=${name}`],
        ['deploy', folder, `--environment=${name}`],
        ['env', 'set', `--project=${name}`, 'shop', 'KEY=value'],
        ['env', 'set', '--', name, 'KEY=value'],
        ['env', 'set', '--', 'shop', `${name}=value`],
        ['domain', 'add', '--', 'shop', name],
      ];
      await Promise.all(commands.map((args) => refused(kapal, name, args)));
    }
    assert.equal((await kapal.service('shop')).release, 1);
    assert.deepEqual(traces(kapal), before);

    const remotes = [
      'ext::sh -c "touch x"',
      `ext::sh -c touch% ${mark}`,
      '--upload-pack=touch x',
      'file:///etc',
      'fd::3',
      `ssh://-oProxyCommand=touch ${mark}/x`,
      `git@-oProxyCommand=touch:x`,
      'http://user@-x/y.git',
    ];
    for (const url of remotes) {
      const ran = await kapal.run('deploy', '--json', '--', url);
      assert.ok(ran.code === 2 || ran.code === 1, `${url}: ${ran.code} ${ran.stderr}`);
      assert.doesNotMatch(ran.stdout + ran.stderr, /\(internal\)|"internal"|\bat .*\.ts:\d+/, url);
    }
    for (const branch of ['--upload-pack=x', '-b', '../../x', `$(touch ${mark})`, 'a b', 'a..b', 'x\n'])
      await refused(kapal, branch, ['deploy', folder, `--branch=${branch}`]);
    assert.deepEqual(traces(kapal), before);
  });

  test('in a declaration they become harmless or are refused, and commands run as they were written', async () => {
    const mark = join(kapal.folder, 'touched');
    for (const name of ['../x', `$(touch ${mark})`, '-rf', 'a\nb', 'x'.repeat(300), '', '..']) {
      const yaml = (project: string, service: string) =>
        JSON.stringify({
          project,
          services: [{ type: 'web', name: service, runtime: 'node', startCommand: 'node server.js' }],
        });
      for (const [index, text] of [yaml(name, 'shop'), yaml('shop', name)].entries()) {
        const plan = await kapal.run(
          'plan',
          await kapal.project(`plan-${index}`, { 'kapal.yaml': text, 'server.js': server }),
          '--json',
        );
        if (plan.code !== 0) assert.equal(plan.code, 2, plan.stderr);
        else
          for (const [, found = ''] of plan.stdout.matchAll(/"(?:project|service)":"([^"]*)"/g))
            assert.match(found, /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/);
      }
    }
    for (const key of ['A B', 'A=B', 'A\nB', `$(touch ${mark})`, '']) {
      const text = JSON.stringify({
        services: [{ type: 'web', name: 'shop', runtime: 'node', startCommand: 'x', envVars: [{ key, value: 'x' }] }],
      });
      await refused(kapal, key, ['plan', await kapal.project('plan', { 'kapal.yaml': text })]);
    }
    for (const path of ['../..', '/etc', 'a/../../b', '-rf', 'x\ny']) {
      const text = JSON.stringify({ services: [{ type: 'static', name: 'site', staticPublishPath: path }] });
      const ran = await kapal.run(
        'deploy',
        await kapal.project('site', { 'kapal.yaml': text, 'index.html': 'hello' }),
        '--json',
      );
      assert.notEqual(ran.code, 0, `${path}: ${ran.stdout}`);
    }

    const startCommand = `A="it's"\nB='two "words"  $HOME'; printf '%s|%s|%s\\n' "$A" "$B" '$(no)' "\`echo back\`";\nexec node 'server.js' # end`;
    const text = JSON.stringify({ services: [{ type: 'web', name: 'verbatim', runtime: 'node', startCommand }] });
    await kapal.deploy(await kapal.project('verbatim', { 'kapal.yaml': text, 'server.js': server }));
    const log = await eventually('what it printed', async () => {
      const { stdout } = await kapal.run('logs', 'verbatim');
      return stdout.includes('back||') ? stdout : null;
    });
    assert.ok(log.includes(`it's|two "words"  $HOME|$(no)`), log);
    assert.ok(!traces(kapal).some((path) => path.includes('touched')));
  });
});

type Asked = readonly [method: string, path: string, body: object | undefined];

async function refused(kapal: TestKapal, name: string, args: readonly string[]): Promise<Ran> {
  const ran = await kapal.run(...args);
  assert.ok(
    ran.code === 2,
    `${JSON.stringify(name)} in ${JSON.stringify(args)}: exit code ${ran.code}\n${ran.stdout}${ran.stderr}`,
  );
  assert.doesNotMatch(ran.stderr, /\(internal\)|\bat .*\.ts:\d+/, JSON.stringify(args));
  return ran;
}

/** Names of all that lies in the test's folder, but for files that come and go by themselves. */
function traces(kapal: TestKapal): string[] {
  const below = [...filesBelow(kapal.folder)]
    .map(({ path }) => path)
    .filter(
      (path) => !/\/(?:logs|record|runs|edge|cache)\//.test(path) && !path.startsWith(join(kapal.folder, 'plan')),
    );
  return [
    ...below,
    ...readdirSync(join(kapal.data, 'runs/runs')),
    ...processesOf(kapal)
      .filter(({ role }) => role === 'app')
      .map(({ run }) => run ?? ''),
  ].toSorted();
}
