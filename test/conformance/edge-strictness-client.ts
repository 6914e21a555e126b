import { connect, type Socket } from 'node:net';
import { hang } from '../patience.ts';

/** What came back over one connection, latin-1. */
export interface Heard {
  readonly text: string;
  /** Status of each final answer, in order. */
  readonly statuses: readonly number[];
}

/**
 * Sends the bytes of one case on a connection of its own. When the first answer is whole, a last sound request follows (`GET /last`, to be answered
 * with the end of the connection): whatever the edge took for a request before it is then known to the judge. Resolves at the end of the connection.
 */
export async function tell(port: number, pieces: readonly string[]): Promise<Heard> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  let text = '';
  let closed = false;
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  socket.on('end', () => (closed = true));
  socket.on('close', () => (closed = true));
  try {
    for (const piece of pieces) await write(socket, piece);
    await settled(socket, () => closed || answersIn(text).length > 0);
    if (!closed) await write(socket, 'GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    await settled(socket, () => closed);
  } finally {
    socket.destroy();
  }
  return { text, statuses: answersIn(text) };
}

/** A peer that has gone already is no fault of the case. */
function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(Buffer.from(text, 'latin1'), () => resolve());
  });
}

/** Looks whenever something happens to the connection; neither an answer nor an end within the bound is a fault. */
function settled(socket: Socket, condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const names = ['data', 'end', 'close'] as const;
    const stop = (): void => {
      clearTimeout(timer);
      for (const name of names) socket.off(name, look);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`neither a whole answer nor the end of the connection within ${hang} ms`));
    }, hang);
    const look = (): void => {
      if (!condition()) return;
      stop();
      resolve();
    };
    for (const name of names) socket.on(name, look);
    look();
  });
}

/** Statuses of the whole answers in `text`; interim ones are left out. The edge frames its answers by length or in chunks. */
function answersIn(text: string): number[] {
  const statuses: number[] = [];
  let at = 0;
  for (;;) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1) return statuses;
    const head = text.slice(at, headEnd + 2);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
    if (status === 0) return statuses;
    at = headEnd + 4;
    if (status < 200) continue;
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
    const chunked = /\r\ntransfer-encoding: *chunked\r\n/i.test(head);
    const end = chunked ? text.indexOf('0\r\n\r\n', at) + 5 : at + Number(length ?? 0);
    if ((chunked && end === 4) || text.length < end) return statuses;
    statuses.push(status);
    at = end;
  }
}
