/** What a client says first, as far as a certificate is chosen by it. */
export interface ClientHello {
  /** server_name (RFC 6066 3): lower case, no dot at its end; `null` where none, or no host name, was sent. */
  readonly serverName: string | null;
  /** ALPN (RFC 7301 3.1), in the client's order. */
  readonly protocols: readonly string[];
}

/** A hello may be spread over several records and segments; no client's comes near this. Bytes. */
export const maxHelloSize = 32 * 1024;

const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const protocolsExtension = 16;

/** `incomplete`: more bytes are needed. `malformed`: it is no ClientHello of TLS. */
export function readClientHello(bytes: Buffer): ClientHello | 'incomplete' | 'malformed' {
  const message = handshakeBytes(bytes);
  if (typeof message === 'string') return message;
  if (message.length < 4) return 'incomplete';
  if (message[0] !== clientHello) return 'malformed';
  const length = message.readUIntBE(1, 3);
  if (length > maxHelloSize) return 'malformed';
  if (message.length < 4 + length) return 'incomplete';
  try {
    return readBody(new Reader(message.subarray(4, 4 + length)));
  } catch (error) {
    if (error instanceof RangeError) return 'malformed';
    throw error;
  }
}

/** The payloads of the records that are whole (RFC 8446 5.1), and what there is of the last one. */
function handshakeBytes(bytes: Buffer): Buffer | 'incomplete' | 'malformed' {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord || (at + 1 < bytes.length && bytes[at + 1] !== 3)) return 'malformed';
    if (bytes.length - at < 5) break;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > 16_384) return 'malformed';
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  const [first] = parts;
  if (first === undefined) return 'incomplete';
  return parts.length === 1 ? first : Buffer.concat(parts);
}

/** Fields one after the other; beyond the end a RangeError. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(size: 1 | 2): number {
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError('the field is longer than what holds it');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A field that its length precedes. */
  sized(size: 1 | 2): Buffer {
    return this.take(this.number(size));
  }
}

function readBody(reader: Reader): ClientHello {
  reader.take(2 + 32);
  reader.sized(1);
  reader.sized(2);
  reader.sized(1);
  let serverName: string | null = null;
  let protocols: readonly string[] = [];
  if (reader.ended) return { serverName, protocols };
  const extensions = new Reader(reader.sized(2));
  while (!extensions.ended) {
    const kind = extensions.number(2);
    const value = new Reader(extensions.sized(2));
    if (kind === serverNameExtension) serverName = readServerName(value);
    else if (kind === protocolsExtension) protocols = readProtocols(value);
  }
  return { serverName, protocols };
}

function readServerName(value: Reader): string | null {
  const list = new Reader(value.sized(2));
  while (!list.ended) {
    const kind = list.number(1);
    const name = list.sized(2).toString('latin1').toLowerCase();
    if (kind === 0) return /^[a-z0-9_-][a-z0-9._-]{0,254}$/.test(name) ? name.replace(/\.$/, '') : null;
  }
  return null;
}

function readProtocols(value: Reader): string[] {
  const list = new Reader(value.sized(2));
  const protocols: string[] = [];
  while (!list.ended) protocols.push(list.sized(1).toString('latin1'));
  return protocols;
}
