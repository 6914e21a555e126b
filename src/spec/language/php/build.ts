import {
  type BetterWay,
  type BuildRecipe,
  type BuildStep,
  nothingToBuild,
  type ProgramRequirement,
} from '../../../model/build-recipe.ts';
import type { BuildAsked } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { accessOf } from './access.ts';
import { type Kind, type PhpApplication, readApplication } from './application.ts';
import { type Composer, readComposer } from './composer.ts';
import { frontPath, frontText } from './front.ts';
import { poolPath, poolText } from './pool.ts';
import { routerPath, routerText } from './router.ts';
import { compiledViews, programVariables, serving, supervisorPath, supervisorText } from './supervisor.ts';
import { askedPhp } from './version.ts';

/** Packages by composer, what the framework makes of itself, and what serves it: php-fpm behind an nginx of its own, or PHP's own server with a router. */
export function buildPhp(folder: SourceFolder, asked: BuildAsked): BuildRecipe {
  const composer = readComposer(folder);
  const application = readApplication(folder);
  const kind = application?.kind ?? 'plain';
  return {
    ...nothingToBuild,
    files: application === null ? [] : serverFiles(application, asked.kept),
    install: composer?.needsInstall === true ? [...folders(kind), installing] : folders(kind),
    build: making(folder, application),
    requires: requirements(folder, { composer, kind, command: asked.command }),
    environment: { PHP_CLI_SERVER_WORKERS: '4', ...environments[kind] },
    caches: { COMPOSER_CACHE_DIR: 'composer' },
    ...(asked.start === serving ? { better, supervisor: serving } : {}),
  };
}

function serverFiles(application: PhpApplication, kept: string | null): BuildRecipe['files'] {
  const access = accessOf(application, kept);
  return [
    { path: supervisorPath, text: supervisorText(application) },
    { path: poolPath, text: poolText },
    { path: frontPath, text: frontText(access) },
    { path: routerPath, text: routerText(access) },
  ];
}

const better: BetterWay = {
  programs: [
    {
      program: 'php',
      packages: ['php-cli'],
      variable: programVariables.php,
      version: { args: ['--version'], asks: { kind: 'same', program: 'php' } },
      part: {
        args: ['-r', 'exit(function_exists("posix_setpgid") && function_exists("pcntl_exec") ? 0 : 1);'],
        name: 'the extensions pcntl and posix',
      },
    },
    {
      program: 'php-fpm',
      packages: ['php-fpm'],
      variable: programVariables.fpm,
      version: { args: ['-v'], asks: { kind: 'same', program: 'php' } },
    },
    {
      program: 'nginx',
      packages: ['nginx'],
      variable: programVariables.front,
      // `-e`, without which it wants to write to its usual log.
      version: { args: ['-v'], asks: { kind: 'range', range: '>=1.19.5' } },
    },
  ],
  present: 'It is served by php-fpm, behind an nginx of its own.',
  absent:
    "It is served by PHP's built-in web server with a few processes, which its manual calls a server for development: enough for small sites, not for many visitors.",
};

const installing: BuildStep = {
  title: 'Installing packages (composer install)',
  command: 'composer install --no-dev --optimize-autoloader --no-interaction --no-progress',
};

/** What a .env of people at work says otherwise does not hold here: variables that are there stand before it. */
const environments: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  laravel: { APP_ENV: 'production', APP_DEBUG: 'false', LOG_CHANNEL: 'stderr' },
  symfony: { APP_ENV: 'prod', APP_DEBUG: '0' },
  wordpress: {},
  drupal: {},
  plain: {},
};

