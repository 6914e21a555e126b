import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyService, read, refusalOf, type Tree } from './source.ts';

const manifest = (content: object) => JSON.stringify(content);
const react = {
  scripts: { start: 'react-scripts start', build: 'react-scripts build' },
  dependencies: { 'react-scripts': '5' },
};

describe('Node', () => {
  const cases: readonly (readonly [name: string, files: Tree, start: string, origin: string])[] = [
    ['a start script', { 'package.json': manifest({ scripts: { start: 'node .' } }) }, 'npm start', 'package.json'],
    [
      'a start script beside a Dockerfile and an index.html',
      { 'package.json': manifest({ scripts: { start: 'node .' } }), Dockerfile: '', 'index.html': '' },
      'npm start',
      'package.json',
    ],
    [
      'pnpm by its lockfile',
      { 'package.json': manifest({ scripts: { start: 'x' } }), 'pnpm-lock.yaml': '' },
      'pnpm start',
      'package.json',
    ],
    [
      'yarn by its lockfile',
      { 'package.json': manifest({ scripts: { start: 'x' } }), 'yarn.lock': '' },
      'yarn start',
      'package.json',
    ],
    [
      "npm's lockfile wins",
      { 'package.json': manifest({ scripts: { start: 'x' } }), 'yarn.lock': '', 'package-lock.json': '' },
      'npm start',
      'package.json',
    ],
    ['a server file', { 'package.json': '{}', 'server.js': '' }, 'node server.js', 'server.js'],
    ['a server file alone', { 'server.mjs': '' }, 'node server.mjs', 'server.mjs'],
    [
      'main',
      { 'package.json': manifest({ main: 'src/main.cjs' }), 'src/main.cjs': '', 'index.js': '' },
      'node src/main.cjs',
      'src/main.cjs',
    ],
    [
      'a script beside a page, with a server library',
      { 'package.json': manifest({ dependencies: { express: '5' } }), 'app.js': '', 'index.html': '' },
      'node app.js',
      'app.js',
    ],
    [
      'a start script that serves what vite built',
      {
        'package.json': manifest({
          scripts: { build: 'vite build', start: 'node server.js' },
          devDependencies: { vite: '7' },
        }),
      },
      'npm start',
      'package.json',
    ],
    [
      'a framework with a server of its own',
      {
        'package.json': manifest({
          scripts: { build: 'next build', start: 'next start' },
          dependencies: { next: '15' },
        }),
      },
      'npm start',
      'package.json',
    ],
  ];
  for (const [name, files, start, origin] of cases) {
    test(name, () => {
      const spec = read(files);
      const service = onlyService(spec);
      assert.deepEqual([service.name, service.type, service.runtime, service.instances], ['shop', 'web', 'node', 1]);
      assert.deepEqual(service.commands, { build: null, preDeploy: null, start });
      assert.deepEqual([spec.origin.kind, spec.origin.file], ['detected', origin]);
      assert.ok(spec.origin.why !== undefined);
    });
  }
});

describe('sites', () => {
  const cases: readonly (readonly [
    name: string,
    files: Tree,
    path: string,
    fallback: string | null,
    origin: string,
  ])[] = [
    [
      'vite',
      {
        'package.json': manifest({ scripts: { dev: 'vite', build: 'vite build' }, devDependencies: { vite: '7' } }),
        'index.html': '',
      },
      'dist',
      'index.html',
      'package.json',
    ],
    [
      'react-scripts, whose start is a development server',
      { 'package.json': manifest(react), 'public/index.html': '' },
      'build',
      'index.html',
      'package.json',
    ],
    [
      'a development server behind other words',
      {
        'package.json': manifest({
          ...react,
          scripts: { ...react.scripts, start: 'PORT=3006 cross-env A=b npx react-scripts start' },
        }),
      },
      'build',
      'index.html',
      'package.json',
    ],
    [
      'vue-cli',
      { 'package.json': manifest({ scripts: { build: 'x' }, devDependencies: { '@vue/cli-service': '5' } }) },
      'dist',
      'index.html',
      'package.json',
    ],
    [
      'astro, whose start is a development server',
      {
        'package.json': manifest({
          scripts: { start: 'astro dev', build: 'astro build' },
          dependencies: { astro: '5' },
        }),
      },
      'dist',
      null,
      'package.json',
    ],
    [
      'parcel with a folder',
      {
        'package.json': manifest({
          scripts: { build: 'parcel build index.html --dist-dir ./out' },
          devDependencies: { parcel: '2' },
        }),
      },
      'out',
      null,
      'package.json',
    ],
    ['files as they are', { 'index.html': '', 'app.js': '', 'a/b.css': '' }, '.', null, 'index.html'],
    [
      'files with tooling',
      { 'index.html': '', 'index.js': '', 'package.json': manifest({ devDependencies: { prettier: '3' } }) },
      '.',
      null,
      'index.html',
    ],
    [
      'files with a Dockerfile of their own',
      { 'public/index.html': '', Dockerfile: '' },
      'public',
      null,
      'public/index.html',
    ],
  ];
  for (const [name, files, path, fallback, origin] of cases) {
    test(name, () => {
      const spec = read(files);
      const service = onlyService(spec);
      assert.deepEqual(
        [service.type, service.runtime, service.publishPath, service.static, service.commands.build],
        ['static', 'static', path, { fallback }, null],
      );
      assert.equal(spec.origin.file, origin);
    });
  }
});

