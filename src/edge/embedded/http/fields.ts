import { fieldValue, token } from './chars.ts';
import { type Refusal, refusals } from './refusal.ts';

/** Fields that the edge reads or never forwards; all others are `other`. */
export const field = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  expect: 5,
  upgrade: 6,
  requestId: 7,
  accept: 8,
  userAgent: 9,
  referer: 10,
  date: 11,
  /** Hop-by-hop, or about the client's address: never forwarded in either direction. */
  dropped: 12,
  /** Dropped from requests: says who the client is, which only the edge may. */
  spoofed: 13,
} as const;

const known: readonly (readonly [string, number])[] = [
  ['host', field.host],
  ['connection', field.connection],
  ['content-length', field.contentLength],
  ['transfer-encoding', field.transferEncoding],
  ['expect', field.expect],
  ['upgrade', field.upgrade],
  ['x-request-id', field.requestId],
  ['accept', field.accept],
  ['user-agent', field.userAgent],
  ['referer', field.referer],
  ['date', field.date],
  ['keep-alive', field.dropped],
  ['te', field.dropped],
  ['trailer', field.dropped],
  ['http2-settings', field.dropped],
  ['forwarded', field.spoofed],
  ['x-real-ip', field.spoofed],
];

/** Whole families: `Proxy`, `Proxy-Connection`, `Proxy-Authorization` ...; `X-Forwarded-For`, `-Proto`, `-Host` ... */
const families: readonly (readonly [string, number])[] = [
  ['proxy-', field.dropped],
  ['x-forwarded-', field.spoofed],
];

const longestKnown = 20;
/** Known names by length and first letter, which no two of them share. */
const slots: readonly (readonly [string, number] | undefined)[] = slotsOf([...known, ['proxy', field.dropped]]);

const COLON = 58;
const CR = 13;
const SP = 32;
const TAB = 9;

/** Where the fields of one head lie; positions in the head's bytes. Made once and filled again for each head: nothing is allocated per field. */
export class FieldTable {
  readonly capacity: number;
  count = 0;
  readonly kind: Uint8Array;
  readonly underscored: Uint8Array;
  readonly lineStart: Uint32Array;
  readonly nameEnd: Uint32Array;
  readonly valueStart: Uint32Array;
  readonly valueEnd: Uint32Array;
  /** Position after the line's CRLF. */
  readonly lineEnd: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.kind = new Uint8Array(capacity);
    this.underscored = new Uint8Array(capacity);
    this.lineStart = new Uint32Array(capacity);
    this.nameEnd = new Uint32Array(capacity);
    this.valueStart = new Uint32Array(capacity);
    this.valueEnd = new Uint32Array(capacity);
    this.lineEnd = new Uint32Array(capacity);
  }

  /** Reads the field lines from `at` to the empty line that ends the head. Line ends are known to be CRLF. `null`: all are sound. */
  read(bytes: Buffer, at: number): Refusal | null {
    this.count = 0;
    let i = at;
    while (bytes[i] !== CR) {
      if (this.count === this.capacity) return refusals.tooManyFields;
      const next = this.#line(bytes, i);
      if (typeof next !== 'number') return next;
      i = next;
    }
    return null;
  }

  #line(bytes: Buffer, start: number): number | Refusal {
    const k = this.count;
    let i = start;
    let underscored = 0;
    for (let kind = token[bytes[i] as number] as number; kind !== 0; kind = token[bytes[i] as number] as number) {
      if (kind === 2) underscored = 1;
      i += 1;
    }
    if (bytes[i] !== COLON || i === start) {
      return i === start && (bytes[i] === SP || bytes[i] === TAB) ? refusals.folded : refusals.fieldName;
    }
    this.lineStart[k] = start;
    this.nameEnd[k] = i;
    this.underscored[k] = underscored;
    this.kind[k] = kindOf(bytes, start, i);
    i += 1;
    while (bytes[i] === SP || bytes[i] === TAB) i += 1;
    this.valueStart[k] = i;
    while (fieldValue[bytes[i] as number] === 1) i += 1;
    if (bytes[i] !== CR) return refusals.fieldValue;
    this.lineEnd[k] = i + 2;
    const valueStart = this.valueStart[k] as number;
    while (i > valueStart && (bytes[i - 1] === SP || bytes[i - 1] === TAB)) i -= 1;
    this.valueEnd[k] = i;
    this.count += 1;
    return this.lineEnd[k] as number;
  }
}

function kindOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  const first = (bytes[start] as number) & 31;
  if (length < longestKnown) {
    const entry = slots[(length << 5) | first];
    if (entry !== undefined && beginsWith({ bytes, at: start, lower: entry[0] })) return entry[1];
  }
  // `p` and `x`: the families' first letters.
  if (length > 5 && (first === 16 || first === 24)) {
    for (const [prefix, kind] of families) {
      if (length >= prefix.length && beginsWith({ bytes, at: start, lower: prefix })) return kind;
    }
  }
  return field.other;
}

/** Without regard to the case of letters (RFC 9110 5.1). */
function beginsWith({ bytes, at, lower }: { bytes: Buffer; at: number; lower: string }): boolean {
  for (let i = 0; i < lower.length; i += 1) {
    const byte = bytes[at + i] as number;
    const folded = byte >= 65 && byte <= 90 ? byte | 32 : byte;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

function slotsOf(entries: readonly (readonly [string, number])[]): (readonly [string, number] | undefined)[] {
  const table = Array.from<readonly [string, number] | undefined>({ length: longestKnown << 5 });
  for (const entry of entries) {
    const slot = (entry[0].length << 5) | (entry[0].charCodeAt(0) & 31);
    if (table[slot] !== undefined) throw new Error(`${entry[0]} shares its slot with ${table[slot][0]}`);
    table[slot] = entry;
  }
  return table;
}
