import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusalOf, type Tree } from './source.ts';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';

const cargo = (name: string, more = '') => `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n${more}`;
const copy = (name: string, target = '') =>
  ` && mkdir -p target/release && cp "$CARGO_TARGET_DIR"/${target}release/${name} target/release/`;

interface Case {
  readonly name: string;
  readonly tree: Tree;
  readonly start: string;
  readonly build: string;
  readonly notes?: readonly RegExp[];
}

const cases: readonly Case[] = [
  {
    name: 'src/main.rs',
    tree: { 'Cargo.toml': cargo('shop'), 'src/main.rs': '' },
    start: './target/release/shop',
    build: `cargo build --release --bin shop${copy('shop')}`,
  },
  {
    name: 'a lock file',
    tree: { 'Cargo.toml': cargo('shop'), 'Cargo.lock': 'version = 3\n', 'src/main.rs': '' },
    start: './target/release/shop',
    build: `cargo build --release --locked --bin shop${copy('shop')}`,
  },
  {
    name: 'a program of another name for src/main.rs',
    tree: {
      'Cargo.toml': cargo('shop', '\n[[bin]]\nname = "shopd"\npath = "./src/main.rs"\n'),
      'src/main.rs': '',
      'src/lib.rs': '',
    },
    start: './target/release/shopd',
    build: `cargo build --release --bin shopd${copy('shopd')}`,
  },
  {
    name: 'the program called like its package, beside others in src/bin',
    tree: { 'Cargo.toml': cargo('shop'), 'src/main.rs': '', 'src/bin/seed.rs': '', 'src/bin/more/main.rs': '' },
    start: './target/release/shop',
    build: `cargo build --release --bin shop${copy('shop')}`,
    notes: [/other programs beside it: more, seed\..*startCommand: \.\/target\/release\/more/],
  },
  {
    name: 'programs that are named alone (autobins = false)',
    tree: {
      'Cargo.toml': cargo('shop', 'autobins = false\n\n[[bin]]\nname = "one"\npath = "src/one.rs"\n'),
      'src/main.rs': '',
    },
    start: './target/release/one',
    build: `cargo build --release --bin one${copy('one')}`,
  },
  {
    name: 'a workspace with a package at the top',
    tree: {
      'Cargo.toml': cargo('shop', '\n[workspace]\nmembers = ["lib", "xtask"]\n'),
      'src/main.rs': '',
      'lib/Cargo.toml': cargo('lib'),
      'lib/src/lib.rs': '',
      'xtask/Cargo.toml': cargo('xtask'),
      'xtask/src/main.rs': '',
    },
    start: './target/release/shop',
    build: `cargo build --release --package shop --bin shop${copy('shop')}`,
  },
  {
    name: 'default members, and members by a pattern that are left out',
    tree: {
      'Cargo.toml': '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/old"]\ndefault-members = ["crates/*"]\n',
      'crates/one/Cargo.toml': cargo('one'),
      'crates/one/src/main.rs': '',
      'crates/old/Cargo.toml': cargo('old'),
      'crates/old/src/main.rs': '',
    },
    start: './target/release/one',
    build: `cargo build --release --package one --bin one${copy('one')}`,
  },
  {
    name: 'the only member that answers requests',
    tree: {
      'Cargo.toml': '[workspace]\nmembers = ["tool", "site"]\n',
      'tool/Cargo.toml': cargo('tool'),
      'tool/src/main.rs': '',
      'site/Cargo.toml': cargo('site', '\n[dependencies]\nactix-web = { version = "4", default-features = false }\n'),
      'site/src/main.rs': '',
    },
    start: './target/release/site',
    build: `cargo build --release --package site --bin site${copy('site')}`,
    notes: [/other programs beside it: tool/],
  },
  {
    name: 'Rocket, which does not know PORT',
    tree: { 'Cargo.toml': cargo('shop', '\n[dependencies]\nrocket = "0.5"\n'), 'src/main.rs': '' },
    start: 'ROCKET_PORT=$PORT ./target/release/shop',
    build: `cargo build --release --bin shop${copy('shop')}`,
  },
  {
    name: 'another target in the settings of cargo',
    tree: {
      'Cargo.toml': cargo('shop'),
      'src/main.rs': '',
      '.cargo/config': '[build]\ntarget = "x86_64-unknown-linux-musl"\n',
    },
    start: './target/release/shop',
    build: `cargo build --release --bin shop${copy('shop', 'x86_64-unknown-linux-musl/')}`,
  },
];

