import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Spec } from '../../../src/spec/spec.ts';
import { importing } from '../convert/converting.ts';
import { onlyService, read, refusalOf, type Tree } from './source.ts';

const Procfile = 'web: npm start\nclock: node clock.js\nrelease: npm run migrate\n';
const node: Tree = { 'package.json': '{"scripts":{"start":"node server.js"}}' };

/** An app.json with a field on each line. */
const appJson = (app: object): string =>
  `{\n${Object.entries(app)
    .map(([key, value]) => ` ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(',\n')}\n}\n`;

const detected = (app: object, more: Tree = { Procfile }): Spec => read({ ...node, ...more, 'app.json': appJson(app) });

const warned = ({ warnings }: Spec): readonly string[] =>
  warnings.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);

describe('app.json at detection', () => {
  test('variables are given to every process, in a group: one value that is made serves all', () => {
    const spec = detected({
      env: {
        SECRET: { generator: 'secret' },
        TOKEN: { required: true, description: 'from the bank' },
        LEVEL: { value: 'info' },
        N: 5,
        OPTIONAL: { required: false },
      },
    });
    assert.deepEqual(spec.groups, [
      {
        name: 'app',
        variables: [
          { key: 'SECRET', value: { kind: 'generated' } },
          { key: 'TOKEN', value: { kind: 'prompt' } },
          { key: 'LEVEL', value: { kind: 'literal', text: 'info' } },
          { key: 'N', value: { kind: 'literal', text: '5' } },
        ],
      },
    ]);
    assert.deepEqual(
      spec.services.map(({ name, groups, variables }) => [name, groups, variables]),
      [
        ['shop', ['app'], []],
        ['clock', ['app'], []],
      ],
    );
    assert.deepEqual(spec.warnings, [], 'what is optional is nothing that is lost');
  });

  test('a further process moves no variable: a secret keeps its place', () => {
    const env = { SECRET: { generator: 'secret' } };
    const alone = detected({ env }, { Procfile: 'web: npm start\n' });
    assert.deepEqual([alone.groups, alone.services[0]?.groups], [detected({ env }).groups, ['app']]);
  });

  test('numbers, scripts, jobs and checks', () => {
    const spec = detected({
      name: 'My Shop',
      formation: { web: { quantity: 3 }, clock: { quantity: 2 } },
      scripts: { predeploy: 'echo before', postdeploy: { command: 'npm run seed' } },
      cron: [
        { command: 'node a.js', schedule: '0 3 * * *' },
        { command: 'node b.js', schedule: '@hourly', concurrency_policy: 'replace' },
      ],
      healthchecks: { web: [{ type: 'startup', path: '/up', content: 'ready', timeout: 3, interval: 7 }] },
    });
    assert.equal(spec.project, 'my-shop');
    assert.deepEqual(warned(spec), []);
    assert.deepEqual(
      spec.services.map(({ name, type, instances, commands, cron }) => [
        name,
        type,
        instances,
        commands.start,
        cron?.schedule,
        cron?.overlap,
      ]),
      [
        ['my-shop', 'web', 3, 'npm start', undefined, undefined],
        ['clock', 'worker', 2, 'node clock.js', undefined, undefined],
        ['cron', 'cron', 1, 'node a.js', '0 3 * * *', 'skip'],
        ['cron-2', 'cron', 1, 'node b.js', '@hourly', 'replace'],
      ],
    );
    const [web] = spec.services;
    assert.deepEqual(web?.commands.preDeploy, 'echo before && npm run migrate');
    assert.deepEqual(web?.commands.initialDeploy, 'npm run seed');
    assert.deepEqual(web?.health, { path: '/up', content: 'ready', timeout: 3000, interval: 7000 });
  });

  test('attempts and waits become the time that a start may take, never less than the usual', () => {
    const startOf = (check: object): number | undefined =>
      detected({ healthchecks: { web: [{ path: '/up', ...check }] } }).services[0]?.startTimeout;
    assert.equal(startOf({ attempts: 20, wait: 2, timeout: 3 }), 98_000);
    assert.equal(startOf({ initialDelay: 60 }), 85_000);
    assert.equal(startOf({ attempts: 2, wait: 1, timeout: 1 }), 30_000);
    assert.equal(startOf({ attempts: 999_999 }), 3_600_000);
  });

  test('a text without a path is looked for at the top', () => {
    const [web] = detected({ healthchecks: { web: [{ content: 'Welcome' }] } }).services;
    assert.deepEqual([web?.health.path, web?.health.content], ['/', 'Welcome']);
  });

  test('a second check of the same answer asks for nothing more, another one is named', () => {
    const check = { path: '/up', content: 'ok' };
    const spec = detected({
      healthchecks: { web: [{ type: 'startup', ...check }, { type: 'liveness', ...check }, { path: '/deep' }] },
    });
    assert.deepEqual(warned(spec), [
      'app.json:2:121: healthchecks.web[2]: one check of a path is taken, and this is another',
    ]);
    assert.equal(spec.services[0]?.health.path, '/up');
  });

  test('buildpacks choose among the languages that are there; the others are named as not used', () => {
    const both = {
      'requirements.txt': 'flask\ngunicorn\n',
      'app.py': 'from flask import Flask\napp = Flask(__name__)\n',
    };
    const asked = (buildpacks: readonly unknown[], more: Tree = both): Spec => detected({ buildpacks }, more);
    assert.equal(onlyService(read({ ...node, ...both })).runtime, 'node', 'without buildpacks');
    const python = asked([{ url: 'heroku/nodejs' }, { url: 'https://github.com/heroku/heroku-buildpack-python.git' }]);
    assert.equal(onlyService(python).runtime, 'python');
    assert.match(onlyService(python).commands.start ?? '', /gunicorn/);
    assert.deepEqual(warned(python), []);
    const processes = { ...both, Procfile: 'web: gunicorn app:app\nclock: python clock.py\n' };
    assert.deepEqual(
      asked(['heroku/nodejs'], processes).services.map(({ runtime }) => runtime),
      ['node', 'node'],
    );
    const odd = asked(['heroku/nodejs', { url: 'heroku-community/apt' }, 'urn:buildpack:heroku/ruby', 7]);
    assert.equal(onlyService(odd).runtime, 'node');
    assert.deepEqual(warned(odd), [
      'app.json:2:33: buildpacks[1]: "heroku-community/apt" is not used: a step that it did belongs in buildCommand',
      'app.json:2:64: buildpacks[2]: "urn:buildpack:heroku/ruby" is not used: no file here is of its language',
      'app.json:2:92: buildpacks[3]: "7" is not used: a step that it did belongs in buildCommand',
    ]);
  });

  test('whatever is not honoured is warned about by name, where it stands; texts for people are not', () => {
    const spec = detected({
      description: 'a shop',
      keywords: ['x'],
      stack: 'heroku-24',
      formation: { web: { size: 'basic' }, mail: { quantity: 1 }, clock: { quantity: 0 } },
      addons: [{ plan: 'heroku-redis:mini', as: 'CACHE', options: { a: 1 } }],
      cron: [{ command: 'x', schedule: '61 * * * *' }, { command: 'y' }, { command: 'z', schedule: '@daily', zone: 1 }],
      healthchecks: { web: [{ path: '/up', port: 5000, command: ['x'] }] },
      env: { '1A': 'x', B: { generator: 'uuid', wat: 1 }, C: [] },
      wat: 1,
    });
    assert.deepEqual(
      warned(spec).map((line) => line.replace(/^app\.json:(\d+):\d+: /, '$1 ')),
      [
        '4 stack: the system is that of your own server: it is left out',
        '5 formation.web.size: your own server has no sizes of dynos: memoryLimit bounds an instance',
        '5 formation.mail: no process of the Procfile has this name',
        '5 formation.clock.quantity: 0 runs nothing: it gets one instance; after the first deploy kapal stop clock',
        '6 addons[0]: "heroku-redis:mini" comes from no add-on here: run it yourself; CACHE_URL is declared with sync: false, and kapal env set gives its value',
        '6 addons[0].options: are for the provider of the add-on: they are left out',
        '7 cron[0]: "61 * * * *": "61" is no minute (0 to 59); the service is left out',
        '7 cron[1]: expected {command, schedule}: it is left out',
        '7 cron[2].zone: is no field of cron that Kapal knows: it is left out',
        '8 healthchecks.web[0].port: the app is asked at the PORT that Kapal gives it: it is left out',
        '8 healthchecks.web[0].command: a command inside of the instance is no check here: the path, or the port, is asked',
        '9 env.1A: "1A" is not the name of a variable',
        '9 env.B.generator: only the generator secret is known',
        '9 env.B.wat: is no field of env.B that Kapal knows: it is left out',
        '9 env.C: expected a value, or a mapping with one, found a list: it is left out',
        '10 wat: is no field of app.json that Kapal knows: it is left out',
      ],
    );
    assert.deepEqual(
      spec.services.map(({ name }) => name),
      ['shop', 'clock', 'cron-3'],
    );
    assert.deepEqual(spec.groups[0]?.variables.map(({ key }) => key).toSorted(), ['B', 'CACHE_URL']);
  });

  test('what env says of a variable counts before what an add-on gave', () => {
    const spec = detected({ addons: ['heroku-postgresql'], env: { DATABASE_URL: 'postgres://x' } });
    assert.deepEqual(spec.groups[0]?.variables, [
      { key: 'DATABASE_URL', value: { kind: 'literal', text: 'postgres://x' } },
    ]);
  });

  test('without a Procfile it stands over what the language tells, a site too', () => {
    const web = onlyService(detected({ formation: { web: { quantity: 2 } } }, {}));
    assert.deepEqual([web.commands.start, web.instances, web.runtime], ['npm start', 2, 'node']);
    const site = read({ 'index.html': 'x', 'app.json': appJson({ env: { A: '1' }, scripts: { predeploy: 'x' } }) });
    assert.deepEqual([onlyService(site).type, onlyService(site).publishPath], ['static', '.']);
    assert.equal(warned(site).length, 1);
    assert.match(
      warned(site)[0] ?? '',
      /^app\.json:3:\d+: scripts\.predeploy: has no meaning for a service of type static/,
    );
    const workspace = read({
      'package.json': '{"workspaces":["apps/*"]}',
      'apps/api/package.json': '{"scripts":{"start":"node ."}}',
      'app.json': appJson({ cron: [{ command: 'node job.js', schedule: '@daily' }] }),
    });
    assert.deepEqual(
      workspace.services.map(({ name, rootDir }) => [name, rootDir]),
      [
        ['shop', 'apps/api'],
        ['cron', 'apps/api'],
      ],
    );
  });

  test('a Procfile runs at the top, whatever package a workspace starts', () => {
    const spec = read({
      Procfile: 'web: node apps/api/server.js\n',
      'package.json': '{"workspaces":["apps/*"]}',
      'apps/api/package.json': '{"scripts":{"start":"node ."}}',
      'app.json': appJson({ env: { A: '1' } }),
    });
    assert.equal(onlyService(spec).rootDir, '.');
  });

  test('which file told each part, down to a variable', () => {
    const { told } = detected(
      { env: { A: '1' }, formation: { web: { quantity: 2 } } },
      { Procfile: 'web: npm start\n' },
    );
    assert.deepEqual(
      told.map(({ service, field, file, line, why }) => `${service ?? '-'} ${field}: ${file}:${line ?? '-'} ${why}`),
      [
        'shop runtime: package.json:- it is there',
        'shop startCommand: Procfile:1 its process web',
        'shop numInstances: app.json:3 formation.web.quantity',
        '- envVars.A: app.json:2 env.A',
      ],
    );
  });

  test("a file of another program's is no app of Heroku's", () => {
    for (const text of ['{"expo": {"name": "x"}}', '{"name": "x", "displayName": "X"}', '{}']) {
      const spec = read({ ...node, 'app.json': text });
      assert.deepEqual([spec.project, spec.warnings, spec.groups], ['shop', [], []], text);
    }
  });

  test('a damaged one is refused where it is damaged; a kapal.yaml stands over it', () => {
    const damaged = { ...node, 'app.json': '{\n  "env": {,}\n}\n' };
    const error = refusalOf(damaged);
    assert.equal(error.code, 'declaration_invalid');
    assert.equal(error.message, 'app.json:2:11: is not valid JSON');
    const other = read({ ...node, 'app.json': '{\n  "displayName": "x",,\n}\n' });
    assert.deepEqual([onlyService(other).name, other.warnings], ['shop', []], 'nothing in it is of Heroku');
    const declared = { ...damaged, 'kapal.yaml': 'services: [{type: web, name: api}]\n' };
    assert.deepEqual([onlyService(read(declared)).name, read(declared).told], ['api', []]);
  });

  test('tabs and a byte order mark are as good as blanks', () => {
    const spec = read({ ...node, 'app.json': '\uFEFF{\r\n\t"env": {\r\n\t\t"A": "1"\r\n\t}\r\n}\r\n' });
    assert.equal(spec.groups[0]?.variables[0]?.key, 'A');
  });

  test('a project that is asked for is called so', () => {
    const tree = { ...node, 'app.json': appJson({ name: 'Other', env: { A: '1' } }) };
    const spec = read(tree, { project: 'mine' });
    assert.deepEqual([spec.project, onlyService(spec).name], ['mine', 'mine']);
  });

  test('kapal import heroku makes the same of it', () => {
    const app = {
      name: 'My Shop',
      env: { SECRET: { generator: 'secret' }, TOKEN: {}, LEVEL: 'info' },
      formation: { web: { quantity: 3 } },
      scripts: { dokku: { predeploy: 'echo before' }, postdeploy: 'npm run seed' },
      cron: [{ command: 'node a.js', schedule: '0 3 * * *' }],
      healthchecks: { web: [{ path: '/up', content: 'ready', attempts: 30 }] },
      addons: ['heroku-postgresql:mini'],
      buildpacks: ['heroku/nodejs'],
    };
    const imported = importing('heroku', { tree: { 'app.json': appJson(app), Procfile } });
    const said = ({ project, services, groups }: Spec): unknown => ({ project, services, groups });
    assert.deepEqual(said(read({ ...node, 'kapal.yaml': imported.declaration })), said(detected(app)));
  });
});
