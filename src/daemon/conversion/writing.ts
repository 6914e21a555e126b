import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';

export interface NewFile {
  readonly name: string;
  readonly text: string;
  /** Over what is there. */
  readonly force: boolean;
}

/** Writes a file that a conversion made; its path. A link of that name is refused, or with `force` replaced, never followed. Throws `conflict`. */
export async function written(folder: string, file: NewFile): Promise<string> {
  const path = join(folder, file.name);
  if (file.force) {
    await writeDurably(path, file.text, 0o644);
    return path;
  }
  try {
    await writeFile(path, file.text, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw isThere(path, error);
  }
  return path;
}

export function isThere(path: string, cause?: unknown): KapalError {
  return new KapalError('conflict', `${path} is there already`, { hint: 'Replace it: --force', cause });
}
