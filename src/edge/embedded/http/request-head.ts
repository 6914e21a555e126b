import { hostChar, methodChar, target as targetTable, targetClass, token } from './chars.ts';
import { field, type FieldTable } from './fields.ts';
import { contentLengthOf, keptFields, listed, namedByConnection } from './framing.ts';
import { type Refusal, refusals } from './refusal.ts';

/** A request's head in its one unambiguous form. Made by `parseRequestHead` only. */
export class RequestHead {
  method = '';
  /** Origin form, or `*` for OPTIONS. As it was sent, but for an absolute form's scheme and authority, which are gone. */
  target = '';
  /** Length of the path in `target`; after it comes `?` or nothing. */
  pathLength = 0;
  /** The path holds `%`, `\`, `//` or `/.`: routing has to look at its decoded and resolved form. */
  unusualPath = false;
  /** HTTP/1.minor */
  minor: 0 | 1 = 1;
  /** A stream of HTTP/2, whose head was put into the form of HTTP/1.1. */
  http2 = false;
  /** As it was sent; empty where HTTP/1.0 has none. */
  host = '';
  /** End-to-end fields as lines with their CRLF, without Host, Content-Length, Expect, X-Request-Id and what says who the client is. */
  fields = '';
  /** -1: none was sent. */
  contentLength = -1;
  chunked = false;
  keepAlive = true;
  expectContinue = false;
  /** The one protocol that Upgrade names, where Connection says so and there is no body. */
  upgrade: string | null = null;
  /** X-Forwarded-For and X-Forwarded-Proto as they came, of which only trusted proxies are believed; they are not among `fields`. */
  forwardedFor: string | null = null;
  forwardedProto: string | null = null;
  /** From outside, when it is well-formed. */
  requestId: string | null = null;
  accept: string | null = null;
  userAgent: string | null = null;
  referer: string | null = null;

  get protocol(): 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0' {
    if (this.http2) return 'HTTP/2.0';
    return this.minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
  }
}

export interface HeadBytes {
  readonly bytes: Buffer;
  readonly start: number;
  /** After the empty line. */
  readonly end: number;
}

const SP = 32;
const requestIdForm = /^[A-Za-z0-9.-]{8,64}$/;
/** Protocols whose upgrade would hide requests from the edge: HTTP/2 (h2c smuggling) and TLS inside HTTP (RFC 2817). */
const hidingProtocol = /^(?:h2|http|tls)/i;

/** Reads a head whose line ends a `HeadScanner` has checked (RFC 9112 3 to 6, strictly). `table` is scratch space. */
export function parseRequestHead(at: HeadBytes, table: FieldTable): RequestHead | Refusal {
  const text = at.bytes.toString('latin1', at.start, at.end);
  const head = new RequestHead();
  const fieldsAt = requestLine(at, text, head);
  if (typeof fieldsAt !== 'number') return fieldsAt;
  const unsound = table.read(at.bytes, fieldsAt) ?? readFields(head, { table, text, start: at.start });
  return unsound ?? head;
}

/** `METHOD SP target SP HTTP/1.x CRLF`; gives the position after it. */
function requestLine({ bytes, start }: HeadBytes, text: string, head: RequestHead): number | Refusal {
  let i = start;
  while (methodChar[bytes[i] as number] === 1) i += 1;
  if (bytes[i] !== SP || i === start) return refusals.method;
  head.method = text.slice(0, i - start);
  i += 1;
  const targetStart = i;
  let query = -1;
  for (let kind = classAt(bytes, i); kind !== targetClass.refused; kind = classAt(bytes, i)) {
    if (kind === targetClass.query && query === -1) query = i;
    else if (query === -1 && kind !== targetClass.plain) {
      if (kind === targetClass.special || bytes[i + 1] === 0x2f || bytes[i + 1] === 0x2e) head.unusualPath = true;
    }
    i += 1;
  }
  if (bytes[i] !== SP || i === targetStart) return bytes[i] === 13 ? refusals.requestLine : refusals.target;
  head.target = text.slice(targetStart - start, i - start);
  head.pathLength = (query === -1 ? i : query) - targetStart;
  return versionAt({ bytes, start: i + 1, end: 0 }, head);
}

