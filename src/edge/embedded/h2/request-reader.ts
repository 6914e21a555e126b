import { fieldValue, token } from '../http/chars.ts';
import type { FieldTable } from '../http/fields.ts';
import type { HeadLimits } from '../http/head-scanner.ts';
import { Refusal, refusals } from '../http/refusal.ts';
import { parseRequestHead, type RequestHead } from '../http/request-head.ts';
import { entryOverhead } from './hpack-decoder.ts';

/** Fields of the connection have no place in HTTP/2 (RFC 9113 8.2.2). */
const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

type Pseudo = 'method' | 'scheme' | 'path' | 'authority';

/**
 * Gathers the fields of one request and gives its head in the form of HTTP/1.1, through the reader of HTTP/1.1: what a request may hold
 * is decided in one place for both. A request that is malformed after RFC 9113 8.1.1 costs its stream; what HTTP itself refuses is answered.
 */
export class RequestReader {
  readonly #limits: HeadLimits;
  readonly #pseudo: Partial<Record<Pseudo, string>> = {};
  #lines = '';
  #host: string | null = null;
  #cookie: string | null = null;
  #size = 0;
  #begun = false;
  #malformed = false;
  #tooLarge = false;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  field(name: string, value: string): void {
    this.#size += name.length + value.length + entryOverhead;
    if (this.#size > this.#limits.headSize + entryOverhead * 128) this.#tooLarge = true;
    if (this.#malformed || this.#tooLarge) return;
    if (!isValue(value)) this.#malformed = true;
    else if (name.charCodeAt(0) === 0x3a) this.#pseudoField(name.slice(1), value);
    else this.#regularField(name, value);
  }

  /** As trailers: `true` where they are sound. They are not passed on. */
  get soundTrailers(): boolean {
    return !this.#malformed && Object.keys(this.#pseudo).length === 0;
  }

  /** `bodyless`: the stream ends with its head. `table` is scratch space. */
  head(bodyless: boolean, table: FieldTable): RequestHead | Refusal | 'malformed' {
    const authority = this.#authority();
    if (this.#malformed || authority === null) return 'malformed';
    if (this.#tooLarge) return refusals.headTooLarge;
    const target = this.#target(authority);
    if (target === null) return 'malformed';
    const head = this.#parse({ authority, target, bodyless }, table);
    if (head instanceof Refusal) return head;
    // Nothing follows: a length above 0 is a lie (RFC 9113 8.1.1).
    if (bodyless && head.contentLength > 0) return 'malformed';
    head.http2 = true;
    return head;
  }

  #parse(
    {
      authority,
      target,
      bodyless,
    }: { readonly authority: string; readonly target: string; readonly bodyless: boolean },
    table: FieldTable,
  ): RequestHead | Refusal {
    const method = this.#pseudo.method ?? '';
    if (method.length + target.length > this.#limits.requestLineSize) return refusals.lineTooLong;
    const host = authority === '' ? '' : `Host: ${authority}\r\n`;
    const cookie = this.#cookie === null ? '' : `Cookie: ${this.#cookie}\r\n`;
    const length = /(?:^|\n)content-length:/.test(this.#lines);
    // Length unknown: in HTTP/1.1 that is chunked.
    const framing = bodyless || length ? '' : 'Transfer-Encoding: chunked\r\n';
    const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\n${host}${this.#lines}${cookie}${framing}\r\n`, 'latin1');
    if (bytes.length > this.#limits.headSize) return refusals.headTooLarge;
    return parseRequestHead({ bytes, start: 0, end: bytes.length }, table);
  }

  /** RFC 9113 8.3, 8.3.1: before all others, each once, no unknown ones. */
  #pseudoField(name: string, value: string): void {
    const known = name === 'method' || name === 'scheme' || name === 'path' || name === 'authority';
    if (!known || this.#begun || this.#pseudo[name] !== undefined) this.#malformed = true;
    else this.#pseudo[name] = value;
  }

  #regularField(name: string, value: string): void {
    this.#begun = true;
    if (!isName(name) || forbidden.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) {
      this.#malformed = true;
    } else if (name === 'host') {
      if (this.#host !== null && this.#host !== value) this.#malformed = true;
      this.#host = value;
    } else if (name === 'cookie') {
      // RFC 9113 8.2.3: cut into pieces for compression.
      this.#cookie = this.#cookie === null ? value : `${this.#cookie}; ${value}`;
    } else this.#lines += `${name}: ${value}\r\n`;
  }

  /** `null`: Host names another (RFC 9113 8.3.1). */
  #authority(): string | null {
    const { authority } = this.#pseudo;
    if (authority === undefined || this.#host === null) return authority ?? this.#host ?? '';
    return authority.toLowerCase() === this.#host.toLowerCase() ? authority : null;
  }

  /** `null`: pseudo fields are missing, or there are too many. */
  #target(authority: string): string | null {
    const { method, scheme, path } = this.#pseudo;
    if (method === undefined || method === '') return null;
    if (method === 'CONNECT') return scheme === undefined && path === undefined && authority !== '' ? authority : null;
    if ((scheme !== 'https' && scheme !== 'http') || path === undefined) return null;
    return path.startsWith('/') || path === '*' ? path : null;
  }
}

/** RFC 9113 8.2.1: a token in lower case. */
function isName(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    if (code > 255 || token[code] === 0 || (code >= 0x41 && code <= 0x5a)) return false;
  }
  return name !== '';
}

/** RFC 9113 8.2.1: no control, no blank at either end. */
function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i += 1) if (fieldValue[value.charCodeAt(i)] !== 1) return false;
  return value === '' || (!isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1)));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
