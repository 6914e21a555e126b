import { errorCode } from '../lib/files.ts';
import { TreeError } from '../lib/tree/tree-error.ts';
import { type ErrorCode, KapalError } from '../model/errors.ts';

const codes = {
  refused: 'source_refused',
  'too-large': 'source_too_large',
  changed: 'source_failed',
  failed: 'source_failed',
} as const satisfies Record<TreeError['kind'], ErrorCode>;

/** What a tree or the disk refused, in the words of the catalogue; anything else as it is. */
export function asSourceError(error: unknown): unknown {
  if (error instanceof TreeError) {
    return new KapalError(codes[error.kind], error.message, { hint: error.hint ?? undefined, cause: error });
  }
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new KapalError('disk_full', 'There is no room on the disk for the source', {
      hint: 'Free space in the data folder, then deploy again.',
      cause: error,
    });
  }
  return error;
}