describe('Rust', () => {
  for (const { name, tree, start, build, notes = [] } of cases) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'rust');
      assert.equal(outcome.service.commands.start, start);
      assert.deepEqual(commandsOf(outcome), [build]);
      assert.equal(outcome.notes.length, notes.length);
      for (const [at, note] of notes.entries()) assert.match(outcome.notes[at] ?? '', note);
    });
  }

  test('what cargo compiles stays in the service’s own cache', () => {
    const { recipe } = outcomeOf({ 'Cargo.toml': cargo('a'), 'src/main.rs': '' });
    assert.deepEqual(recipe.caches, { CARGO_HOME: 'cargo', CARGO_TARGET_DIR: 'cargo-target' });
  });

  test('a member with the lock file of its workspace', () => {
    const text = 'services:\n  - {type: web, name: shop, rootDir: site}\n';
    const tree = {
      'kapal.yaml': text,
      'Cargo.toml': '[workspace]\nmembers = ["site"]\n',
      'Cargo.lock': 'version = 3\n',
      'site/Cargo.toml': cargo('site'),
      'site/src/main.rs': '',
    };
    assert.deepEqual(commandsOf(outcomeOf(tree)), [`cargo build --release --locked --bin site${copy('site')}`]);
  });
});

describe('declared commands of Rust', () => {
  const of = (fields: string) =>
    outcomeOf({
      'kapal.yaml': `services:\n  - {type: web, name: shop, ${fields}}\n`,
      'Cargo.toml': cargo('shop'),
      'src/main.rs': '',
      'src/bin/seed.rs': '',
    });

  test('a start says which program is built', () => {
    const [build] = commandsOf(of('startCommand: ./target/release/seed --all'));
    assert.equal(build, `cargo build --release --bin seed${copy('seed')}`);
  });

  test('cargo run at each start keeps all that cargo needs in the release', () => {
    const outcome = of('startCommand: cargo run --release --bin shop');
    assert.deepEqual(outcome.recipe.caches, {});
    assert.deepEqual(commandsOf(outcome), ['cargo build --release --bin shop']);
  });

  test('a build has its target folder where it expects it, without what only cargo needs', () => {
    const outcome = of('buildCommand: cargo build --release --bin shop, startCommand: ./target/release/shop');
    assert.deepEqual(outcome.recipe.caches, { CARGO_HOME: 'cargo' });
    const [build, tidy, ...more] = commandsOf(outcome);
    assert.deepEqual([build, more], ['cargo build --release --bin shop', []]);
    assert.match(tidy ?? '', /^rm -rf target\/\*\/deps target\/\*\/\*\/deps .*target\/\*\/\.fingerprint/);
    assert.deepEqual(commandsOf(of('buildCommand: make, startCommand: ./out')), ['make']);
  });
});

