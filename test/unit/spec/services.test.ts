import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDeclaration } from '../../../src/spec/read.ts';
import { onlyService, problemsOf, read, refusalOf, type Tree, warningsOf } from './source.ts';

const proxyOf = (address: string) =>
  `services: [{type: proxy, name: p, upstreams: [{address: ${JSON.stringify(address)}}]}]`;

describe('types', () => {
  test("Render's static site is of type static", () => {
    const service = onlyService(
      read({ 'render.yaml': 'services: [{type: web, name: a, runtime: static, staticPublishPath: ./dist}]' }),
    );
    assert.deepEqual(
      [service.type, service.runtime, service.publishPath, service.static],
      ['static', 'static', 'dist', { fallback: null }],
    );
  });

  test('of later versions are refused once, and nothing else of such a service is looked at', () => {
    assert.deepEqual(problemsOf('services:\n  - type: workflow\n    name: tick\n    plan: free\n    nonsense: 1\n'), [
      'kapal.yaml:2:11: services[0].type: workflow: workflows are not supported by this version of Kapal',
    ]);
    for (const type of ['keyvalue', 'redis', 'workflow']) {
      assert.match(
        problemsOf(`services: [{type: ${type}, name: a}]`).join('\n'),
        new RegExp(`^kapal.yaml:1:19: services\\[0\\].type: ${type}: .* not supported`),
      );
    }
  });

  test('that are unknown are refused with the nearest', () => {
    assert.deepEqual(problemsOf('services: [{type: wob, name: a}]'), [
      'kapal.yaml:1:19: services[0].type: expected one of web, pserv, worker, cron, static, proxy, found "wob", did you mean web?',
    ]);
  });

  test('and names are needed', () => {
    assert.deepEqual(problemsOf('services:\n  - plan: free\n'), [
      'kapal.yaml:2:5: services[0].type: is missing',
      'kapal.yaml:2:5: services[0].name: is missing',
    ]);
  });
});

describe('names', () => {
  test('are made valid with a warning', () => {
    const text = 'project: My Shop\nservices: [{type: web, name: API_v2, startCommand: x}]';
    assert.deepEqual(warningsOf(text), [
      'kapal.yaml:1:1: project: "My Shop" is not a valid name: the project is called my-shop',
      'kapal.yaml:2:24: services[0].name: API_v2 is not a valid name: the service is called api-v2',
    ]);
    const spec = read({ 'kapal.yaml': text });
    assert.equal(spec.project, 'my-shop');
    assert.equal(onlyService(spec).name, 'api-v2');
  });

  test('of two services must differ, also after they were made valid', () => {
    const text =
      'services:\n  - {type: worker, name: Job, startCommand: x}\n  - {type: worker, name: job, startCommand: x}\n';
    assert.deepEqual(problemsOf(text), ['kapal.yaml:3:20: services[1].name: job is the name of services[0] too']);
  });

  test('with no letter and no digit are refused', () => {
    assert.deepEqual(problemsOf('services: [{type: web, name: "--", startCommand: x}]'), [
      'kapal.yaml:1:24: services[0].name: -- has no letter or digit to make a name of',
    ]);
  });

  test('of the project: the caller first, then the file, then the source', () => {
    const tree = { 'kapal.yaml': 'project: declared\nservices: [{type: worker, name: a, startCommand: x}]' };
    assert.equal(read(tree, { project: 'chosen', name: 'source' }).project, 'chosen');
    assert.equal(read(tree, { name: 'source' }).project, 'declared');
    assert.equal(read({ 'index.html': '' }, { name: 'My Source' }).project, 'my-source');
    assert.equal(refusalOf({ 'index.html': '' }, { name: '世界' }).code, 'name_invalid');
  });

  test('of domains belong to one service', () => {
    const text =
      'services:\n  - {type: web, name: a, startCommand: x, domains: [x.example.com]}\n  - {type: web, name: b, startCommand: x, domain: X.example.com}\n';
    assert.deepEqual(problemsOf(text), ['kapal.yaml:3:43: services[1].domain: x.example.com is a domain of a too']);
  });
});

