import type { SourceFolder } from '../source-folder.ts';

/** A Django project: the folder of its manage.py, and what its settings say. */
export interface DjangoProject {
  /** `.`, or a folder below the one that was looked at. */
  readonly base: string;
  /** `shop.settings`, as manage.py says it; null where it says it in another way. */
  readonly settings: string | null;
  /** Settings for servers beside it: `config.settings.production`. */
  readonly production: string | null;
  /** `shop.wsgi`; null without one. */
  readonly wsgi: string | null;
  readonly asgi: string | null;
  readonly hasDatabase: boolean;
  readonly usesSqlite: boolean;
  readonly collectsStatic: boolean;
  readonly showsErrors: boolean;
}

/** Folders with a manage.py of Django's: the one that was looked at alone where it has one. */
export function djangoFolders(folder: SourceFolder): readonly string[] {
  const isOne = (path: string): boolean => /django/i.test(folder.read(path) ?? '');
  if (folder.has('manage.py')) return isOne('manage.py') ? ['.'] : [];
  const below = folder.list().filter((name) => !name.startsWith('.') && name !== 'node_modules');
  return below.filter((name) => folder.has(`${name}/manage.py`) && isOne(`${name}/manage.py`));
}

export function readDjango(folder: SourceFolder, base: string): DjangoProject {
  const at = base === '.' ? folder : folder.below(base);
  const settings = moduleIn(at.read('manage.py') ?? '');
  const production = settings === null ? null : productionOf(at, settings);
  const text = settingsTexts(at, settings);
  return {
    base,
    settings,
    production,
    wsgi: entryOf(at, { text, settings, kind: 'wsgi' }),
    asgi: entryOf(at, { text, settings, kind: 'asgi' }),
    hasDatabase: /^\s*DATABASES\b/m.test(text) || /\bdj_database_url\b|\benv\.db\b/.test(text) || text === '',
    usesSqlite:
      /django\.db\.backends\.sqlite3/.test(text) &&
      !/postgres|mysql|dj_database_url|env\.db|environ/i.test(databasesOf(text)),
    collectsStatic: /django\.contrib\.staticfiles/.test(text) && /^\s*STATIC_ROOT\s*=/m.test(text),
    showsErrors: /^DEBUG\s*=\s*True\b/m.test(text) && production === null,
  };
}

function moduleIn(text: string): string | null {
  return /DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']/.exec(text)?.[1] ?? null;
}

/** A folder of settings has a file for each place; manage.py names the one of people at work. */
function productionOf(at: SourceFolder, settings: string): string | null {
  const found = /^(.*)\.(?:local|dev|development|base)$/.exec(settings);
  const folder = found?.[1];
  if (folder === undefined) return null;
  const name = ['production', 'prod'].find((one) => at.has(`${folder.replaceAll('.', '/')}/${one}.py`));
  return name === undefined ? null : `${folder}.${name}`;
}

/** All files of the settings, in one text: which of them holds a line matters little. */
function settingsTexts(at: SourceFolder, settings: string | null): string {
  if (settings === null) return '';
  const path = settings.replaceAll('.', '/');
  const folder = path.slice(0, path.lastIndexOf('/'));
  const inner = ['__init__', 'base', 'common', 'defaults', 'production', 'prod'];
  const beside = folder.split('/').at(-1) === 'settings' ? inner.map((name) => `${folder}/${name}.py`) : [];
  const files = [`${path}.py`, ...inner.map((name) => `${path}/${name}.py`), ...beside];
  return [...new Set(files)].map((file) => at.read(file) ?? '').join('\n');
}

function databasesOf(text: string): string {
  return /^\s*DATABASES\b[\s\S]{0,1500}/m.exec(text)?.[0] ?? '';
}

/** By the settings, else beside them, else in the only folder that has such a file. */
function entryOf(
  at: SourceFolder,
  { text, settings, kind }: { readonly text: string; readonly settings: string | null; readonly kind: 'wsgi' | 'asgi' },
): string | null {
  const declared = new RegExp(`^${kind.toUpperCase()}_APPLICATION\\s*=\\s*["']([\\w.]+)\\.\\w+["']`, 'm').exec(
    text,
  )?.[1];
  if (declared !== undefined && at.has(`${declared.replaceAll('.', '/')}.py`)) return declared;
  const near = (settings ?? '').split('.').slice(0, -1);
  for (const parts of [near, near.slice(0, -1)])
    if (parts.length > 0 && at.has(`${parts.join('/')}/${kind}.py`)) return [...parts, kind].join('.');
  const folders = at.list().filter((name) => /^[A-Za-z_]\w*$/.test(name) && at.has(`${name}/${kind}.py`));
  const [only] = folders;
  return only === undefined || folders.length > 1 ? null : `${only}.${kind}`;
}
