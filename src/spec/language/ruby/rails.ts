import type { ServerPlan } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { Bundle } from './gemfile.ts';

export function isRails(folder: SourceFolder, bundle: Bundle | null): boolean {
  const hasGem = bundle !== null && (bundle.gems.has('rails') || bundle.gems.has('railties'));
  return hasGem && folder.has('config/application.rb');
}

/**
 * Rails' own command, which takes the server and its settings (config/puma.rb) from the project. Instances share the folder of their release, so each has a
 * pid file of its own: by the usual one they would take each other for running already.
 */
export function planRails(folder: SourceFolder, bundle: Bundle | null): ServerPlan {
  return {
    kind: 'server',
    file: folder.nameOf('config/application.rb'),
    why: 'a Rails application',
    rootDir: '.',
    start: 'bundle exec rails server -b $HOST -p $PORT -e production -P ${TMPDIR:-/tmp}/rails-$$.pid',
    preDeploy: migration(folder, bundle),
    certainty: 'declared',
    notes: notesOf(folder),
  };
}

/** Before Rails 5, tasks were rake's alone. */
function migration(folder: SourceFolder, bundle: Bundle | null): string | null {
  if (!folder.list('db/migrate').some((name) => name.endsWith('.rb'))) return null;
  return isBefore(bundle, 5) ? 'bundle exec rake db:migrate' : 'bundle exec rails db:migrate';
}

/** The task that makes the assets; null where the application has none. */
export function assetsTask(folder: SourceFolder, bundle: Bundle): string | null {
  const pipelines = ['sprockets-rails', 'propshaft', 'webpacker', 'shakapacker', 'vite_rails', 'jsbundling-rails'];
  const hasPipeline = pipelines.some((name) => bundle.gems.has(name));
  if (!hasPipeline || (!folder.has('app/assets') && !folder.has('app/javascript'))) return null;
  return isBefore(bundle, 5) ? 'bundle exec rake assets:precompile' : 'bundle exec rails assets:precompile';
}

function isBefore(bundle: Bundle | null, major: number): boolean {
  const version = bundle?.versions.get('rails') ?? bundle?.versions.get('railties');
  return version !== undefined && Number(version.split('.')[0]) < major;
}

function notesOf(folder: SourceFolder): readonly string[] {
  const hasCredentials =
    folder.has('config/credentials.yml.enc') || folder.has('config/credentials/production.yml.enc');
  const notes = [
    hasCredentials
      ? 'Its credentials are encrypted: give it their key by kapal env set SERVICE RAILS_MASTER_KEY=-'
      : 'It needs a secret for its sessions: SECRET_KEY_BASE, in kapal.yaml as {key: SECRET_KEY_BASE, generateValue: true}.',
  ];
  const database = folder.read('config/database.yml') ?? '';
  const production = /^production:[\s\S]*/m.exec(database)?.[0] ?? '';
  const inherits = /<<:\s*\*default/.test(production) && /adapter:\s*sqlite3/.test(database);
  if ((/adapter:\s*sqlite3/.test(production) || inherits) && !/DATABASE_URL|postgres|mysql|trilogy/.test(production))
    notes.push(
      'Its database is an SQLite file in the release, and every deploy begins with that of the source: name a database server by DATABASE_URL.',
    );
  return notes;
}
