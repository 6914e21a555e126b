import type { ServicePlan, Unclear } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { type PhpApplication, readApplication } from './application.ts';
import { serving } from './supervisor.ts';

/** What Kapal serves it by stands in supervisor.ts: one start command, whatever the machine has. */
export function planPhp(folder: SourceFolder): ServicePlan | Unclear {
  const application = readApplication(folder);
  if (application === null)
    return {
      kind: 'unclear',
      missing: 'does not say how to start: there is no index.php, at the top, in public or in web',
      hint: 'Declare a startCommand in a kapal.yaml (it gets HOST and PORT): docs/guides/kapal-yaml.md',
    };
  const { file, kind } = application;
  return {
    kind: 'server',
    file,
    why: reasons[kind],
    rootDir: '.',
    start: serving,
    preDeploy: preparation(folder, application),
    certainty: 'declared',
    keeps: application.kept,
    notes: notesOf(folder, application),
  };
}

const reasons: Readonly<Record<PhpApplication['kind'], string>> = {
  laravel: 'a Laravel application',
  symfony: 'a Symfony application',
  wordpress: 'WordPress',
  drupal: 'Drupal',
  plain: 'it answers requests',
};

function preparation(folder: SourceFolder, { kind, composer }: PhpApplication): string | null {
  const hasFiles = (path: string): boolean => folder.list(path).some((name) => name.endsWith('.php'));
  if (kind === 'laravel') return hasFiles('database/migrations') ? 'php artisan migrate --force' : null;
  const migrates = composer?.packages.has('doctrine/doctrine-migrations-bundle') === true && hasFiles('migrations');
  return kind === 'symfony' && migrates
    ? 'php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration'
    : null;
}

function notesOf(folder: SourceFolder, { kind, documentRoot }: PhpApplication): readonly string[] {
  switch (kind) {
    case 'laravel': {
      const key = folder.has('.env')
        ? []
        : ['It needs a key: php artisan key:generate --show makes one, and kapal env set SERVICE APP_KEY=- gives it.'];
      const sqlite = /^DB_CONNECTION=sqlite/m.test(folder.read('.env') ?? folder.read('.env.example') ?? '')
        ? [
            'Where DB_CONNECTION names no other database, its data is an SQLite file in the release, and every deploy begins anew.',
          ]
        : [];
      return [...key, ...sqlite];
    }
    case 'symfony':
    case 'drupal':
      return [];
    case 'wordpress':
      return [
        `${folder.has('wp-config.php') ? '' : 'It has no wp-config.php yet. '}Plugins, themes and settings that are made by its pages are in the release, and every deploy begins with those of the source.`,
      ];
    case 'plain':
      return documentRoot === '.'
        ? [
            'Its top folder is what visitors reach: pages (.php, .html), styles, scripts, pictures, fonts and documents are served; all other files, and the folders vendor, storage, config and the like, are not.',
          ]
        : [];
  }
}
