import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { satisfies } from 'semver';
import { rangeOf } from '../../../src/spec/language/ruby/version.ts';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';
import { refusalOf, type Tree } from './source.ts';

const lock = (gems: readonly string[], platforms = ['ruby', 'x86_64-linux']) =>
  [
    'GEM',
    '  remote: https://rubygems.org/',
    '  specs:',
    ...gems,
    '',
    'PLATFORMS',
    ...platforms.map((name) => `  ${name}`),
    '',
    'DEPENDENCIES',
    '  rails (~> 7.1)',
    '',
    'BUNDLED WITH',
    '   2.4.10',
    '',
  ].join('\n');
const railsLock = lock([
  '    nio4r (2.7.0)',
  '    pg (1.5.4)',
  '    puma (6.4.0)',
  '      nio4r (~> 2.0)',
  '    rails (7.1.2)',
  '      railties (= 7.1.2)',
  '    railties (7.1.2)',
  '    sprockets-rails (3.4.2)',
]);
const railsGems = `source "https://rubygems.org"
ruby "3.2.2"
gem "rails", "~> 7.1.2"
gem "sprockets-rails"
gem "pg", "~> 1.1"
gem "puma", ">= 5.0"
group :development, :test do
  gem "debug"
  gem "sqlite3"
end
gem "web-console", group: :development
`;
const rails: Tree = {
  Gemfile: railsGems,
  'Gemfile.lock': railsLock,
  'config/application.rb': '',
  'config/database.yml': 'production:\n  adapter: postgresql\n  url: <%= ENV["DATABASE_URL"] %>\n',
  'config/credentials.yml.enc': 'x',
  'db/migrate/20240101_a.rb': '',
  'app/assets/config/manifest.js': '',
};
const railsStart = 'bundle exec rails server -b $HOST -p $PORT -e production -P ${TMPDIR:-/tmp}/rails-$$.pid';
const assets = (task: string) =>
  `SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE="\${SECRET_KEY_BASE:-of-no-use-but-for-assets}" ${task}`;
const rack = { 'config.ru': 'run App' };

interface Case {
  readonly name: string;
  readonly tree: Tree;
  readonly start: string;
  readonly commands: readonly string[];
  readonly preDeploy?: string;
  readonly notes?: readonly RegExp[];
}

const cases: readonly Case[] = [
  {
    name: 'Rails with assets and migrations',
    tree: rails,
    start: railsStart,
    commands: ['bundle install', assets('bundle exec rails assets:precompile')],
    preDeploy: 'bundle exec rails db:migrate',
    notes: [/RAILS_MASTER_KEY/],
  },
  {
    name: 'Rails for an API, without migrations, on SQLite',
    tree: {
      Gemfile: 'gem "rails"\ngem "puma"\ngem "sqlite3"\n',
      'config/application.rb': '',
      'config/database.yml':
        'default: &default\n  adapter: sqlite3\nproduction:\n  <<: *default\n  database: db/production.sqlite3\n',
    },
    start: railsStart,
    commands: ['bundle install'],
    notes: [/SECRET_KEY_BASE/, /SQLite file in the release/],
  },
  {
    name: 'Rails 4, whose tasks are of rake',
    tree: {
      ...rails,
      'Gemfile.lock': railsLock.replaceAll('7.1.2', '4.2.11'),
    },
    start: railsStart,
    commands: ['bundle install', assets('bundle exec rake assets:precompile')],
    preDeploy: 'bundle exec rake db:migrate',
    notes: [/RAILS_MASTER_KEY/],
  },
  {
    name: 'Sinatra with config.ru and puma',
    tree: {
      ...rack,
      Gemfile: "source 'https://rubygems.org'\ngem 'sinatra'\ngem 'puma'\n",
      'app.rb': "require 'sinatra/base'",
    },
    start: 'bundle exec puma -b tcp://$HOST:$PORT -e production',
    commands: ['bundle install'],
  },
  {
    name: 'Sinatra of one file',
    tree: { Gemfile: "gem 'sinatra'", 'web.rb': "require 'sinatra'\nget('/') { 'hello' }\n" },
    start: 'bundle exec ruby web.rb -o $HOST -p $PORT -e production',
    commands: ['bundle install'],
  },
  {
    name: 'Sinatra of one file, without Gemfile',
    tree: { 'hello.rb': "require 'sinatra'\nget('/') { 'hello' }\n" },
    start: 'ruby hello.rb -o $HOST -p $PORT -e production',
    commands: [],
  },
  {
    name: 'Rack by unicorn',
    tree: { ...rack, Gemfile: 'gem "rack"\ngem "unicorn"\n' },
    start: 'bundle exec unicorn -l $HOST:$PORT -E production',
    commands: ['bundle install'],
  },
  {
    name: 'Rack 2 without a server of its own',
    tree: { ...rack, Gemfile: 'gem "rack"', 'Gemfile.lock': lock(['    rack (2.2.8)']) },
    start: 'bundle exec rackup -o $HOST -p $PORT -E production',
    commands: ['bundle install'],
  },
  {
    name: 'config.ru alone',
    tree: rack,
    start: 'rackup -o $HOST -p $PORT -E production',
    commands: [],
  },
  {
    name: 'puma that another gem brings along',
    tree: {
      ...rack,
      Gemfile: 'gem "hanami"',
      'Gemfile.lock': lock(['    hanami (2.1.0)', '      puma', '    puma (6.4.0)']),
    },
    start: 'bundle exec puma -b tcp://$HOST:$PORT -e production',
    commands: ['bundle install'],
  },
  {
    name: 'a script that listens',
    tree: { 'server.rb': 'require "socket"\nTCPServer.new(ENV["HOST"], ENV["PORT"])\n' },
    start: 'ruby server.rb',
    commands: [],
  },
];