function versionAt({ bytes, start }: HeadBytes, head: RequestHead): number | Refusal {
  const isHttp =
    bytes[start] === 0x48 && bytes[start + 1] === 0x54 && bytes[start + 2] === 0x54 && bytes[start + 3] === 0x50;
  if (!isHttp || bytes[start + 4] !== 0x2f || bytes[start + 6] !== 0x2e || bytes[start + 8] !== 13)
    return refusals.version;
  const major = (bytes[start + 5] as number) - 48;
  const minor = (bytes[start + 7] as number) - 48;
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return refusals.version;
  if (major !== 1 || minor > 1) return refusals.otherVersion;
  head.minor = minor === 0 ? 0 : 1;
  head.keepAlive = minor === 1;
  return start + 10;
}

function classAt(bytes: Buffer, i: number): number {
  return targetTable[bytes[i] as number] as number;
}

interface Fields {
  readonly table: FieldTable;
  readonly text: string;
  /** Of the head in the bytes: positions in `table` minus this are positions in `text`. */
  readonly start: number;
}

function readFields(head: RequestHead, fields: Fields): Refusal | null {
  const { table } = fields;
  let hosts = 0;
  let connection: string | null = null;
  let upgrade: string | null = null;
  let expect: string | null = null;
  for (let k = 0; k < table.count; k += 1) {
    switch (table.kind[k]) {
      case field.other:
        if (table.underscored[k] === 1) table.kind[k] = field.dropped;
        break;
      case field.host:
        hosts += 1;
        head.host = valueOf(fields, k);
        break;
      case field.connection:
        connection = listed(connection, valueOf(fields, k));
        break;
      case field.contentLength:
      case field.transferEncoding: {
        const unsound = readFraming(head, fields, k);
        if (unsound !== null) return unsound;
        break;
      }
      case field.expect:
        expect = listed(expect, valueOf(fields, k));
        break;
      case field.upgrade:
        upgrade = listed(upgrade, valueOf(fields, k));
        break;
      case field.spoofed:
        readForwarded(head, fields, k);
        break;
      default:
        readNoted(head, fields, k);
    }
  }
  if (hosts > 1) return refusals.hostSeveral;
  if (head.chunked && head.contentLength !== -1) return refusals.lengthAndEncoding;
  if (head.chunked && head.minor === 0) return refusals.encodingOld;
  return readHost(head, hosts) ?? readHops(head, fields, { connection, upgrade, expect });
}

function readFraming(head: RequestHead, fields: Fields, k: number): Refusal | null {
  if (fields.table.kind[k] === field.contentLength) {
    if (head.contentLength !== -1) return refusals.lengthSeveral;
    head.contentLength = contentLengthOf(valueOf(fields, k));
    return head.contentLength === -1 ? refusals.lengthInvalid : null;
  }
  if (head.chunked) return refusals.encodingSeveral;
  head.chunked = valueOf(fields, k).toLowerCase() === 'chunked';
  return head.chunked ? null : refusals.encodingUnknown;
}

/** Fields that are forwarded and also read. */
function readNoted(head: RequestHead, fields: Fields, k: number): void {
  switch (fields.table.kind[k]) {
    case field.accept:
      head.accept = listed(head.accept, valueOf(fields, k));
      break;
    case field.userAgent:
      head.userAgent = valueOf(fields, k);
      break;
    case field.referer:
      head.referer = valueOf(fields, k);
      break;
    case field.requestId: {
      const value = valueOf(fields, k);
      head.requestId = requestIdForm.test(value) ? value : null;
      break;
    }
    default:
      break;
  }
}

function readForwarded(head: RequestHead, fields: Fields, k: number): void {
  const { table, text, start } = fields;
  const name = text.slice((table.lineStart[k] as number) - start, (table.nameEnd[k] as number) - start).toLowerCase();
  if (name === 'x-forwarded-for') head.forwardedFor = listed(head.forwardedFor, valueOf(fields, k));
  else if (name === 'x-forwarded-proto') head.forwardedProto = listed(head.forwardedProto, valueOf(fields, k));
}

