import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { AnswerSink } from './client-port.ts';
import type { Ground } from './ground.ts';

export interface TextAnswerOptions {
  readonly ground: Ground;
  readonly request: RequestHead;
  readonly write: (data: string | Buffer) => boolean;
  /** Asked once, when the head is framed. */
  readonly mayKeep: () => boolean;
}

/** An answer of HTTP/1 (RFC 9112 6.3, from the sender's side): framing is decided here, whatever the upstream's was. */
export class TextAnswer implements AnswerSink {
  readonly #options: TextAnswerOptions;
  #waiting = '';
  #chunked = false;
  keep = false;

  constructor(options: TextAnswerOptions) {
    this.#options = options;
  }

  head(head: ResponseHead, length: number): void {
    const { request, ground, mayKeep } = this.#options;
    this.keep = mayKeep();
    let framing = '';
    if (head.status === 204) framing = '';
    else if (request.method === 'HEAD' || head.status === 304) {
      if (head.contentLength !== -1) framing = `Content-Length: ${head.contentLength}\r\n`;
    } else if (length !== -1) framing = `Content-Length: ${length}\r\n`;
    else if (request.minor === 1) {
      this.#chunked = true;
      framing = 'Transfer-Encoding: chunked\r\n';
    } else this.keep = false;
    const connection = this.keep ? (request.minor === 1 ? '' : 'Connection: keep-alive\r\n') : 'Connection: close\r\n';
    const date = head.dated ? '' : ground.dateLine;
    this.#waiting = `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}${date}${framing}${connection}\r\n`;
  }

  text(body: string): boolean {
    return this.#send(this.#chunked && body !== '' ? framed(body) : body);
  }

  bytes(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    const before = `${this.#waiting}${this.#chunked ? `${length.toString(16)}\r\n` : ''}`;
    this.#waiting = '';
    const copy = Buffer.allocUnsafe(before.length + length + (this.#chunked ? 2 : 0));
    copy.write(before, 'latin1');
    bytes.copy(copy, before.length, start, end);
    if (this.#chunked) copy.write('\r\n', before.length + length, 'latin1');
    return this.#options.write(copy);
  }

  end(body: string): void {
    if (!this.#chunked) this.#send(body);
    else this.#send(body === '' ? '0\r\n\r\n' : `${framed(body)}0\r\n\r\n`);
  }

  #send(text: string): boolean {
    const whole = this.#waiting + text;
    this.#waiting = '';
    return whole === '' || this.#options.write(whole);
  }
}

function framed(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