describe('upstreams', () => {
  test('are host and port, with a weight', () => {
    const cases: readonly (readonly [string, string, number])[] = [
      ['172.29.56.104:3000', '172.29.56.104', 3000],
      ['http://App.internal:8080', 'app.internal', 8080],
      ['http://app.internal/', 'app.internal', 80],
      ['my_app:3000', 'my_app', 3000],
      ['[::1]:3000', '::1', 3000],
      ['http://[2001:db8::5]:80', '2001:db8::5', 80],
    ];
    for (const [address, host, port] of cases) {
      assert.deepEqual(
        onlyService(read({ 'kapal.yaml': proxyOf(address) })).upstreams,
        [{ host, port, weight: 1 }],
        address,
      );
    }
  });

  test('of another form are refused', () => {
    for (const address of [
      'app',
      '3000',
      ':3000',
      'app:0',
      'app:65536',
      'app:3000/path',
      'http://app/path',
      'a b:1',
      '1.2.3:80',
      '1.2.3.400:80',
      '[::1]',
      '[1::2::3]:80',
      '[1:2:3]:80',
      'user@app:80',
      '*.app:80',
      'ftp://app:80',
      'app:80/',
    ]) {
      assert.match(
        problemsOf(proxyOf(address)).join('\n'),
        /^kapal\.yaml:1:\d+: services\[0\]\.upstreams\[0\]\.address: expected host:port/,
        address,
      );
    }
  });

  test('over TLS are all so, or none', () => {
    const service = onlyService(read({ 'kapal.yaml': proxyOf('https://App.example.com') }));
    assert.deepEqual(service.upstreams, [{ host: 'app.example.com', port: 443, weight: 1 }]);
    assert.deepEqual(service.edge.upstreamTls, { serverName: null, verify: true });
    const both = 'services:\n  - {type: proxy, name: p, upstreams: [{address: "https://a"}, {address: "http://b"}]}\n';
    assert.deepEqual(problemsOf(both), [
      'kapal.yaml:2:65: services[0].upstreams[1].address: some are http and some https: declare a proxy for each',
    ]);
  });

  test('stand there at least once, and each one once', () => {
    assert.deepEqual(problemsOf('services: [{type: proxy, name: p}]'), [
      'kapal.yaml:1:12: services[0].upstreams: a proxy needs at least one',
    ]);
    assert.deepEqual(problemsOf('services: [{type: proxy, name: p, upstreams: []}]'), [
      'kapal.yaml:1:35: services[0].upstreams: a proxy needs at least one',
    ]);
    const twice =
      'services:\n  - type: proxy\n    name: p\n    upstreams:\n      - {address: "a:1", weight: 2}\n      - {address: "A:1"}\n';
    assert.deepEqual(problemsOf(twice), [
      'kapal.yaml:6:10: services[0].upstreams[1].address: a:1 stands here twice: give it a weight instead',
    ]);
  });
});

