import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

const files = ['go.work', 'go.mod', 'Gopkg.toml', 'glide.yaml'];

/** By go.work, go.mod, a file of the tools before them, or a main.go without a package.json beside it. */
export function detectGo(folder: SourceFolder): Evidence | null {
  const file = folder.firstOf(folder.has('package.json') ? files : [...files, 'main.go']);
  return file === null ? null : { file: folder.nameOf(file), why: 'it is there' };
}
