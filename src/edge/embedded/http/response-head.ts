import { fieldValue } from './chars.ts';
import { field, type FieldTable } from './fields.ts';
import { contentLengthOf, keptFields, listed, namedByConnection } from './framing.ts';
import { type Refusal, refusals } from './refusal.ts';
import type { HeadBytes } from './request-head.ts';

/** A response's head as an upstream sent it, in its one unambiguous form. Made by `parseResponseHead` only. */
export class ResponseHead {
  status = 0;
  reason = '';
  minor: 0 | 1 = 1;
  /** End-to-end fields as lines with their CRLF, without Content-Length. */
  fields = '';
  contentLength = -1;
  chunked = false;
  keepAlive = true;
  dated = false;
  upgrade: string | null = null;
}

const CR = 13;
const SP = 32;

/** Reads a head whose line ends a `HeadScanner` has checked; stricter than RFC 9112 asks of recipients: what two readers may take differently is refused. */
export function parseResponseHead(at: HeadBytes, table: FieldTable): ResponseHead | Refusal {
  const text = at.bytes.toString('latin1', at.start, at.end);
  const head = new ResponseHead();
  const fieldsAt = statusLine(at, text, head);
  if (typeof fieldsAt !== 'number') return fieldsAt;
  const unsound = table.read(at.bytes, fieldsAt);
  if (unsound !== null) return unsound;
  const start = at.start;
  return readFields(head, { table, text, start }) ?? head;
}

/** `HTTP/1.x SP 3DIGIT [SP reason] CRLF`. */
function statusLine({ bytes, start }: HeadBytes, text: string, head: ResponseHead): number | Refusal {
  if (!text.startsWith('HTTP/1.') || bytes[start + 8] !== SP) return refusals.statusLine;
  const minor = (bytes[start + 7] as number) - 48;
  if (minor !== 0 && minor !== 1) return refusals.statusLine;
  head.minor = minor;
  head.keepAlive = minor === 1;
  const hundreds = (bytes[start + 9] as number) - 48;
  const tens = (bytes[start + 10] as number) - 48;
  const ones = (bytes[start + 11] as number) - 48;
  if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return refusals.statusCode;
  head.status = hundreds * 100 + tens * 10 + ones;
  let i = start + 12;
  if (bytes[i] === CR) return i + 2;
  if (bytes[i] !== SP) return refusals.statusCode;
  i += 1;
  const reasonStart = i;
  while (fieldValue[bytes[i] as number] === 1) i += 1;
  if (bytes[i] !== CR) return refusals.statusLine;
  head.reason = text.slice(reasonStart - start, i - start);
  return i + 2;
}

interface Fields {
  readonly table: FieldTable;
  readonly text: string;
  readonly start: number;
}

function readFields(head: ResponseHead, fields: Fields): Refusal | null {
  const { table } = fields;
  let connection: string | null = null;
  for (let k = 0; k < table.count; k += 1) {
    switch (table.kind[k]) {
      case field.connection:
        connection = listed(connection, valueOf(fields, k));
        break;
      case field.contentLength:
        if (head.contentLength !== -1) return refusals.lengthSeveral;
        head.contentLength = contentLengthOf(valueOf(fields, k));
        if (head.contentLength === -1) return refusals.lengthInvalid;
        break;
      case field.transferEncoding:
        if (head.chunked) return refusals.encodingSeveral;
        if (valueOf(fields, k).toLowerCase() !== 'chunked') return refusals.encodingUnknown;
        head.chunked = true;
        break;
      case field.upgrade:
        head.upgrade = listed(head.upgrade, valueOf(fields, k));
        break;
      case field.date:
        head.dated = true;
        break;
      // Names that mean something in requests only are an application's own here.
      case field.host:
      case field.expect:
      case field.requestId:
      case field.spoofed:
        table.kind[k] = field.other;
        break;
      default:
        break;
    }
  }
  if (head.chunked && head.contentLength !== -1) return refusals.lengthAndEncoding;
  if (head.chunked && head.minor === 0) return refusals.encodingOld;
  return readHops(head, fields, connection);
}

function valueOf({ table, text, start }: Fields, k: number): string {
  return text.slice((table.valueStart[k] as number) - start, (table.valueEnd[k] as number) - start);
}

function readHops(head: ResponseHead, fields: Fields, connection: string | null): Refusal | null {
  let named: readonly string[] = [];
  if (connection !== null) {
    const options = namedByConnection(connection);
    if (options === null) return refusals.connection;
    if (options.includes('close')) head.keepAlive = false;
    else if (options.includes('keep-alive')) head.keepAlive = true;
    named = options.filter((option) => option !== 'close' && option !== 'keep-alive' && option !== 'upgrade');
  }
  head.fields = keptFields(fields, named);
  return null;
}
