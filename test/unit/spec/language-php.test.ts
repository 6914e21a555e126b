import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { satisfies } from 'semver';
import { rangeOf } from '../../../src/spec/language/php/version.ts';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';
import { refusalOf, type Tree } from './source.ts';

const composer = (require: object, more: object = {}) => JSON.stringify({ require, ...more });
const install = 'composer install --no-dev --optimize-autoloader --no-interaction --no-progress';
const serve = 'exec /bin/sh .kapal/serve';
const views = 'VIEW_COMPILED_PATH="$PWD/bootstrap/cache/views" php artisan view:cache';
const folders =
  'mkdir -p storage/framework/cache/data storage/framework/sessions storage/framework/views storage/app/public storage/logs bootstrap/cache';

const link =
  '[ ! -d public ] || [ -e public/storage ] || [ -L public/storage ] || ln -s ../storage/app/public public/storage';

const laravel: Tree = {
  artisan: '#!/usr/bin/env php',
  'composer.json': composer({ php: '^8.2', 'laravel/framework': '^11.0', 'ext-pdo_pgsql': '*' }),
  'composer.lock': '{}',
  'public/index.php': '<?php',
  'public/.htaccess': '',
  'bootstrap/app.php': '',
  'database/migrations/0001_users.php': '',
  'resources/views/welcome.blade.php': '',
  '.env.example': 'DB_CONNECTION=sqlite\n',
};
const symfony: Tree = {
  'bin/console': '',
  'composer.json': composer({
    php: '>=8.1',
    'symfony/framework-bundle': '6.4.*',
    'doctrine/doctrine-migrations-bundle': '^3.3',
    'symfony/asset-mapper': '6.4.*',
  }),
  'public/index.php': '<?php',
  'migrations/Version1.php': '',
};
const wordpress: Tree = { 'index.php': '', 'wp-load.php': '', 'wp-config-sample.php': '', 'wp-admin/index.php': '' };

interface Case {
  readonly name: string;
  readonly tree: Tree;
  readonly root: string;
  readonly hasFront: boolean;
  readonly commands: readonly string[];
  readonly preDeploy?: string;
  /** Kept across deploys. */
  readonly kept?: string;
  readonly notes?: readonly RegExp[];
}

const cases: readonly Case[] = [
  {
    name: 'Laravel',
    tree: laravel,
    root: 'public',
    hasFront: true,
    commands: [folders, link, install, views],
    preDeploy: 'php artisan migrate --force',
    notes: [/APP_KEY/, /SQLite/],
    kept: 'storage',
  },
  {
    name: 'Laravel whose pages Node makes',
    tree: {
      ...laravel,
      'package.json': '{"private":true,"scripts":{"dev":"vite","build":"vite build"},"devDependencies":{"vite":"5"}}',
      '.env.example': 'DB_CONNECTION=pgsql\n',
    },
    root: 'public',
    hasFront: true,
    commands: [folders, link, install, 'npm install --include=dev', 'npm run build', views],
    preDeploy: 'php artisan migrate --force',
    notes: [/APP_KEY/],
    kept: 'storage',
  },
  {
    name: 'Symfony',
    tree: symfony,
    root: 'public',
    hasFront: true,
    commands: [install, 'php bin/console asset-map:compile'],
    preDeploy: 'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration',
  },
  {
    name: 'WordPress',
    tree: wordpress,
    root: '.',
    hasFront: true,
    commands: [],
    notes: [/no wp-config\.php yet/],
    kept: 'wp-content/uploads',
  },
  {
    name: 'pages of plain PHP',
    tree: { 'index.php': '', 'about.php': '' },
    root: '.',
    hasFront: false,
    commands: [],
    notes: [/top folder/],
  },
  {
    name: 'plain PHP with rules of Apache',
    tree: { 'index.php': '', '.htaccess': 'RewriteEngine On\nRewriteRule ^ index.php [QSA,L]\n' },
    root: '.',
    hasFront: true,
    commands: [],
    notes: [/top folder/],
  },
  {
    name: 'Slim at the top',
    tree: { 'index.php': '', 'composer.json': composer({ 'slim/slim': '^4' }) },
    root: '.',
    hasFront: true,
    commands: [install],
    notes: [/top folder/],
  },
  {
    name: 'Slim in public',
    tree: { 'public/index.php': '', 'composer.json': composer({ 'slim/slim': '^4' }) },
    root: 'public',
    hasFront: true,
    commands: [install],
  },
  {
    name: 'Drupal in web',
    tree: { 'web/index.php': '', 'composer.json': composer({ 'drupal/core-recommended': '^10' }) },
    root: 'web',
    hasFront: true,
    commands: [install],
    kept: 'web/sites/default/files',
  },
  {
    name: 'pages with a folder of uploads',
    tree: { 'index.php': '', 'uploads/.gitkeep': '' },
    root: '.',
    hasFront: false,
    commands: [],
    notes: [/top folder/],
    kept: 'uploads',
  },
  {
    name: 'CakePHP in webroot, beside an index.php at the top',
    tree: { 'webroot/index.php': '', 'index.php': '', 'composer.json': composer({ 'cakephp/cakephp': '^5' }) },
    root: 'webroot',
    hasFront: true,
    commands: [install],
  },
  {
    name: 'classes of its own alone: an autoloader is made',
    tree: {
      'public/index.php': '',
      'composer.json': composer({ php: '>=7.4' }, { autoload: { 'psr-4': { 'App\\': 'src/' } } }),
    },
    root: 'public',
    hasFront: true,
    commands: [install],
  },
  {
    name: 'a composer.json that asks for nothing',
    tree: { 'public/index.php': '', 'composer.json': composer({ php: '>=7.4' }) },
    root: 'public',
    hasFront: true,
    commands: [],
  },
];

