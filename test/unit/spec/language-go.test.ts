import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyService, read, refusalOf, type Tree } from './source.ts';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';

const guard = 'command -v "${CC:-gcc}" >/dev/null || export CGO_ENABLED=0; ';
const main = 'package main\n\nfunc main() {}\n';
const mod = (name: string, more = '') => `module ${name}\n\ngo 1.20\n${more}`;

interface Case {
  readonly name: string;
  readonly tree: Tree;
  readonly start: string;
  readonly build: string;
  readonly notes?: readonly RegExp[];
}

const cases: readonly Case[] = [
  {
    name: 'a program at the top',
    tree: { 'go.mod': mod('example.com/shop'), 'main.go': main },
    start: './bin/shop',
    build: `${guard}go build -trimpath -o ./bin/shop .`,
  },
  {
    name: 'a module of a later major version, of gopkg.in, and with a quoted name',
    tree: { 'go.mod': mod('"gopkg.in/ada/shop.v3"'), 'server.go': main },
    start: './bin/shop',
    build: `${guard}go build -trimpath -o ./bin/shop .`,
  },
  {
    name: 'one program in cmd, beside a library at the top',
    tree: { 'go.mod': mod('example.com/lib'), 'lib.go': 'package lib\n', 'cmd/served/main.go': main },
    start: './bin/served',
    build: `${guard}go build -trimpath -o ./bin/served ./cmd/served`,
  },
  {
    name: 'cmd itself, named after its module',
    tree: { 'go.mod': mod('example.com/shop'), 'cmd/main.go': main },
    start: './bin/shop',
    build: `${guard}go build -trimpath -o ./bin/shop ./cmd`,
  },
  {
    name: 'the one called like the module, with a note on the other',
    tree: { 'go.mod': mod('example.com/shop'), 'cmd/shop/main.go': main, 'cmd/seed/main.go': main },
    start: './bin/shop',
    build: `${guard}go build -trimpath -o ./bin/shop ./cmd/shop`,
    notes: [/other programs beside it: \.\/cmd\/seed\..*startCommand: \.\/bin\/seed/],
  },
  {
    name: 'a program in another folder, past tools, examples and files that are built by themselves alone',
    tree: {
      'go.mod': mod('example.com/shop'),
      'gen.go': '//go:build ignore\n\npackage main\n',
      'gen_old.go': '// +build ignore\n\npackage main\n',
      'main_test.go': main,
      'server/main.go': main,
      'tools/main.go': main,
      'examples/main.go': main,
    },
    start: './bin/server',
    build: `${guard}go build -trimpath -o ./bin/server ./server`,
  },
  {
    name: 'a license of many lines before the package',
    tree: { 'go.mod': mod('example.com/shop'), 'main.go': `/*\n${'license\n'.repeat(100)}*/\n\n${main}` },
    start: './bin/shop',
    build: `${guard}go build -trimpath -o ./bin/shop .`,
  },
  {
    name: 'a workspace of modules',
    tree: {
      'go.work': 'go 1.20\n\nuse ./api\nuse ./lib\n',
      'api/go.mod': mod('example.com/api'),
      'api/cmd/api/main.go': main,
      'lib/go.mod': mod('example.com/lib'),
      'lib/lib.go': 'package lib\n',
    },
    start: './bin/api',
    build: `${guard}go build -trimpath -o ./bin/api ./api/cmd/api`,
  },
  {
    name: 'vendored modules',
    tree: { 'go.mod': mod('example.com/shop'), 'main.go': main, 'vendor/modules.txt': '' },
    start: './bin/shop',
    build: `${guard}go build -trimpath -mod=vendor -o ./bin/shop .`,
  },
];

describe('Go', () => {
  for (const { name, tree, start, build, notes = [] } of cases) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'go');
      assert.equal(outcome.service.commands.start, start);
      assert.deepEqual(commandsOf(outcome), [build]);
      assert.equal(outcome.notes.length, notes.length);
      for (const [at, note] of notes.entries()) assert.match(outcome.notes[at] ?? '', note);
    });
  }

  test('its caches are the service’s own, and no other Go is fetched', () => {
    const { recipe } = outcomeOf({ 'go.mod': mod('a'), 'main.go': main });
    assert.deepEqual(recipe.caches, { GOCACHE: 'go-build', GOMODCACHE: 'go-mod' });
    assert.deepEqual([recipe.environment, recipe.path], [{ GOTOOLCHAIN: 'local' }, ['bin']]);
  });
});