function valueOf({ table, text, start }: Fields, k: number): string {
  return text.slice((table.valueStart[k] as number) - start, (table.valueEnd[k] as number) - start);
}

/** RFC 9112 3.2, 3.3: exactly one valid Host on HTTP/1.1; the target's own authority must be the same. */
function readHost(head: RequestHead, hosts: number): Refusal | null {
  if (hosts === 0 && head.minor === 1) return refusals.hostMissing;
  if (hosts === 1 && !isHostField(head.host)) return refusals.hostInvalid;
  if (head.method === 'CONNECT') return refusals.connectMethod;
  if (head.target.charCodeAt(0) === 0x2f) return null;
  if (head.target === '*') return head.method === 'OPTIONS' ? null : refusals.target;
  return readAbsoluteForm(head);
}

function readAbsoluteForm(head: RequestHead): Refusal | null {
  const parts = /^https?:\/\/([^/?]*)([^?]*)(.*)$/i.exec(head.target);
  if (parts === null) return refusals.target;
  const [, authority = '', path = '', query = ''] = parts;
  if (!isHostField(authority)) return refusals.target;
  // HTTP/1.0 may leave Host out; then the target says which host is meant.
  if (head.host === '' && head.minor === 0) head.host = authority;
  if (authority.toLowerCase() !== head.host.toLowerCase()) return refusals.authorityDiffers;
  if (path === '' && query === '' && head.method === 'OPTIONS') {
    head.target = '*';
    head.pathLength = 1;
    return null;
  }
  const origin = path === '' ? '/' : path;
  head.target = origin + query;
  head.pathLength = origin.length;
  head.unusualPath = /[%\\]|\/[/.]/.test(origin);
  return null;
}

/** `name`, `name:port`, `[v6]`, `[v6]:port`. */
export function isHostField(host: string): boolean {
  let i = 0;
  if (host.charCodeAt(0) === 0x5b) {
    const close = host.indexOf(']');
    if (close < 3 || !/^[0-9A-Fa-f:.]+$/.test(host.slice(1, close))) return false;
    i = close + 1;
  } else {
    while (i < host.length && hostChar[host.charCodeAt(i)] === 1) i += 1;
    if (i === 0) return false;
  }
  if (i === host.length) return true;
  return host.charCodeAt(i) === 0x3a && /^[0-9]{1,5}$/.test(host.slice(i + 1)) && Number(host.slice(i + 1)) <= 65535;
}

interface Hops {
  readonly connection: string | null;
  readonly upgrade: string | null;
  readonly expect: string | null;
}

/** What holds for this connection only (RFC 9110 7.6.1), and then which fields remain. */
function readHops(head: RequestHead, fields: Fields, { connection, upgrade, expect }: Hops): Refusal | null {
  let named: readonly string[] = [];
  if (connection !== null) {
    const options = namedByConnection(connection);
    if (options === null) return refusals.connection;
    if (options.includes('close')) head.keepAlive = false;
    else if (options.includes('keep-alive')) head.keepAlive = true;
    if (upgrade !== null && options.includes('upgrade')) readUpgrade(head, upgrade);
    named = options.filter((option) => option !== 'close' && option !== 'keep-alive' && option !== 'upgrade');
  }
  if (expect !== null && head.minor === 1) {
    if (expect.toLowerCase() !== '100-continue') return refusals.expectation;
    head.expectContinue = head.chunked || head.contentLength > 0;
  }
  head.fields = keptFields(fields, named);
  return null;
}

function readUpgrade(head: RequestHead, upgrade: string): void {
  if (head.minor === 0 || head.chunked || head.contentLength > 0 || hidingProtocol.test(upgrade)) return;
  for (let i = 0; i < upgrade.length; i += 1) {
    const code = upgrade.charCodeAt(i);
    // A protocol may have a version: `name/version`.
    if (code !== 0x2f && (code > 255 || token[code] === 0)) return;
  }
  if (upgrade !== '') head.upgrade = upgrade;
}
