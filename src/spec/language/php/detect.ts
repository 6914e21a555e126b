import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

/** By composer.json or an index.php at one of the usual places. */
export function detectPhp(folder: SourceFolder): Evidence | null {
  const file = folder.firstOf(['composer.json', 'index.php', 'public/index.php', 'web/index.php', 'wp-load.php']);
  return file === null ? null : { file: folder.nameOf(file), why: 'it is there' };
}