describe('a declared start of Go', () => {
  const of = (start: string, tree: Tree) => {
    const text = `services:\n  - {type: web, name: shop, runtime: go, startCommand: ${JSON.stringify(start)}}\n`;
    return outcomeOf({ 'kapal.yaml': text, ...tree });
  };
  const two: Tree = { 'go.mod': mod('example.com/x'), 'cmd/web/main.go': main, 'cmd/mail/main.go': main };

  test('says which program is built, and where it lies', () => {
    const build = (start: string) => commandsOf(of(start, two))[0]?.slice(guard.length);
    assert.equal(build('./bin/mail --now'), 'go build -trimpath -o ./bin/mail ./cmd/mail');
    assert.equal(build('A=b exec bin/web'), 'go build -trimpath -o ./bin/web ./cmd/web');
    assert.equal(build('mail'), 'go build -trimpath -o ./bin/mail ./cmd/mail');
    assert.equal(build('./other'), 'go build -trimpath -o ./other ./cmd/web');
    const alike: Tree = { 'go.mod': mod('example.com/x'), 'cmd/one/main.go': main, 'cmd/two/main.go': main };
    assert.match(commandsOf(of('./start.sh', alike))[0] ?? '', /-o \.\/bin\/ \.\/cmd\/one \.\/cmd\/two$/);
  });

  test('of the only program gets it at the place that it names, as on Render', () => {
    const tree = { 'go.mod': mod('example.com/x'), 'main.go': main };
    assert.match(commandsOf(of('./app', tree))[0] ?? '', /-o \.\/app \.$/);
    assert.match(commandsOf(of('./start.sh', tree))[0] ?? '', /-o \.\/bin\/x \.$/);
    assert.match(commandsOf(of('../app', tree))[0] ?? '', /-o \.\/bin\/x \.$/);
  });

  test('by go run has the caches where go looks for them by itself', () => {
    assert.deepEqual(of('go run .', { 'go.mod': mod('x'), 'main.go': main }).recipe.caches, {});
  });

  test('with a declared build runs that alone', () => {
    const text = 'services:\n  - {type: web, name: shop, buildCommand: make, startCommand: ./out/shop}\n';
    assert.deepEqual(commandsOf(outcomeOf({ 'kapal.yaml': text, 'go.mod': mod('x'), 'main.go': main })), ['make']);
  });
});

describe('the Go that a project asks for', () => {
  const asked = (text: string, more: Tree = {}) => {
    const need = needOf(outcomeOf({ 'go.mod': text, 'main.go': main, ...more }), 'go');
    return [need?.version?.range, need?.version?.said];
  };
  const cases: readonly (readonly [text: string, range: string, said: string])[] = [
    ['module a\n', '>=1.11', '1.11 or later'],
    ['module a\ngo 1.9\n', '>=1.9', '1.9 or later (the go line of go.mod)'],
    ['module a\ngo 1.22.1 // newest\n', '>=1.22.1', '1.22.1 or later (the go line of go.mod)'],
    ['module a\ngo 1.23\ntoolchain go1.24.1\n', '>=1.23', '1.23 or later (the go line of go.mod)'],
    ['module a\ngo 1.18\ntoolchain go1.21.0\n', '>=1.21', '1.21 or later (the toolchain line of go.mod)'],
  ];
  for (const [text, range, said] of cases)
    test(JSON.stringify(text), () => assert.deepEqual(asked(text), [range, said]));

  test('in a workspace is the newest of all', () => {
    const tree = { 'go.work': 'go 1.18\nuse (\n\t.\n\t./lib\n)\n', 'lib/go.mod': 'module lib\n\ngo 1.21\n' };
    assert.deepEqual(asked('module a\n\ngo 1.19\n', tree), ['>=1.21', '1.21 or later (the go line of lib/go.mod)']);
  });

  test('a module that is bound to C needs a compiler', () => {
    const outcome = outcomeOf({ 'go.mod': mod('a', 'require github.com/mattn/go-sqlite3 v1.14.0\n'), 'main.go': main });
    assert.deepEqual(needOf(outcome, 'gcc')?.packages, ['gcc', 'libc6-dev']);
    assert.deepEqual(commandsOf(outcome), ['go build -trimpath -o ./bin/a .']);
  });
});

describe('Go that does not say what to run', () => {
  const refused: readonly (readonly [name: string, tree: Tree, message: RegExp, hint: RegExp])[] = [
    [
      'a library',
      { 'go.mod': mod('a'), 'a.go': 'package a\n' },
      /^go\.mod was found, but it does not say what to run: there is no package main/,
      /rootDir/,
    ],
    [
      'several programs',
      { 'go.mod': mod('x'), 'cmd/a/main.go': main, 'cmd/b/main.go': main },
      /several programs, and none is called as the module: \.\/cmd\/a, \.\/cmd\/b$/,
      /startCommand: \.\/bin\/a/,
    ],
    [
      'packages from elsewhere without a go.mod',
      { 'main.go': 'package main\n\nimport "github.com/gin-gonic/gin"\n' },
      /imports github\.com\/gin-gonic\/gin/,
      /go mod init/,
    ],
    ['a lock file of glide', { 'glide.yaml': '', 'app.go': main }, /there is no go\.mod/, /go mod init/],
  ];
  for (const [name, tree, message, hint] of refused) {
    test(name, () => {
      const error = refusalOf(tree);
      assert.equal(error.code, 'nothing_to_deploy');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
    });
  }

  test('in a declaration is refused at its service', () => {
    const error = refusalOf({
      'kapal.yaml': 'services:\n  - {type: web, name: shop, rootDir: api}\n',
      'api/go.mod': mod('a'),
      'api/a.go': 'package a\n',
    });
    assert.match(
      error.message,
      /^kapal\.yaml:2:5: services\[0\]\.startCommand: is missing, and api\/go\.mod does not say what to run/,
    );
  });

  test('beside a package.json that starts a server is that server', () => {
    const tree = { 'go.mod': mod('a'), 'main.go': main, 'package.json': '{"scripts":{"start":"node ."}}' };
    assert.equal(onlyService(read(tree)).runtime, 'node');
  });
});
