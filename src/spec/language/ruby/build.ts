import {
  type BuildRecipe,
  type BuildStep,
  type InstalledTree,
  nothingToBuild,
  type ProgramRequirement,
} from '../../../model/build-recipe.ts';
import type { BuildAsked } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { type Bundle, readBundle } from './gemfile.ts';
import { assetsTask, isRails } from './rails.ts';
import { askedRuby } from './version.ts';

/** Gems in `vendor/bundle`, by the lock where there is one, without the groups for development and tests; then Rails' assets. */
export function buildRuby(folder: SourceFolder, asked: BuildAsked): BuildRecipe {
  const bundle = readBundle(folder);
  const rails = isRails(folder, bundle);
  return {
    ...nothingToBuild,
    install: bundle === null ? [] : installing(bundle),
    build: bundle !== null && rails ? assets(folder, bundle) : [],
    requires: [
      ruby(folder, bundle),
      ...(bundle === null ? rackup(folder, asked.start) : [bundler]),
      // A declared command may take gems that are there.
      ...(bundle === null || asked.command !== null ? [] : compilers(bundle)),
    ],
    environment: { ...base, ...(bundle === null ? {} : bundled(bundle)), ...(rails ? forRails : {}) },
    caches: { BUNDLE_USER_CACHE: 'bundle' },
  };
}

/** `APP_ENV` is Sinatra's. */
const base = { RACK_ENV: 'production', APP_ENV: 'production' };
const forRails = { RAILS_ENV: 'production', RAILS_LOG_TO_STDOUT: '1', RAILS_SERVE_STATIC_FILES: '1' };

/** Instances need the same, or bundler looks for the gems elsewhere. */
function bundled({ isLocked }: Bundle): Record<string, string> {
  const locked = isLocked ? { BUNDLE_DEPLOYMENT: 'true' } : {};
  return { BUNDLE_PATH: 'vendor/bundle', BUNDLE_WITHOUT: 'development:test', ...locked };
}

function installing(bundle: Bundle): readonly BuildStep[] {
  const tree: InstalledTree = {
    folder: 'vendor/bundle',
    from: ['Gemfile', 'Gemfile.lock', 'gems.rb', 'gems.locked', '.ruby-version', '.tool-versions'],
    versions: ['ruby', 'bundle'],
  };
  const isPlain = bundle.isLocked && bundle.suitsLinux && !bundle.hasOwnGems;
  const install: BuildStep = {
    title: 'Installing gems (bundle install)',
    command: 'bundle install',
    ...(isPlain ? { tree } : {}),
  };
  return bundle.suitsLinux ? [install] : [platform, install];
}

/** A lock that was written on macOS or Windows alone: bundler installs nothing by it here. */
const platform: BuildStep = {
  title: "Adding this machine's platform to the lock, which has none that suits it",
  command:
    'BUNDLE_DEPLOYMENT=false BUNDLE_FROZEN=false bundle lock --add-platform "$(ruby -e \'print Gem::Platform.local.then { |at| [at.cpu, at.os].join(%q(-)) }\')"',
};

/** Rails loads the whole application for it, and asks for a secret that assets do not need (from Rails 7.1 on it can be told so). */
function assets(folder: SourceFolder, bundle: Bundle): readonly BuildStep[] {
  const task = assetsTask(folder, bundle);
  if (task === null) return [];
  const command = `SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE="\${SECRET_KEY_BASE:-of-no-use-but-for-assets}" ${task}`;
  return [{ title: `Making assets (${task})`, command }];
}

function ruby(folder: SourceFolder, bundle: Bundle | null): ProgramRequirement {
  const asked = askedRuby(folder, bundle);
  const need: ProgramRequirement = {
    kind: 'program',
    program: 'ruby',
    packages: ['ruby'],
    why: 'the project is in Ruby',
  };
  if (asked === null) return need;
  const { range, text, file } = asked;
  return { ...need, version: { args: ['--version'], range, said: `${text} (${file})`, also: [] } };
}

const bundler: ProgramRequirement = {
  kind: 'program',
  program: 'bundle',
  packages: ['ruby-bundler'],
  why: 'its Gemfile is installed by bundler',
};

function rackup(folder: SourceFolder, start: string | null): readonly ProgramRequirement[] {
  if (!folder.has('config.ru') || start?.includes('rackup') !== true) return [];
  const why = 'config.ru has no Gemfile beside it that brings a server';
  return [{ kind: 'program', program: 'rackup', packages: ['ruby-rack', 'puma'], why }];
}

/** Gems with parts in C that are compiled where the lock has no ready ones, and the package of the library that they need. */
const native: readonly (readonly [gem: string, library: { program: string; package: string } | null])[] = [
  ['pg', { program: 'pg_config', package: 'libpq-dev' }],
  ['mysql2', { program: 'mysql_config', package: 'default-libmysqlclient-dev' }],
  ['puma', null],
  ['nio4r', null],
  ['bootsnap', null],
  ['bcrypt', null],
  ['msgpack', null],
  ['racc', null],
  ['thin', null],
  ['unicorn', null],
  ['websocket-driver', null],
];

function compilers({ gems, compiled }: Bundle): readonly ProgramRequirement[] {
  const found = native.filter(([gem]) => gems.has(gem) && !compiled.has(gem));
  const [first] = found;
  if (first === undefined) return [];
  const why = (gem: string): string => `the gem ${gem} is compiled when it is installed`;
  const build = { kind: 'program', packages: ['build-essential', 'ruby-dev'] } as const;
  const headers = {
    args: ['-e', 'exit File.exist?(File.join(RbConfig::CONFIG["rubyhdrdir"], "ruby.h"))'],
    name: 'its header files',
  };
  const libraries = found.flatMap(([gem, library]): readonly ProgramRequirement[] =>
    library === null ? [] : [{ kind: 'program', program: library.program, packages: [library.package], why: why(gem) }],
  );
  return [
    { ...build, program: 'make', why: why(first[0]) },
    { ...build, program: 'ruby', packages: ['ruby-dev'], why: why(first[0]), part: headers },
    ...libraries,
  ];
}
