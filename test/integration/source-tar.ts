/** One entry of a tar archive as nobody's library would write it. */
export interface RawEntry {
  readonly name: string | Uint8Array;
  /** One character of POSIX ustar: `0` file, `1` hard link, `2` symbolic link, `5` folder ... */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  /** Said in the header; the content's own unless told. */
  readonly size?: number;
  readonly target?: string;
  readonly mode?: number;
  readonly prefix?: string;
}

const BLOCK = 512;

/** A tar archive of these entries, and its end. */
export function rawTar(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap((entry) => rawEntry(entry)), Buffer.alloc(2 * BLOCK)]);
}

/** A pax header with these records, for the entry that follows (POSIX pax, "extended header"). */
export function pax(records: Readonly<Record<string, string>>, type = 'x'): RawEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (String(length).length + rest !== length) length += 1;
    return `${length} ${key}=${value}\n`;
  });
  return { name: 'PaxHeader', type, content: lines.join('') };
}

export function rawEntry(entry: RawEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '');
  const header = Buffer.alloc(BLOCK);
  Buffer.from(entry.name).copy(header, 0, 0, 100);
  header.write(octal(entry.mode ?? 0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(entry.size ?? content.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write('        ', 148);
  header.write(entry.type ?? '0', 156, 'latin1');
  header.write((entry.target ?? '').slice(0, 100), 157);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(entry.prefix ?? '', 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** The bytes as a request's body would come: in pieces of any length. */
export async function* inPieces(bytes: Uint8Array, length = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
