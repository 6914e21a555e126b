import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askWorker, type WorkerStatus } from './control.ts';
import type { WorkerProcess } from './fleet.ts';
import type { EdgeFolder } from './folder.ts';
import { ageOf, isAlive, signal } from './identity.ts';
import { Silence } from '../silence.ts';

/** A worker may take this long from its start to its control socket, on a machine that is busy with builds. */
const START_TIMEOUT = 10_000;
const RETRY = 20;

/** sockaddr_un holds 108 bytes with the closing NUL (unix(7)). */
const SOCKET_PATH_LIMIT = 107;

export interface AnsweringWorker {
  readonly worker: WorkerProcess;
  readonly status: WorkerStatus;
}

/**
 * Asks each worker and answers with those that answered. A hung one is killed, so that nobody is left that serves an old table; one
 * that does not listen for questions yet is passed over: it reads the table from disk after it listens and before it accepts.
 */
export async function askWorkers(options: {
  readonly folder: EdgeFolder;
  readonly workers: readonly WorkerProcess[];
  /** A WorkerQuestion as JSON. */
  readonly question: string;
  readonly note: (text: string) => void;
}): Promise<AnsweringWorker[]> {
  const answers = await withSocketFolder(options.folder.control, (folder) =>
    Promise.all(
      options.workers.map(async (worker) => {
        const status = await askOne({ ...options, worker, socket: join(folder, worker.socket) });
        return status === null ? null : { worker, status };
      }),
    ),
  );
  return answers.filter((answer) => answer !== null);
}

async function askOne(options: {
  readonly worker: WorkerProcess;
  readonly socket: string;
  readonly question: string;
  readonly note: (text: string) => void;
}): Promise<WorkerStatus | null> {
  const { identity, slot } = options.worker;
  const silence = new Silence(identity.pid);
  for (;;) {
    const answer = await askWorker({ ...options, givesUp: (milliseconds) => silence.hears(milliseconds) });
    if (answer.kind === 'answered') return answer.status;
    if (!isAlive(identity) || (answer.kind === 'refused' && ageOf(identity) < START_TIMEOUT)) return null;
    if (answer.kind === 'silent' || silence.hears(RETRY)) break;
    await pause(RETRY);
  }
  if (signal(identity, 'SIGKILL')) {
    options.note(`edge: worker ${slot} (pid ${identity.pid}) did not answer and was killed; its keeper starts another`);
  }
  return null;
}

/** A path to the folder that is short enough for sockets in it: through an open descriptor where the real one is too long. */
async function withSocketFolder<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(folder) + 40 <= SOCKET_PATH_LIMIT) return use(folder);
  const handle: FileHandle = await open(folder, 'r');
  try {
    return await use(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}
