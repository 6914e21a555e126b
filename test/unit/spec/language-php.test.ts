import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { satisfies } from 'semver';
import { rangeOf } from '../../../src/spec/language/php/version.ts';
import { commandsOf, needOf, outcomeOf } from './recipe-of.ts';
import { refusalOf, type Tree } from './source.ts';

const composer = (require: object, more: object = {}) => JSON.stringify({ require, ...more });
const install = 'composer install --no-dev --optimize-autoloader --no-interaction --no-progress';
const serve = (root: string) =>
  `php -q -d display_errors=0 -d log_errors=1 -d error_log=/dev/stderr -d expose_php=0 -S $HOST:$PORT -t ${root} .kapal/router.php`;
const folders =
  'mkdir -p storage/framework/cache/data storage/framework/sessions storage/framework/views storage/logs bootstrap/cache';

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
  /** After the one on PHP's own server. */
  readonly notes?: readonly RegExp[];
}

const cases: readonly Case[] = [
  {
    name: 'Laravel',
    tree: laravel,
    root: 'public',
    hasFront: true,
    commands: [folders, install, 'php artisan view:cache'],
    preDeploy: 'php artisan migrate --force',
    notes: [/APP_KEY/, /SQLite/],
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
    commands: [folders, install, 'npm install --include=dev', 'npm run build', 'php artisan view:cache'],
    preDeploy: 'php artisan migrate --force',
    notes: [/APP_KEY/],
  },
  {
    name: 'Symfony',
    tree: symfony,
    root: 'public',
    hasFront: true,
    commands: [install, 'php bin/console asset-map:compile'],
    preDeploy: 'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration',
  },
  { name: 'WordPress', tree: wordpress, root: '.', hasFront: true, commands: [], notes: [/no wp-config\.php yet/] },
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
  for (const { name, tree, root, hasFront, commands, preDeploy, notes = [] } of cases) {
    test(name, () => {
      const outcome = outcomeOf(tree);
      assert.equal(outcome.service.runtime, 'php');
      assert.deepEqual(outcome.service.commands, { build: null, preDeploy: preDeploy ?? null, start: serve(root) });
      assert.deepEqual(commandsOf(outcome), commands);
      assert.match(outcome.notes[0] ?? '', /built-in web server/);
      assert.equal(outcome.notes.length, notes.length + 1, outcome.notes.join('\n'));
      for (const [at, note] of notes.entries()) assert.match(outcome.notes[at + 1] ?? '', note);
      const [router, ...others] = outcome.recipe.files;
      assert.deepEqual([router?.path, others.length], ['.kapal/router.php', 0]);
      assert.ok(router?.text.includes(`$front = ${hasFront};`));
      assert.ok(router?.text.includes(`$open = ${root !== '.'};`));
    });
  }

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