describe('how a service is started', () => {
  const without = 'services: [{type: web, name: api, rootDir: api}]';
  const cases: readonly (readonly [string, Tree, string])[] = [
    ['the start script by npm', { 'api/package.json': '{"scripts":{"start":"x"}}' }, 'npm start'],
    [
      'by the lockfile of the folder',
      { 'api/package.json': '{"scripts":{"start":"x"}}', 'api/yarn.lock': '', 'package-lock.json': '' },
      'yarn start',
    ],
    [
      'by the lockfile of the workspace',
      {
        'api/package.json': '{"scripts":{"start":"x"}}',
        'package.json': '{}',
        'pnpm-workspace.yaml': 'packages: [api]',
        'pnpm-lock.yaml': '',
      },
      'pnpm start',
    ],
    [
      'by the field packageManager',
      { 'api/package.json': '{"packageManager":"pnpm@9.1.0","scripts":{"start":"x"}}', 'yarn.lock': '' },
      'pnpm start',
    ],
    [
      'the file that main names',
      { 'api/package.json': '{"main":"./src/run.mjs"}', 'api/src/run.mjs': '' },
      'node src/run.mjs',
    ],
    ['a usual file', { 'api/package.json': '{"main":"gone.js"}', 'api/app.js': '', 'api/index.js': '' }, 'node app.js'],
    [
      'a file with a strange name',
      { 'api/package.json': '{"main":"it\'s $(mine).js"}', "api/it's $(mine).js": '' },
      "node './it'\\''s $(mine).js'",
    ],
  ];
  for (const [name, files, command] of cases) {
    test(name, () => assert.equal(onlyService(read({ 'kapal.yaml': without, ...files })).commands.start, command));
  }

  test('must be known', () => {
    assert.deepEqual(problemsOf(without, { 'api/x': '' }), [
      'kapal.yaml:1:12: services[0].startCommand: is missing, and there is no package.json in api',
    ]);
    assert.deepEqual(problemsOf(without, { 'api/package.json': '{}' }), [
      'kapal.yaml:1:12: services[0].startCommand: is missing, and api/package.json does not say how to start: it has no start script, no server file, and no framework with a known output',
    ]);
    assert.deepEqual(problemsOf(without, { 'api/package.json': '{"a":\n x}' }), [
      'kapal.yaml:1:35: services[0].rootDir: api/package.json is not valid JSON (line 2, column 2)',
    ]);
    assert.deepEqual(problemsOf(without), ['kapal.yaml:1:35: services[0].rootDir: the source has no folder api']);
  });

  test('is not said to be missing beside the field that was meant', () => {
    assert.deepEqual(problemsOf('services:\n  - type: web\n    name: a\n    startComand: x\n'), [
      'kapal.yaml:4:5: services[0].startComand: unknown field, did you mean startCommand?',
    ]);
  });

  test('in another language is refused, unless the runtime is declared', () => {
    const text = 'services: [{type: web, name: api, startCommand: x}]';
    assert.deepEqual(problemsOf(text, { 'mix.exs': '' }), [
      'kapal.yaml:1:12: services[0].runtime: is missing, and the files are of a language that this version of Kapal does not build: mix.exs (Elixir)',
    ]);
    assert.equal(
      onlyService(read({ 'kapal.yaml': text.replace('}', ', runtime: node}'), 'mix.exs': '' })).runtime,
      'node',
    );
  });
});

describe('the folder of a static site', () => {
  const site = 'services: [{type: static, name: s, rootDir: web}]';
  const build = '{"scripts":{"build":"x"},"devDependencies":{"vite":"7"}}';
  test('is seen from the files', () => {
    const pathOf = (files: Tree) => onlyService(read({ 'kapal.yaml': site, ...files })).publishPath;
    assert.equal(pathOf({ 'web/package.json': build }), 'dist');
    assert.equal(pathOf({ 'web/package.json': build.replace('"x"', '"vite build --outDir ./site/"') }), 'site');
    assert.equal(
      pathOf({ 'web/package.json': build, 'web/vite.config.ts': "export default { build: { outDir: 'out' } }" }),
      'out',
    );
    assert.equal(pathOf({ 'web/index.html': '' }), '.');
    assert.equal(pathOf({ 'web/public/index.html': '' }), 'public');
  });

  test('is refused where it is not clear', () => {
    const problem =
      'kapal.yaml:1:12: services[0].staticPublishPath: is missing, and the files in web do not tell which folder is served';
    for (const files of [
      { 'web/a': '' },
      { 'web/dist/index.html': '', 'web/public/index.html': '' },
      { 'web/index.html': '', 'web/package.json': '{"scripts":{"build":"x"}}' },
    ]) {
      assert.deepEqual(problemsOf(site, files), [problem]);
    }
  });

  test('is taken as Render writes it, from the top of the repository', () => {
    const text = site.replace('}', ', staticPublishPath: web/dist}');
    assert.equal(onlyService(read({ 'kapal.yaml': text, 'web/a': '' })).publishPath, 'dist');
    assert.deepEqual(warningsOf(text, { 'web/a': '' }), [
      'kapal.yaml:1:50: services[0].staticPublishPath: is counted from rootDir: web/dist is taken as dist in web',
    ]);
  });
});

