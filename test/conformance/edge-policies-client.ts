import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hang } from '../patience.ts';

export interface Ask {
  readonly port: number;
  readonly host: string;
  /** As it is to be on the wire. */
  readonly target: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  /** Over TLS, whatever the certificate. */
  readonly tls?: true;
  readonly version?: '1.0' | '1.1';
}

export interface Answer {
  readonly status: number;
  /** Values by lower-case name, in the order in which they came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Without framing. */
  readonly body: Buffer;
}

/** One request in exactly these bytes, on a connection of its own; the answer to its end. */
export async function ask(wanted: Ask): Promise<Answer> {
  const socket = open(wanted);
  socket.write(requestText(wanted), 'latin1');
  const parts: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(hang, () => socket.destroy(new Error(`no answer to ${wanted.target}`)));
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', resolve);
    socket.on('error', reject);
  });
  socket.destroy();
  return parse(Buffer.concat(parts), wanted.method ?? 'GET');
}

export function open({ port, host, tls }: Pick<Ask, 'port' | 'host' | 'tls'>): Socket {
  if (tls !== true) return connect({ port, host: '127.0.0.1', noDelay: true });
  return connectTls({
    port,
    host: '127.0.0.1',
    servername: host,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
}

export function requestText({ host, target, method = 'GET', headers = [], body, version = '1.1' }: Ask): string {
  const lines = [`${method} ${target} HTTP/${version}`, `Host: ${host}`, 'Connection: close'];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** The first value of a header; `undefined` where there is none. */
export function headerOf(answer: Answer, name: string): string | undefined {
  return answer.headers.get(name)?.[0];
}

function parse(bytes: Buffer, method: string): Answer {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no whole head: ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`);
  const [line = '', ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(line.split(' ')[1]);
  if (status === 100) return parse(bytes.subarray(end + 4), method);
  const headers = new Map<string, string[]>();
  for (const field of fields) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), field.slice(colon + 1).trim()]);
  }
  const rest = bytes.subarray(end + 4);
  return { status, headers, body: bodyOf(headers, rest, method === 'HEAD' || status === 304 || status === 204) };
}

/** Throws where the framing does not say where the body ends, or it is cut. */
function bodyOf(headers: ReadonlyMap<string, readonly string[]>, bytes: Buffer, none: boolean): Buffer {
  const length = headers.get('content-length')?.[0];
  const chunked = headers.get('transfer-encoding')?.[0] === 'chunked';
  if (none) {
    if (bytes.length > 0) throw new Error(`${bytes.length} bytes after a head without a body`);
    return bytes;
  }
  if (chunked) return dechunked(bytes);
  if (length !== undefined && Number(length) !== bytes.length)
    throw new Error(`${bytes.length} bytes of a body of ${length}`);
  return bytes;
}

function dechunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (line === -1 || Number.isNaN(size)) throw new Error('a chunked body that is cut');
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
