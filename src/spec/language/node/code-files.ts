import type { SourceFolder } from '../source-folder.ts';

/** Folders of which nothing runs in a release; at the top those of pages and papers too. */
const apart =
  /^(?:\..*|node_modules|bower_components|tests?|__tests__|__mocks__|specs?|e2e|cypress|playwright|coverage|stories)$/;
const apartAtTop = /^(?:docs?|public|static)$/;

/** Files of tests, stories and types; at the top settings of tools, which their own tool alone reads. */
const testFiles = /(?:\.(?:test|spec|e2e-spec|cy|stories|bench|d)|-(?:test|spec))\.[cm]?[jt]sx?$/;
const toolFiles =
  /^(?:.*\.(?:config|conf|setup|min)|\..*|gulpfile|Gruntfile|Jakefile|(?:jest|vitest|vite|webpack|rollup|babel)\..*)\.[cm]?[jt]sx?$/;

const code = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|coffee)$/;

/** More files and folders than a backend has; what has more is not looked at. */
const most = 4_000;

/** Depth of folders: a link may lead around in a circle. */
const deepest = 16;

/**
 * Files of code that may run in a release, by name; not those of tests, and not settings of tools, unless `also` names them. Null where there are too many
 * to look at.
 */
export function codeFiles(
  folder: SourceFolder,
  { also, but }: { readonly also: ReadonlySet<string>; readonly but: ReadonlySet<string> },
): readonly string[] | null {
  const found: string[] = [];
  const left: { readonly path: string; readonly depth: number }[] = [{ path: '.', depth: 0 }];
  let seen = 0;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const name of folder.list(next.path)) {
      seen += 1;
      if (seen > most) return null;
      const isTop = next.path === '.';
      const path = isTop ? name : `${next.path}/${name}`;
      if (code.test(name)) {
        const isApart = testFiles.test(name) || (isTop && toolFiles.test(name)) || but.has(path);
        if (!isApart) found.push(path);
      } else if (next.depth < deepest && !apart.test(name) && !(isTop && apartAtTop.test(name)))
        left.push({ path, depth: next.depth + 1 });
    }
  }
  return [...new Set([...found, ...[...also].filter((path) => folder.has(path))])].toSorted();
}
