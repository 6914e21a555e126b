import type { Readable } from 'node:stream';
import type { RequestHead } from '../http/request-head.ts';
import { ResponseHead } from '../http/response-head.ts';
import { fieldOf } from '../policy/field-lines.ts';
import type { Answering } from '../policy/shaped-reply.ts';
import { reasonOf } from './reply.ts';
import type { StaticAnswer, StaticBody, StaticRequest } from './types.ts';

/** The request as static files see it; `path` is decoded and resolved, `target` what the client or a rule asked for. */
export function staticRequestOf(
  request: RequestHead,
  { path, target }: { readonly path: string; readonly target: string },
): StaticRequest {
  const query = target.indexOf('?');
  return {
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    path,
    rawPath: query === -1 ? target : target.slice(0, query),
    query: query === -1 ? null : target.slice(query + 1),
    headers: { get: (name) => fieldOf(request.fields, name) },
  };
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
  readonly reply: Answering;
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
