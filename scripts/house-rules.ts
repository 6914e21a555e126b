/** Rules of the house that no linter has: names of folders, barrels by name, and the length of files that are not TypeScript. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { knownFolders } from './layers.ts';

const shapelessNames = new Set(['utils', 'util', 'helpers', 'services', 'managers', 'common', 'shared', 'misc']);
const roots = ['src', 'test', 'bench', 'scripts', 'examples', 'web'];
const skipped = new Set(['node_modules', 'fixtures', '.kapal']);
/** Counted here; in TypeScript the linter counts. */
const countedExtensions = new Set(['.js', '.mjs', '.cjs', '.sh', '.sql']);
const maxLines = 400;

/** Every breach under `root`, as one line of text each; empty when the house is in order. */
export function houseBreaches(root: string): string[] {
  return roots.flatMap((folder) => breachesBelow(root, join(root, folder)));
}

function breachesBelow(root: string, folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return skipped.has(entry.name) ? [] : [...folderBreaches(root, path), ...breachesBelow(root, path)];
    }
    return entry.isFile() ? fileBreaches(root, path) : [];
  });
}

function folderBreaches(root: string, path: string): string[] {
  const shown = relative(root, path);
  const name = basename(path);
  const breaches: string[] = [];
  if (shapelessNames.has(name)) breaches.push(`${shown}: a folder is named after what it holds, never "${name}"`);
  if (dirname(shown) === 'src' && !knownFolders.has(name)) {
    breaches.push(`${shown}: no layer rule yet: add the folder to scripts/layers.ts and .oxlintrc.json`);
  }
  return breaches;
}

function fileBreaches(root: string, path: string): string[] {
  const shown = relative(root, path);
  const breaches: string[] = [];
  if (shown.startsWith('src/') && basename(path) === 'index.ts')
    breaches.push(`${shown}: no barrels: import the file itself`);
  if (!countedExtensions.has(extname(path))) return breaches;
  const lines = readFileSync(path, 'utf8').split('\n').length - 1;
  if (lines > maxLines) breaches.push(`${shown}: ${lines} lines, the limit is ${maxLines}`);
  return breaches;
}

if (import.meta.main) {
  const breaches = houseBreaches(join(dirname(fileURLToPath(import.meta.url)), '..'));
  for (const breach of breaches) console.error(breach);
  if (breaches.length > 0) process.exitCode = 1;
}