describe('repo and branch', () => {
  const tree = {
    'render.yaml':
      'services:\n  - {type: worker, name: a, startCommand: x, runtime: node, repo: "https://github.com/me/shop", branch: main}\n',
  };
  const warnings = (options: Parameters<typeof read>[1]) =>
    read(tree, options).warnings.map((warning) => warning.message);

  test('that are deployed say nothing', () => {
    for (const url of ['https://github.com/me/shop.git', 'git@GitHub.com:me/shop', 'ssh://git@github.com/me/shop/'])
      assert.deepEqual(warnings({ url, branch: 'main' }), [], url);
  });

  test('of another source are refused, another branch is warned about', () => {
    assert.match(
      refusalOf(tree, { url: 'https://github.com/me/other' }).message,
      /^render\.yaml:2:61: services\[0\]\.repo: "https:\/\/github\.com\/me\/shop" is another repository than the one that is deployed/,
    );
    assert.deepEqual(warnings({ url: 'https://github.com/me/shop', branch: 'next' }), [
      'services[0].branch: is ignored: the branch that is deployed is next; kapal deploy --branch chooses another',
    ]);
  });

  test('of a folder are warned about; two different repositories cannot both be it', () => {
    assert.equal(warnings({}).length, 2);
    const two = {
      'render.yaml': `${tree['render.yaml']}  - {type: worker, name: b, startCommand: x, runtime: node, repo: "https://github.com/me/b"}\n`,
    };
    assert.match(
      refusalOf(two).message,
      /services\[1\]\.repo: .* is another repository than the one of another service/,
    );
  });
});

describe('which file counts', () => {
  const service = (name: string) => `services: [{type: worker, name: ${name}, startCommand: x}]`;
  test('kapal.yaml, then kapal.yml, then render.yaml, then what the files tell', () => {
    const all = {
      'kapal.yaml': service('a'),
      'kapal.yml': service('b'),
      'render.yaml': service('c'),
      Procfile: 'd: x',
    };
    const first = read(all);
    assert.equal(onlyService(first).name, 'a');
    assert.deepEqual(first.origin, { kind: 'declared', file: 'kapal.yaml' });
    assert.deepEqual(first.warnings, [
      { message: 'is not read: kapal.yaml stands beside it', file: 'kapal.yml', line: 1, column: 1 },
    ]);
    assert.equal(onlyService(read({ 'kapal.yml': service('b'), 'render.yaml': service('c') })).name, 'b');
    assert.equal(onlyService(read({ 'render.yaml': service('c'), Procfile: 'd: x' })).name, 'c');
    assert.equal(onlyService(read({ Procfile: 'd: x' })).name, 'd');
  });

  test('a declaration that cannot be read is not taken for none', () => {
    const files = { read: () => null, head: () => null, list: () => ['index.html', 'kapal.yaml'] };
    assert.throws(() => readDeclaration(files, { name: 'shop' }), {
      code: 'declaration_invalid',
      message: /^kapal\.yaml:1:1: /,
    });
  });
});

test('a spec is frozen, all of it', () => {
  const spec = read({
    'kapal.yaml': 'services: [{type: web, name: a, startCommand: x, envVars: [{key: A, value: b}]}]',
  });
  const parts: unknown[] = [spec];
  for (const part of parts) {
    assert.ok(Object.isFrozen(part));
    const inner: readonly unknown[] = Object.values(part ?? {});
    parts.push(...inner.filter((value) => typeof value === 'object' && value !== null));
  }
  assert.ok(parts.length > 10);
});