describe('the Rust that a project asks for', () => {
  const asked = (tree: Tree) => {
    const version = needOf(outcomeOf({ 'src/main.rs': '', ...tree }), 'rustc')?.version;
    return [version?.range, version?.said];
  };
  const cases: readonly (readonly [tree: Tree, range: string, said: string])[] = [
    [{ 'Cargo.toml': '[package]\nname = "a"\n' }, '>=1.31', '1.31 or later'],
    [{ 'Cargo.toml': cargo('a') }, '>=1.56', '1.56 or later (edition 2021 of a)'],
    [{ 'Cargo.toml': cargo('a', 'rust-version = "1.70"\n') }, '>=1.70', '1.70 or later (rust-version of a)'],
    [
      { 'Cargo.toml': cargo('a'), 'Cargo.lock': '# generated\nversion = 4\n' },
      '>=1.78',
      '1.78 or later (version 4 of Cargo.lock)',
    ],
    [{ 'Cargo.toml': '[package]\nname = "a"\nedition = "2024"\n' }, '>=1.85', '1.85 or later (edition 2024 of a)'],
    [{ 'Cargo.toml': cargo('a'), 'rust-toolchain': '1.81.0\n' }, '>=1.81.0', '1.81.0 or later (rust-toolchain)'],
    [
      { 'Cargo.toml': cargo('a'), 'rust-toolchain.toml': '[toolchain]\nchannel = "stable"\n' },
      '>=1.56',
      '1.56 or later (edition 2021 of a)',
    ],
    [
      {
        'Cargo.toml': '[workspace]\nmembers = ["a"]\n\n[workspace.package]\nrust-version = "1.75"\n',
        'a/Cargo.toml': cargo('a', 'rust-version.workspace = true\n'),
        'a/src/main.rs': '',
      },
      '>=1.75',
      '1.75 or later (rust-version of the workspace)',
    ],
  ];
  for (const [tree, range, said] of cases) test(said, () => assert.deepEqual(asked(tree), [range, said]));

  test('bindings to OpenSSL need pkg-config, unless they bring it', () => {
    const of = (lock: string) =>
      needOf(outcomeOf({ 'Cargo.toml': cargo('a'), 'Cargo.lock': lock, 'src/main.rs': '' }), 'pkg-config')?.packages;
    assert.deepEqual(of('name = "openssl-sys"\n'), ['pkg-config', 'libssl-dev']);
    assert.equal(of('name = "openssl-sys"\nname = "openssl-src"\n'), undefined);
  });
});

describe('Rust that is refused', () => {
  const refused: readonly (readonly [name: string, tree: Tree, code: string, message: RegExp])[] = [
    ['a library', { 'Cargo.toml': cargo('a'), 'src/lib.rs': '' }, 'nothing_to_deploy', /it is a library/],
    [
      'several programs',
      { 'Cargo.toml': cargo('a'), 'src/bin/b.rs': '', 'src/bin/c.rs': '' },
      'nothing_to_deploy',
      /several programs, and does not say which is run: b, c$/,
    ],
    [
      'a name that is none',
      { 'Cargo.toml': cargo('a; id #'), 'src/main.rs': '' },
      'nothing_to_deploy',
      /^Cargo\.toml was found/,
    ],
    [
      'a Cargo.toml that is no TOML',
      { 'Cargo.toml': '[package\n', 'src/main.rs': '' },
      'declaration_invalid',
      /^Cargo\.toml:1:\d+: is not valid TOML/,
    ],
    [
      'a damaged member of a workspace',
      { 'Cargo.toml': '[workspace]\nmembers = ["a"]\n', 'a/Cargo.toml': 'x' },
      'declaration_invalid',
      /^a\/Cargo\.toml:1:\d+/,
    ],
  ];
  for (const [name, tree, code, message] of refused) {
    test(name, () => {
      const error = refusalOf(tree);
      assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
    });
  }

  test('a nightly toolchain, unless a command is declared that brings it', () => {
    const tree = { 'Cargo.toml': cargo('a'), 'src/main.rs': '', 'rust-toolchain': 'nightly\n' };
    assert.throws(() => outcomeOf(tree), { code: 'toolchain_missing', message: /^rust-toolchain asks for nightly/ });
    const text = 'services:\n  - {type: web, name: a, buildCommand: ./build.sh, startCommand: ./a}\n';
    assert.deepEqual(commandsOf(outcomeOf({ 'kapal.yaml': text, ...tree })), ['./build.sh']);
  });
});
