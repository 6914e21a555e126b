import { staticTable } from './hpack-static.ts';

const nameIndex: ReadonlyMap<string, number> = new Map(
  staticTable.map(([name], i): [string, number] => [name, i + 1]).reverse(),
);
const statusIndex: ReadonlyMap<number, number> = new Map(
  staticTable.flatMap(([name, value], i): [number, number][] => (name === ':status' ? [[Number(value), i + 1]] : [])),
);

/**
 * The head of a response as a header block (RFC 7541), latin-1: a character is a byte. Nothing is put into the table of the connection:
 * what a client would keep for us costs us the same, and an edge has many clients. `fields` are lines `Name: value CRLF`.
 */
export function encodeHead(status: number, fields: string): string {
  const index = statusIndex.get(status);
  let block = index === undefined ? `\x08\x03${status}` : String.fromCharCode(0x80 | index);
  for (let at = 0; at < fields.length; ) {
    const end = fields.indexOf('\r\n', at);
    const colon = fields.indexOf(':', at);
    block += encodeField(fields.slice(at, colon).toLowerCase(), fields.slice(colon + 1, end).trim());
    at = end + 2;
  }
  return block;
}

/** Literal without indexing (RFC 7541 6.2.2). */
export function encodeField(name: string, value: string): string {
  const index = nameIndex.get(name);
  const named = index === undefined ? `\0${encodeText(name)}` : encodeInteger(index, 4);
  return named + encodeText(value);
}

function encodeText(text: string): string {
  return encodeInteger(text.length, 7) + text;
}

/** RFC 7541 5.1, all bits above the prefix 0. */
function encodeInteger(value: number, prefix: number): string {
  const mask = (1 << prefix) - 1;
  if (value < mask) return String.fromCharCode(value);
  let text = String.fromCharCode(mask);
  let rest = value - mask;
  while (rest >= 0x80) {
    text += String.fromCharCode((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return text + String.fromCharCode(rest);
}
