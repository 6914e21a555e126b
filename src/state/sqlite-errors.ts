import { KapalError } from '../model/errors.ts';

/** The file that an error is about. */
export interface Place {
  readonly path: string;
}

/** Primary result codes, https://www.sqlite.org/rescode.html; the extended code is in the higher bits. */
const codes = { ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, constraint: 19, notDatabase: 26 } as const;

/** IOERR_SHMSIZE: the wal-index could not grow, which a full disk causes too. */
const sharedMemoryNotGrown = 4874;

/** The SQLite error as a KapalError where the user can act on it; anything else is returned as it came. */
export function readableError(error: unknown, place: Place): unknown {
  const code = resultCode(error);
  if (code === null || !(error instanceof Error)) return error;
  if (code === sharedMemoryNotGrown) return diskFull(place, error);
  switch (code & 0xff) {
    case codes.full:
      return diskFull(place, error);
    case codes.corrupt:
    case codes.notDatabase:
      return damaged(place, error.message, error);
    case codes.cannotOpen:
      return new KapalError('state_damaged', `${place.path} cannot be opened`, {
        hint: 'Check that its folder exists and belongs to the user that Kapal runs as.',
        cause: error,
      });
    case codes.ioError:
      return new KapalError('disk_failed', `The disk under ${place.path} does not answer: ${error.message}`, {
        hint: "Look at the kernel's messages (dmesg) for that disk. What runs goes on running; nothing was half written.",
        cause: error,
      });
    default:
      return error;
  }
}

/** The record is there but cannot be believed. `what` is what the check said. */
export function damaged(place: Place, what: string, cause?: unknown): KapalError {
  return new KapalError('state_damaged', `${place.path} is damaged: ${what}`, {
    hint: `Stop Kapal, copy ${place.path}, ${place.path}-wal and ${place.path}-shm to a safe place, then restore them from a backup; "sqlite3 ${place.path} .recover" saves what is readable. What runs goes on running meanwhile.`,
    cause,
  });
}

/** Whether a write broke a UNIQUE, PRIMARY KEY or FOREIGN KEY rule; `column` narrows it to one (`services.host`). */
export function brokeConstraint(error: unknown, column: string): boolean {
  const code = resultCode(error);
  return (
    code !== null && (code & 0xff) === codes.constraint && error instanceof Error && error.message.includes(column)
  );
}

function diskFull(place: Place, cause: Error): KapalError {
  return new KapalError('disk_full', `The disk is full: ${place.path} could not be written`, {
    hint: 'Free space on that disk, then repeat. Nothing was half written.',
    cause,
  });
}

function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
}
