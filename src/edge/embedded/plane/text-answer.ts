import type { ResponseHead } from '../http/response-head.ts';
import type { AnswerSink, Asked } from './client-port.ts';
import type { Ground } from './ground.ts';

/** A connection of HTTP/1. */
export interface TextWriter {
  write(data: string | Buffer): boolean;
}

/** An answer of HTTP/1 (RFC 9112 6.3, from the sender's side): framing is decided here, whatever the upstream's was. */
export class TextAnswer implements AnswerSink {
  readonly #ground: Ground;
  readonly #asked: Asked;
  readonly #writer: TextWriter;
  #waiting = '';
  #chunked = false;
  keep = false;

  constructor(ground: Ground, asked: Asked, writer: TextWriter) {
    this.#ground = ground;
    this.#asked = asked;
    this.#writer = writer;
  }

  head(head: ResponseHead, length: number): void {
    const { request } = this.#asked;
    this.keep = this.#asked.mayKeep();
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
    const date = head.dated ? '' : this.#ground.dateLine;
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
    return this.#writer.write(copy);
  }

  end(body: string): void {
    if (!this.#chunked) this.#send(body);
    else this.#send(body === '' ? '0\r\n\r\n' : `${framed(body)}0\r\n\r\n`);
  }

  #send(text: string): boolean {
    const whole = this.#waiting + text;
    this.#waiting = '';
    return whole === '' || this.#writer.write(whole);
  }
}

function framed(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
