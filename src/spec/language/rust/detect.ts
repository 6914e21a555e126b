import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

export function detectRust(folder: SourceFolder): Evidence | null {
  return folder.has('Cargo.toml') ? { file: folder.nameOf('Cargo.toml'), why: 'it is there' } : null;
}
