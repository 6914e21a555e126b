import type { SourceFolder } from '../source-folder.ts';
import { type Composer, readComposer } from './composer.ts';

/** What of PHP a folder holds. */
export type Kind = 'laravel' | 'symfony' | 'wordpress' | 'drupal' | 'plain';

export interface PhpApplication {
  readonly kind: Kind;
  readonly composer: Composer | null;
  /** The folder whose files visitors reach: `public`, or `.`. */
  readonly documentRoot: string;
  /** index.php answers what no file does. */
  readonly hasFrontController: boolean;
  /** The folder that it writes to and that outlives releases, from its top; null where none is known. */
  readonly kept: string | null;
  /** The file that tells, for messages. */
  readonly file: string;
}

/** Where frameworks keep what visitors reach; the first with an index.php. */
const roots = ['public', 'web', 'webroot', 'pub', 'public_html', 'htdocs', 'www', 'html'];

/** Null where no index.php is there to answer. */
export function readApplication(folder: SourceFolder): PhpApplication | null {
  const composer = readComposer(folder);
  const below = roots.find((root) => folder.has(`${root}/index.php`));
  const kind = kindOf(folder, composer);
  const documentRoot = kind === 'wordpress' ? '.' : (below ?? (folder.has('index.php') ? '.' : null));
  if (documentRoot === null) return null;
  return {
    kind,
    composer,
    documentRoot,
    hasFrontController: documentRoot !== '.' || kind !== 'plain' || rewrites(folder) || usesRouter(composer),
    kept: keptBy(folder, { kind, documentRoot }),
    file: evidenceOf(folder, { kind, documentRoot }),
  };
}

function kindOf(folder: SourceFolder, composer: Composer | null): Kind {
  const has = (name: string): boolean => composer?.packages.has(name) === true;
  if (folder.has('artisan') && (has('laravel/framework') || has('laravel/lumen-framework'))) return 'laravel';
  if (folder.has('bin/console') && has('symfony/framework-bundle')) return 'symfony';
  if (folder.has('wp-load.php') && folder.has('wp-config-sample.php')) return 'wordpress';
  if (drupals.some(has) || folder.has('core/lib/Drupal.php')) return 'drupal';
  return 'plain';
}

const drupals = ['drupal/core-recommended', 'drupal/core', 'drupal/drupal'];

/** As the recipes of Deployer have it; else a folder of uploads that is in the source. What can be made again (caches, var of Symfony) is of a release. */
function keptBy(
  folder: SourceFolder,
  { kind, documentRoot }: { readonly kind: Kind; readonly documentRoot: string },
): string | null {
  const below = (path: string): string => (documentRoot === '.' ? path : `${documentRoot}/${path}`);
  switch (kind) {
    case 'laravel':
      return 'storage';
    case 'wordpress':
      return below('wp-content/uploads');
    case 'drupal':
      return below('sites/default/files');
    case 'symfony':
    case 'plain':
      return folder.firstOf([below('uploads'), 'uploads']);
  }
}

/** Apache's rules send to index.php what is no file. */
function rewrites(folder: SourceFolder): boolean {
  return /^\s*(?:RewriteRule\s.*index\.php|FallbackResource\s)/im.test(folder.read('.htaccess') ?? '');
}

/** Libraries that hand out requests by their path. */
function usesRouter(composer: Composer | null): boolean {
  const routers = [
    'slim/slim',
    'nikic/fast-route',
    'bramus/router',
    'altorouter/altorouter',
    'league/route',
    'flightphp/core',
    'mikecao/flight',
  ];
  return routers.some((name) => composer?.packages.has(name) === true);
}

function evidenceOf(
  folder: SourceFolder,
  { kind, documentRoot }: { readonly kind: Kind; readonly documentRoot: string },
): string {
  const index = documentRoot === '.' ? 'index.php' : `${documentRoot}/index.php`;
  const files: Readonly<Record<Kind, string>> = {
    laravel: 'artisan',
    symfony: 'bin/console',
    wordpress: 'wp-load.php',
    drupal: index,
    plain: index,
  };
  return folder.nameOf(files[kind]);
}