describe('Ruby', () => {
  for (const { name, tree, start, commands, preDeploy, notes = [] } of cases) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'ruby');
      assert.deepEqual(outcome.service.commands, { build: null, preDeploy: preDeploy ?? null, start });
      assert.deepEqual(commandsOf(outcome), commands);
      assert.equal(outcome.notes.length, notes.length, outcome.notes.join('\n'));
      for (const [at, note] of notes.entries()) assert.match(outcome.notes[at] ?? '', note);
      assert.ok((needOf(outcome, 'bundle') !== undefined) === commands.length > 0);
    });
  }

  test('what instances need to find their gems', () => {
    assert.deepEqual(outcomeOf(rails).recipe.environment, {
      RACK_ENV: 'production',
      APP_ENV: 'production',
      BUNDLE_PATH: 'vendor/bundle',
      BUNDLE_WITHOUT: 'development:test',
      BUNDLE_DEPLOYMENT: 'true',
      RAILS_ENV: 'production',
      RAILS_LOG_TO_STDOUT: '1',
      RAILS_SERVE_STATIC_FILES: '1',
    });
  });

  test('an install by a lock is taken from an earlier build; gems of its own folders change without it', () => {
    assert.equal(outcomeOf(rails).recipe.install[0]?.tree?.folder, 'vendor/bundle');
    const own = outcomeOf({ ...rails, Gemfile: `${railsGems}gem "shop", path: "engines/shop"\n` });
    assert.equal(own.recipe.install[0]?.tree, undefined);
  });

  test('a lock of another kind of machine gets the platform of this one first', () => {
    const tree = { ...rails, 'Gemfile.lock': railsLock.replace('  ruby\n  x86_64-linux', '  arm64-darwin-23') };
    const [platform, install] = commandsOf(outcomeOf(tree));
    assert.match(platform ?? '', /bundle lock --add-platform/);
    assert.equal(install, 'bundle install');
  });

  test('the Ruby of the Gemfile to its last number, that of .ruby-version to its second', () => {
    const version = (tree: Tree) => needOf(outcomeOf(tree), 'ruby')?.version;
    assert.deepEqual([version(rails)?.range, version(rails)?.said], ['3.2.2', '3.2.2 (Gemfile)']);
    const gems = railsGems.replace('ruby "3.2.2"', '');
    assert.equal(version({ ...rails, Gemfile: gems }), undefined);
    assert.equal(version({ ...rails, Gemfile: gems, '.ruby-version': 'ruby-3.1.4\n' })?.range, '3.1');
    assert.equal(version({ ...rails, Gemfile: gems, '.tool-versions': 'nodejs 20.1.0\nruby 3.3.0\n' })?.range, '3.3');
    const file = railsGems.replace('"3.2.2"', 'file: ".ruby-version"');
    const named = version({ ...rails, Gemfile: file, '.ruby-version': '3.1.4\n' });
    assert.deepEqual([named?.range, named?.said], ['3.1.4', '3.1.4 (.ruby-version)']);
  });

  test('gems that are compiled need a compiler and their library, unless the lock has them ready', () => {
    const programs = (text: string) =>
      outcomeOf({ ...rails, 'Gemfile.lock': text }).recipe.requires.map((need) =>
        need.kind === 'program' ? `${need.program} ${need.packages.join(' ')}` : need.kind,
      );
    assert.deepEqual(programs(railsLock), [
      'ruby ruby',
      'bundle ruby-bundler',
      'make build-essential ruby-dev',
      'ruby ruby-dev',
      'pg_config libpq-dev',
    ]);
    const ready = lock(['    pg (1.6.0-x86_64-linux)', '    rails (7.1.2)']);
    assert.ok(!programs(ready).some((text) => text.startsWith('pg_config')));
  });

  const refused: readonly (readonly [name: string, tree: Tree, message: RegExp, hint: RegExp])[] = [
    ['a Gemfile alone', { Gemfile: 'gem "rake"' }, /^Gemfile was found, but it does not say how to start/, /Procfile/],
    [
      'Rack 3 without a server',
      { ...rack, Gemfile: 'gem "rack"', 'Gemfile.lock': lock(['    rack (3.1.0)']) },
      /names no server for the application of config\.ru/,
      /puma/,
    ],
    ['Jekyll', { Gemfile: 'gem "jekyll"', '_config.yml': '' }, /pages of Jekyll are not built/, /kapal\.yaml/],
  ];
  for (const [name, tree, message, hint] of refused) {
    test(`refused: ${name}`, () => {
      const error = refusalOf(tree);
      assert.equal(error.code, 'nothing_to_deploy');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
    });
  }
});

test('requirements on Ruby as ranges', () => {
  const fits = (text: string, version: string) => satisfies(version, rangeOf(text) ?? 'none');
  assert.deepEqual([fits('~> 3.1', '3.4.1'), fits('~> 3.1', '4.0.0'), fits('~> 3.1', '3.0.7')], [true, false, false]);
  assert.deepEqual([fits('~> 3.1.2', '3.1.7'), fits('~> 3.1.2', '3.2.0')], [true, false]);
  assert.deepEqual([fits('>= 2.7', '3.1.2'), fits('< 3.1', '3.1.2'), fits('3.1.2', '3.1.4')], [true, false, false]);
  assert.equal(rangeOf('jruby'), null);
});
