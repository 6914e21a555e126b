import { unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { errorCode } from '../../lib/files.ts';
import type { WorkerQuestion, WorkerStatus } from './control.ts';

/**
 * Answers the daemon's questions at a Unix socket (a path of at most 107 bytes). Who may ask is decided by the folder's mode.
 * Resolves once the socket takes connections.
 */
export async function listenForControl(options: {
  readonly path: string;
  readonly answer: (question: WorkerQuestion) => Promise<WorkerStatus | null>;
  readonly report: (text: string) => void;
}): Promise<Disposable> {
  removeStale(options.path);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const parts: Buffer[] = [];
    const giveUp = (error: unknown): void => {
      options.report(`control: ${String(error)}`);
      socket.destroy();
    };
    socket.on('error', () => socket.destroy());
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => void answerTo(parts, options.answer).then((line) => socket.end(line), giveUp));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.path, resolve);
  });
  server.on('error', (error) => options.report(`control: ${error.message}`));
  return { [Symbol.dispose]: () => void server.close() };
}

async function answerTo(
  parts: readonly Buffer[],
  answer: (question: WorkerQuestion) => Promise<WorkerStatus | null>,
): Promise<string> {
  const question = JSON.parse(Buffer.concat(parts).toString('utf8')) as WorkerQuestion;
  return `${JSON.stringify(await answer(question))}\n`;
}

/** A worker that was killed leaves its socket behind, and bind(2) refuses a path that exists. */
function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
