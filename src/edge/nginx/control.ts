import { open } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../lib/files.ts';
import { controlSocket, type EdgeFolder } from './folder.ts';

/** `absent`: nothing listens there. `broken`: it ended without a whole answer. `silent`: no answer in time. */
export type ControlAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'absent' | 'broken' | 'silent' };

/** A question to the running nginx over its control socket. `body` makes it a POST. */
export interface ControlQuestion {
  readonly path: string;
  /** Of another socket in the same folder; the control socket unless told. */
  readonly socket?: string;
  /** What is named as Host. */
  readonly host?: string;
  readonly body?: string;
  /** Milliseconds for the whole exchange; 10,000 unless told. */
  readonly timeout?: number;
}

/** sockaddr_un holds 108 bytes with the closing NUL (unix(7)). */
const SOCKET_PATH_LIMIT = 107;
const ATTEMPTS = 3;
const RETRY = 50;

/**
 * Asks on a connection of its own; never rejects. A worker that dies with the question in hand is no answer: another is asked then. Every question can be
 * repeated, for a change names the version that it leads to.
 */
export async function askControl(folder: EdgeFolder, question: ControlQuestion): Promise<ControlAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await askOnce(folder, question);
    if (answer.kind !== 'broken' || attempt === ATTEMPTS) return answer;
    await pause(RETRY);
  }
}

async function askOnce(folder: EdgeFolder, question: ControlQuestion): Promise<ControlAnswer> {
  const name = question.socket ?? controlSocket;
  const path = join(folder.control, name);
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return ask(path, question);
  const handle = await open(folder.control, 'r').catch(() => null);
  if (handle === null) return { kind: 'absent' };
  try {
    return await ask(`/proc/self/fd/${handle.fd}/${name}`, question);
  } finally {
    await handle.close();
  }
}

function ask(
  socketPath: string,
  { path, host = 'localhost', body, timeout = 10_000 }: ControlQuestion,
): Promise<ControlAnswer> {
  return new Promise((resolve) => {
    const asked = request({
      socketPath,
      path,
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      headers: { host, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
    });
    const finish = (answer: ControlAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
      asked.destroy();
    };
    const timer = setTimeout(() => finish({ kind: 'silent' }), timeout);
    asked.on('error', (error) => {
      const code = errorCode(error);
      finish({ kind: code === 'ENOENT' || code === 'ECONNREFUSED' ? 'absent' : 'broken' });
    });
    asked.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', () => finish({ kind: 'broken' }));
      response.once('end', () => {
        const whole = Buffer.concat(parts).toString('utf8');
        finish({ kind: 'answered', status: response.statusCode ?? 0, body: whole });
      });
    });
    asked.end(body);
  });
}