/** Laravel's are empty, and where git has not kept them every page fails. */
function folders(kind: Kind): readonly BuildStep[] {
  if (kind !== 'laravel') return [];
  const inner = ['cache/data', 'sessions', 'views'].map((name) => `storage/framework/${name}`);
  return [
    {
      title: 'Making folders for what the application writes',
      command: `mkdir -p ${[...inner, 'storage/app/public', 'storage/logs', 'bootstrap/cache'].join(' ')}`,
    },
    {
      title: 'Linking public/storage',
      // As php artisan storage:link, which needs all settings of the application.
      command:
        '[ ! -d public ] || [ -e public/storage ] || [ -L public/storage ] || ln -s ../storage/app/public public/storage',
    },
  ];
}

/** Settings and routes are not cached: variables may change without a build. */
function making(folder: SourceFolder, application: PhpApplication | null): readonly BuildStep[] {
  const { kind, composer } = application ?? { kind: 'plain', composer: null };
  if (kind === 'laravel' && folder.has('resources/views'))
    return [{ title: 'Compiling views', command: `${compiledViews} php artisan view:cache` }];
  if (kind === 'symfony' && composer?.packages.has('symfony/asset-mapper') === true)
    return [{ title: 'Making assets', command: 'php bin/console asset-map:compile' }];
  return [];
}

/** Debian has extensions in packages apart; those that are compiled into PHP are not named here. */
const extensionPackages: Readonly<Record<string, string>> = {
  bcmath: 'php-bcmath',
  curl: 'php-curl',
  dom: 'php-xml',
  gd: 'php-gd',
  gmp: 'php-gmp',
  imagick: 'php-imagick',
  intl: 'php-intl',
  ldap: 'php-ldap',
  mbstring: 'php-mbstring',
  mysqli: 'php-mysql',
  pdo_mysql: 'php-mysql',
  pdo_pgsql: 'php-pgsql',
  pdo_sqlite: 'php-sqlite3',
  pgsql: 'php-pgsql',
  redis: 'php-redis',
  simplexml: 'php-xml',
  soap: 'php-soap',
  sqlite3: 'php-sqlite3',
  xml: 'php-xml',
  xmlreader: 'php-xml',
  xmlwriter: 'php-xml',
  zip: 'php-zip',
};

/** What frameworks need and a project seldom says. */
const frameworkExtensions: Readonly<Record<Kind, readonly string[]>> = {
  laravel: ['mbstring', 'dom', 'curl'],
  symfony: ['mbstring', 'dom'],
  wordpress: ['mysqli'],
  drupal: [],
  plain: [],
};

function requirements(
  folder: SourceFolder,
  asks: { readonly composer: Composer | null; readonly kind: Kind; readonly command: string | null },
): readonly ProgramRequirement[] {
  const { composer, kind, command } = asks;
  const usesTool = command === null ? composer?.needsInstall === true : /\bcomposer\b/.test(command);
  const asked = askedPhp(folder, composer);
  const version =
    asked === null
      ? {}
      : { version: { args: ['--version'], range: asked.range, said: `${asked.text} (${asked.file})`, also: [] } };
  const php: ProgramRequirement = {
    kind: 'program',
    program: 'php',
    packages: ['php-cli'],
    why: 'the project is in PHP',
    ...version,
  };
  const extensions = [...new Set([...(composer?.extensions ?? []), ...frameworkExtensions[kind]])];
  const tool: readonly ProgramRequirement[] = usesTool
    ? [
        {
          kind: 'program',
          program: 'composer',
          packages: ['composer', 'unzip'],
          why: 'composer.json is installed by composer',
        },
      ]
    : [];
  return [php, ...tool, ...extensions.map((name) => extension(name, composer))];
}

function extension(name: string, composer: Composer | null): ProgramRequirement {
  const asks = composer?.extensions.includes(name) === true ? 'composer.json requires it' : 'its framework needs it';
  return {
    kind: 'program',
    program: 'php',
    packages: [extensionPackages[name] ?? `php-${name}`],
    why: asks,
    part: { args: ['-r', `exit(extension_loaded('${name}') ? 0 : 1);`], name: `the extension ${name}` },
  };
}
