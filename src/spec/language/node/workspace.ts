import { isInside, type SourceFolder } from '../source-folder.ts';
import type { Package } from './package-json.ts';

/** More folders than any workspace has; what is beyond is not looked at. */
const most = 200;

/** The packages of a workspace, by the patterns of package.json or pnpm-workspace.yaml: a folder, or all folders in one (`packages/*`). */
export function packagesOf(folder: SourceFolder, manifest: Package): readonly SourceFolder[] {
  const patterns = [...manifest.workspaces, ...pnpmPatterns(folder.read('pnpm-workspace.yaml'))];
  const paths = patterns
    .map((pattern) => pattern.replace(/^\.\//, '').replace(/\/+$/, ''))
    .filter((pattern) => isInside(pattern) && !pattern.startsWith('!'))
    .flatMap((pattern) => matching(folder, pattern));
  const unique = [...new Set(paths)].slice(0, most);
  return unique.filter((path) => folder.has(`${path}/package.json`)).map((path) => folder.below(path));
}

function matching(folder: SourceFolder, pattern: string): readonly string[] {
  const star = /^(?:(.+)\/)?\*{1,2}$/.exec(pattern);
  if (star === null) return pattern.includes('*') ? [] : [pattern];
  const place = star[1] ?? '.';
  const names = folder.list(place).filter((name) => name !== 'node_modules' && !name.startsWith('.'));
  return names.map((name) => (place === '.' ? name : `${place}/${name}`));
}

/** The list `packages:` of pnpm's file; its other settings are of no matter here. */
function pnpmPatterns(text: string | null): readonly string[] {
  const list = /^packages:[^\S\n]*\n((?:[^\S\n]*(?:-.*|#.*)?\n?)*)/m.exec(text ?? '')?.[1] ?? '';
  return [...list.matchAll(/^[^\S\n]*-[^\S\n]*["']?([^"'#\n]+?)["']?[^\S\n]*(?:#.*)?$/gm)].map(
    ([, pattern = '']) => pattern,
  );
}