describe('Procfile', () => {
  const of = (text: string, more: Tree = {}) =>
    read({ Procfile: text, ...more }).services.map(({ name, type, commands }) => [
      name,
      type,
      commands.start,
      commands.preDeploy,
    ]);

  test('web takes the name of the project, release prepares it, others are workers', () => {
    assert.deepEqual(of('# processes\n\nrelease: npm run migrate\nweb: npm start\r\nmail_queue:   node queue.js  \n'), [
      ['shop', 'web', 'npm start', 'npm run migrate'],
      ['mail-queue', 'worker', 'node queue.js', null],
    ]);
  });

  test('lines end as they end anywhere; what begins with # is passed over, what stands behind a command belongs to it', () => {
    for (const end of ['\n', '\r\n', '\r'])
      assert.deepEqual(
        of(
          ['\uFEFF# first', '', '  # indented', 'web: npm start # not a comment', '\tmail :\tnode "a: b".js', ''].join(
            end,
          ),
        ),
        [
          ['shop', 'web', 'npm start # not a comment', null],
          ['mail', 'worker', 'node "a: b".js', null],
        ],
        JSON.stringify(end),
      );
  });

  test('what a process or a file told is kept with its line', () => {
    const { told } = read({ Procfile: '# x\nweb: npm start\nrelease: npm run migrate\n', 'package.json': '{}' });
    assert.deepEqual(
      told.map(({ service, field, file, line, why }) => `${service} ${field}: ${file}:${line ?? '-'} ${why}`),
      [
        'shop runtime: package.json:- it is there',
        'shop startCommand: Procfile:2 its process web',
        'shop preDeployCommand: Procfile:3 its process release',
      ],
    );
  });

  test('a process that is called as the project keeps its name', () => {
    assert.deepEqual(
      of('web: a\nshop: b\n').map(([name]) => name),
      ['web', 'shop'],
    );
  });

  test('without web, release prepares the first', () => {
    assert.deepEqual(of('clock: a\nrelease: b\n'), [['clock', 'worker', 'a', 'b']]);
  });

  test('wrong lines are refused, all of them, with their number', () => {
    const error = refusalOf({ Procfile: 'web npm start\n\nworker: a\nWorker: b\n-: x\nempty:\n' });
    assert.equal(error.code, 'declaration_invalid');
    assert.deepEqual(error.message.split('\n'), [
      'Procfile:1:1: expected NAME: COMMAND, found "web npm start"',
      'Procfile:4:1: Worker stands here twice',
      'Procfile:5:1: - has no letter or digit to make a name of',
      'Procfile:6:1: expected NAME: COMMAND, found "empty:"',
    ]);
    assert.equal(refusalOf({ Procfile: '\n' }).message, 'Procfile:1:1: names no process: write web: COMMAND');
  });

  test('of another language is refused with what was found', () => {
    const error = refusalOf({ Procfile: 'web: mix phx.server', 'mix.exs': '' });
    assert.deepEqual(
      [error.code, error.message],
      ['nothing_to_deploy', 'found Procfile, mix.exs (Elixir), which this version of Kapal does not build'],
    );
    assert.equal(refusalOf({ Procfile: 'release: x' }).code, 'nothing_to_deploy');
  });
});

describe('nothing to deploy', () => {
  const cases: readonly (readonly [name: string, files: Tree, message: RegExp, hint: RegExp])[] = [
    [
      'an empty source',
      { 'README.md': '' },
      /^the source has none of the files that tell what to run$/,
      /kapal\.yaml, kapal\.yml, render\.yaml, Procfile, package\.json and index\.html/,
    ],
    [
      'another language',
      { Dockerfile: '', 'mix.exs': '', 'index.html': '' },
      /^found Dockerfile, mix\.exs \(Elixir\), which/,
      /proxy service/,
    ],
    [
      'a framework of another language that builds its assets with vite',
      {
        'mix.exs': '',
        'package.json': manifest({ scripts: { build: 'vite build' }, devDependencies: { vite: '7' } }),
      },
      /^found mix\.exs \(Elixir\), which/,
      /proxy service/,
    ],
    [
      'a package that does not say how to start',
      { 'package.json': manifest({ main: 'dist/index.js', scripts: { build: 'tsc' } }) },
      /^package\.json was found, but it does not say how to start/,
      /start script/,
    ],
    [
      'a build into an unknown folder',
      { 'package.json': manifest({ scripts: { build: 'webpack' } }), 'index.html': '' },
      /^package\.json was found, but/,
      /kapal\.yaml/,
    ],
    [
      'several sites',
      { 'public/index.html': '', 'dist/index.html': '' },
      /^several folders have an index\.html: public, dist$/,
      /staticPublishPath/,
    ],
  ];
  for (const [name, files, message, hint] of cases) {
    test(name, () => {
      const error = refusalOf(files);
      assert.equal(error.code, 'nothing_to_deploy');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
    });
  }

  test('a package.json that is no JSON is refused with its place', () => {
    const error = refusalOf({ 'package.json': '{\n  "name": "a",\n}\n' });
    assert.deepEqual([error.code, error.message], ['declaration_invalid', 'package.json:3:1: is not valid JSON']);
    assert.equal(refusalOf({ 'package.json': '[]' }).message, 'package.json:1:1: is not a JSON object');
    assert.equal(refusalOf({ 'package.json': '['.repeat(50_000) }).code, 'declaration_invalid');
  });

  test('a package.json with odd types counts as one that says nothing', () => {
    assert.equal(
      refusalOf({ 'package.json': manifest({ scripts: ['a'], main: 5, dependencies: 'x', packageManager: {} }) }).code,
      'nothing_to_deploy',
    );
  });
});
