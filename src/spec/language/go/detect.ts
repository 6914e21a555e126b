import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

/** By go.work, go.mod, a lock file of the tools before them, or a main.go. */
export function detectGo(folder: SourceFolder): Evidence | null {
  const file = folder.firstOf(['go.work', 'go.mod', 'Gopkg.toml', 'glide.yaml', 'main.go']);
  return file === null ? null : { file: folder.nameOf(file), why: 'it is there' };
}