describe('PHP', () => {
  for (const { name, tree, root, hasFront, commands, preDeploy, notes = [], kept } of cases) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'php');
      assert.deepEqual(outcome.service.commands, { build: null, preDeploy: preDeploy ?? null, start: serve });
      assert.deepEqual(commandsOf(outcome), commands);
      const all = kept === undefined ? notes : [/is kept across deploys/, ...notes];
      assert.equal(outcome.notes.length, all.length, outcome.notes.join('\n'));
      for (const [at, note] of all.entries()) assert.match(outcome.notes[at] ?? '', note);
      assert.deepEqual(
        outcome.service.disk,
        kept === undefined ? undefined : { name: 'files', mountPath: kept, size: 10 * 1024 ** 3, shared: true },
      );
      assert.equal(outcome.recipe.supervisor, serve);
      assert.deepEqual(
        outcome.recipe.files.map(({ path }) => path),
        ['.kapal/serve', '.kapal/fpm.conf', '.kapal/nginx.conf', '.kapal/router.php'],
      );
      const router = outcome.recipe.files.at(-1);
      assert.ok(router?.text.includes(`$front = ${hasFront};`));
      const supervisor = outcome.recipe.files[0];
      assert.ok(supervisor?.text.includes(`\nroot=${root}\n`));
    });
  }

  test('a declared service is told what it does not keep; a declared start has no supervisor', () => {
    const declared = (more: string) =>
      outcomeOf({ ...wordpress, 'kapal.yaml': `services:\n  - {type: web, name: blog, runtime: php${more}}\n` });
    assert.match(
      declared('').notes[0] ?? '',
      /^What it writes into wp-content\/uploads begins anew with every deploy\. To keep it, .*: disk: \{name: files, mountPath: wp-content\/uploads, shared: true\}$/,
    );
    const kept = declared(', disk: {name: media, mountPath: wp-content/uploads, shared: true}');
    assert.match(kept.notes[0] ?? '', /^wp-content\/uploads is kept across deploys, .*\(disk media\)/);
    const own = declared(', startCommand: "php -S $HOST:$PORT"').recipe;
    assert.deepEqual([own.supervisor, own.better], [undefined, undefined]);
  });

  test('extensions and the version of composer.json', () => {
    const { recipe } = outcomeOf({ ...laravel, '.php-version': '8.3.1' });
    const needs = recipe.requires.flatMap((need) => (need.kind === 'program' ? [need] : []));
    assert.deepEqual(
      needs.map(({ program, packages, part }) => [program, packages.join(' '), part?.name ?? null]),
      [
        ['php', 'php-cli', null],
        ['composer', 'composer unzip', null],
        ['php', 'php-pgsql', 'the extension pdo_pgsql'],
        ['php', 'php-mbstring', 'the extension mbstring'],
        ['php', 'php-xml', 'the extension dom'],
        ['php', 'php-curl', 'the extension curl'],
      ],
    );
    assert.equal(needs[0]?.version?.range, '8.3');
    assert.equal(needOf(outcomeOf(laravel), 'php')?.version?.said, '^8.2 (composer.json)');
  });

  test('an application in production says no errors to visitors', () => {
    assert.deepEqual(outcomeOf(laravel).recipe.environment, {
      PHP_CLI_SERVER_WORKERS: '4',
      APP_ENV: 'production',
      APP_DEBUG: 'false',
      LOG_CHANNEL: 'stderr',
    });
    assert.equal(outcomeOf(symfony).recipe.environment['APP_ENV'], 'prod');
  });

  test('refused: a library, and a damaged composer.json', () => {
    const library = refusalOf({ 'composer.json': composer({ php: '^8' }), 'src/Shop.php': '' });
    assert.match(
      library.message,
      /^composer\.json was found, but it does not say how to start: there is no index\.php/,
    );
    const damaged = refusalOf({ 'composer.json': '{"require": }', 'index.php': '' });
    assert.deepEqual([damaged.code, damaged.message], ['declaration_invalid', 'composer.json:1:13: is not valid JSON']);
  });
});

test("composer's constraints as ranges", () => {
  const fits = (text: string, version: string) => satisfies(version, rangeOf(text) ?? 'none');
  const cases: readonly (readonly [text: string, fits: string, not: string])[] = [
    ['^8.1', '8.4.1', '9.0.0'],
    ['~8.1', '8.3.0', '9.0.0'],
    ['~8.1.0', '8.1.9', '8.2.0'],
    ['^7.4|^8.0', '8.2.1', '7.3.0'],
    ['^7.4 || ^8.0', '7.4.1', '9.0.0'],
    ['>=8.1 <8.4', '8.3.9', '8.4.0'],
    ['>= 7.2, < 8.3', '8.2.1', '8.3.0'],
    ['8.1.*', '8.1.4', '8.2.0'],
    ['7.4 - 8.2', '8.2.9', '8.3.0'],
  ];
  for (const [text, yes, no] of cases) {
    assert.ok(fits(text, yes), `${yes} fits ${text}`);
    assert.ok(!fits(text, no), `${no} does not fit ${text}`);
  }
  assert.equal(rangeOf('dev-main'), null);
});
