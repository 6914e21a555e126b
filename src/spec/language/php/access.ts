import type { PhpApplication } from './application.ts';

/**
 * What becomes of a request by its path alone. `deny`: 404, whatever is there. `hide`: as if no file were there. `script`: PHP runs it, if it is a file of the
 * release itself; behind a link (a folder that the service writes to) it is none. `file`: it is sent as it is. `look`: folders only. What is no file goes to the
 * front controller, else it is 404; a folder answers with its index.php or index.html.
 */
export type Treatment = 'deny' | 'hide' | 'script' | 'file' | 'look';

/** Over a path that was decoded and has no `.`, `..` and double slashes. The pattern means the same to nginx, PHP and JavaScript. */
export interface AccessRule {
  readonly pattern: string;
  readonly ignoresCase: boolean;
  readonly treatment: Treatment;
}

/** Who may see what: one table for nginx before php-fpm and for the router of PHP's own server. */
export interface Access {
  /** `public`, or `.`. */
  readonly documentRoot: string;
  readonly hasFrontController: boolean;
  /** The first that matches counts. */
  readonly rules: readonly AccessRule[];
  readonly otherwise: Extract<Treatment, 'file' | 'look'>;
}

/** Folders at the top of a source that are nobody's business. */
const privateFolders = (
  'vendor node_modules storage var config tests? database migrations bin logs? cache ' +
  'tmp backups? private data sql venv docker templates_c'
).split(' ');

/** Sources, data and leftovers, wherever they lie. */
const hiddenEndings = (
  'php\\d* phps phtml phar inc module install engine theme twig tpl neon ya?ml ini ' +
  'sql sqlite3? db log lock bak old orig save sw[op] dist sh key pem'
).split(' ');

const hiddenNames = (
  'composer\\.(?:json|phar) package(?:-lock)?\\.json artisan web\\.config phpunit\\.xml ' +
  'Dockerfile Makefile Procfile Vagrantfile'
).split(' ');

/** What people publish on purpose: all else at the top of a source stays there. */
const visibleEndings = (
  'html? css m?js map png jpe?g gif svg webp avif ico bmp woff2? ttf otf ' +
  'eot mp[34] webm og[gv] wav m4[av] pdf zip webmanifest wasm vtt csv docx? ' +
  'xlsx? pptx?'
).split(' ');

const visibleNames = (
  'robots\\.txt humans\\.txt ads\\.txt sitemap(?:_index)?\\.xml browserconfig\\.xml ' + 'manifest\\.json'
).split(' ');

/** `kept`: the folder, from the top of the application, that the service writes to and keeps; null where there is none. */
export function accessOf(
  { documentRoot, hasFrontController }: Pick<PhpApplication, 'documentRoot' | 'hasFrontController'>,
  kept: string | null,
): Access {
  const isOpen = documentRoot !== '.';
  const sent = uploads(documentRoot, kept);
  const endings = (words: readonly string[]): string => `\\.(?:${words.join('|')})$`;
  const rules: readonly AccessRule[] = [
    { pattern: '[\\x00-\\x1f\\x7f\\\\]', ignoresCase: false, treatment: 'deny' },
    // A name that begins with a dot: .env, .git, .htaccess. What RFC 8615 puts below .well-known is meant to be seen.
    { pattern: '^/(?:\\.(?!well-known(?:/|$))|.+/\\.)', ignoresCase: true, treatment: 'deny' },
    ...(isOpen
      ? []
      : [{ pattern: `^/(?:${privateFolders.join('|')})(?:/|$)`, ignoresCase: true, treatment: 'deny' } as const]),
    // What visitors put into folders of uploads is never run and never shown as code.
    {
      pattern: `${sent}/(?:.*\\.)?(?:php\\d*|phps|phtml|phar|inc)(?:/|$)`,
      ignoresCase: true,
      treatment: 'deny',
    },
    { pattern: '\\.php(?:/|$)', ignoresCase: false, treatment: 'script' },
    { pattern: `${endings(hiddenEndings)}|~$`, ignoresCase: true, treatment: 'hide' },
    { pattern: `/(?:${hiddenNames.join('|')})$`, ignoresCase: true, treatment: 'hide' },
    ...(isOpen ? [] : visible(endings(visibleEndings), sent)),
  ];
  return { documentRoot, hasFrontController, rules, otherwise: isOpen ? 'file' : 'look' };
}

function visible(endings: string, sent: string): readonly AccessRule[] {
  return [
    { pattern: `${sent}/`, ignoresCase: false, treatment: 'file' },
    { pattern: '^/\\.well-known/', ignoresCase: false, treatment: 'file' },
    { pattern: endings, ignoresCase: true, treatment: 'file' },
    { pattern: `^/(?:${visibleNames.join('|')})$`, ignoresCase: false, treatment: 'file' },
  ];
}

/** The folders of uploads, as visitors name them: those that are called so, Drupal's, Laravel's link to its storage, and the kept one. */
function uploads(documentRoot: string, kept: string | null): string {
  const usual = ['(?:/.*)?/uploads', '/sites/[^/]+/files', ...(documentRoot === '.' ? [] : ['/storage'])];
  const below = kept === null ? null : documentRoot === '.' ? kept : insideOf(kept, documentRoot);
  return `^(?:${[...usual, ...(below === null ? [] : [`/${literal(below)}`])].join('|')})`;
}

function insideOf(path: string, folder: string): string | null {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
