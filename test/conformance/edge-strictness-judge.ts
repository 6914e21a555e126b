import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A request as it arrived at the endpoint, byte for byte; texts are latin-1. */
export interface JudgedRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Without its framing. */
  readonly body: string;
  /** Head and body as they came. */
  readonly text: string;
}

/**
 * An endpoint that takes nothing on trust: it reads what the edge sends by the letter of RFC 9112 and writes down what is not in its one unambiguous
 * form. Every sound request is answered, so that a second one on the same connection would be seen.
 */
export class Judge implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly requests: JudgedRequest[] = [];
  /** What no endpoint should have to make sense of. */
  readonly problems: string[] = [];
  port = 0;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<Judge> {
    const judge = new Judge();
    judge.#server.listen(0, '127.0.0.1');
    await once(judge.#server, 'listening');
    judge.port = (judge.#server.address() as AddressInfo).port;
    return judge;
  }

  /** Forgets what came until now. */
  clear(): void {
    this.requests.length = 0;
    this.problems.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    let text = '';
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let read = readRequest(text); read !== null; read = readRequest(text)) {
        if (typeof read === 'string') {
          this.problems.push(`${read}: ${JSON.stringify(text.slice(0, 400))}`);
          socket.destroy();
          return;
        }
        text = text.slice(read.text.length);
        this.requests.push(read);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${read.method === 'HEAD' ? '0\r\n\r\n' : '2\r\n\r\nok'}`);
      }
    });
  }
}

/** The first request in `text`, null where it has not come whole, or what is wrong with it. */
function readRequest(text: string): JudgedRequest | string | null {
  if (text === '') return null;
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return text.length > 200_000 ? 'a head without an end' : null;
  const head = text.slice(0, headEnd);
  const [line = '', ...lines] = head.split('\r\n');
  if (/[\r\n\0]/.test(head.replaceAll('\r\n', ''))) return 'a bare CR, LF or NUL in a head';
  const request = /^([A-Z][A-Z_-]*) (\/[\x21-\x7e]*|\*) HTTP\/1\.1$/.exec(line);
  if (request === null) return 'a request line in another than its one form';
  const fields: [string, string][] = [];
  for (const field of lines) {
    const parts = /^([!#$%&'*+.^`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(field);
    if (parts === null) return 'a field line in another than its one form';
    fields.push([parts[1] ?? '', (parts[2] ?? '').trim()]);
  }
  const [, method = '', target = ''] = request;
  const problem = fieldProblem(fields);
  if (problem !== null) return problem;
  const body = readBody(text.slice(headEnd + 4), fields);
  if (body === null || typeof body === 'string') return body;
  return { method, target, fields, body: body.body, text: text.slice(0, headEnd + 4 + body.length) };
}

function fieldProblem(fields: readonly (readonly [string, string])[]): string | null {
  const valuesOf = (wanted: string): string[] =>
    fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  if (valuesOf('host').length !== 1) return 'another number of Host than one';
  if (valuesOf('host')[0] === '') return 'an empty Host';
  const lengths = valuesOf('content-length');
  const encodings = valuesOf('transfer-encoding');
  if (lengths.length + encodings.length > 1) return 'more than one field that frames the body';
  if (lengths[0] !== undefined && !/^\d{1,15}$/.test(lengths[0])) return 'a Content-Length that is no plain number';
  if (encodings[0] !== undefined && encodings[0] !== 'chunked') return 'a Transfer-Encoding that is not chunked';
  return null;
}

interface Body {
  readonly body: string;
  /** With framing. */
  readonly length: number;
}

function readBody(text: string, fields: readonly (readonly [string, string])[]): Body | string | null {
  const named = new Map(fields.map(([name, value]) => [name.toLowerCase(), value]));
  if (!named.has('transfer-encoding')) {
    const length = Number(named.get('content-length') ?? 0);
    return text.length < length ? null : { body: text.slice(0, length), length };
  }
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const digits = text.slice(at, lineEnd);
    if (!/^[0-9a-fA-F]{1,13}$/.test(digits)) return 'a chunk size in another than its one form';
    const size = Number.parseInt(digits, 16);
    const end = lineEnd + 2 + size;
    if (text.length < end + 2) return null;
    if (text.slice(end, end + 2) !== '\r\n') return 'a chunk or a body that does not end with CRLF';
    if (size === 0) return { body, length: end + 2 };
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
  }
}
