import type { Socket } from 'node:net';
import type { PlaceAsk } from './plane/place-book.ts';

/** What a worker says to the one that keeps the places: lines of JSON. */
export type ToChair =
  /** First of all: who it is, and what it has under way. */
  | { readonly say: 'hello'; readonly name: string; readonly held: Readonly<Record<string, number>> }
  | ({ readonly say: 'ask' } & PlaceAsk)
  | { readonly say: 'withdraw'; readonly id: number }
  | { readonly say: 'change'; readonly endpoint: string; readonly by: number };

/** Every hello and every ask is answered at once: `heard` where nothing else is to be said yet. */
export type FromChair =
  | { readonly say: 'granted'; readonly id: number; readonly endpoint: string }
  | { readonly say: 'refused'; readonly id: number }
  | { readonly say: 'heard' };

export function say(socket: Socket, message: ToChair | FromChair): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` for each message. What is no line of JSON ends the connection: its sender is of another version. */
export function hear<M>(socket: Socket, take: (message: M) => void): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (part: string) => {
    text += part;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const message = parse<M>(line);
      if (message === null) socket.destroy();
      else take(message);
    }
  });
}

function parse<M>(line: string): M | null {
  try {
    return JSON.parse(line) as M;
  } catch {
    return null;
  }
}
