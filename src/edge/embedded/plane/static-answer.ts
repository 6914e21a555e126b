import type { Readable } from 'node:stream';
import type { RequestHead } from '../http/request-head.ts';
import { ResponseHead } from '../http/response-head.ts';
import { type Reply, reasonOf } from './reply.ts';
import type { HeaderLookup, StaticAnswer, StaticBody, StaticRequest } from './types.ts';

/** The request as static files see it; `path` is decoded and resolved. */
export function staticRequestOf(request: RequestHead, path: string): StaticRequest {
  const { target, pathLength } = request;
  return {
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    path,
    rawPath: target.slice(0, pathLength),
    query: target.length === pathLength ? null : target.slice(pathLength + 1),
    headers: new FieldLookup(request.fields),
  };
}

/** Fields of a normalised head, found when asked for: only few requests ask. */
class FieldLookup implements HeaderLookup {
  readonly #fields: string;

  constructor(fields: string) {
    this.#fields = fields;
  }

  get(name: string): string | null {
    let found: string | null = null;
    for (const line of this.#fields.split('\r\n')) {
      if (line.charCodeAt(name.length) !== 0x3a || line.slice(0, name.length).toLowerCase() !== name) continue;
      const value = line.slice(name.length + 2);
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }
}

/** The head of an answer that does not come from an upstream. */
export function ownHead(status: number, length: number, headers: StaticAnswer['headers']): ResponseHead {
  const head = new ResponseHead();
  head.status = status;
  head.reason = reasonOf(status);
  head.contentLength = length;
  for (const [name, value] of headers) {
    head.fields += `${name}: ${value}\r\n`;
    if (name.toLowerCase() === 'date') head.dated = true;
  }
  return head;
}

export interface SourceUser {
  readonly reply: Reply;
  sourceEnded(): void;
  /** Fewer bytes than announced, or more. */
  sourceFailed(): void;
}

/** A static body on its way to the client, held back when the client does not take it. */
export class StaticSource {
  readonly #stream: Readable;
  readonly #user: SourceUser;
  #remaining: number;
  #over = false;

  constructor(body: StaticBody, user: SourceUser) {
    this.#user = user;
    this.#remaining = body.length;
    this.#stream = body.open();
    this.#stream.on('data', (chunk: Buffer) => this.#data(chunk));
    this.#stream.on('end', () => this.#ended());
    this.#stream.on('error', () => this.#ended());
    this.#stream.on('close', () => this.#ended());
  }

  resume(): void {
    this.#stream.resume();
  }

  destroy(): void {
    this.#over = true;
    this.#stream.destroy();
  }

  #data(chunk: Buffer): void {
    if (this.#over) return;
    this.#remaining -= chunk.length;
    if (this.#remaining < 0) {
      this.#ended();
      return;
    }
    const taken = this.#user.reply.payload(chunk, 0, chunk.length);
    if (!(this.#user.reply.readEnded(false) && taken)) this.#stream.pause();
  }

  #ended(): void {
    if (this.#over) return;
    this.destroy();
    if (this.#remaining === 0) this.#user.sourceEnded();
    else this.#user.sourceFailed();
  }
}
