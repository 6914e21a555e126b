/** An IP address as whole 32-bit words, the first one first: one word of IPv4, four of IPv6. */
export interface Address {
  readonly words: readonly number[];
}

/** An address whose bits after `prefix` are zero (CIDR, RFC 4632). */
export interface AddressRange extends Address {
  readonly prefix: number;
}

/** What a text is: a network in canonical form, one whose address has bits beyond its prefix (and which network that would be), or none. */
export type ReadNetwork =
  | { readonly kind: 'network'; readonly network: string }
  | { readonly kind: 'beyond'; readonly network: string }
  | { readonly kind: 'none' };

/** Reads `10.0.0.0/8`, `2001:db8::/32`, or an address, which is a network of one. IPv4 in IPv6 (`::ffff:192.0.2.1`) is the IPv4 that it stands for. */
export function readNetwork(text: string): ReadNetwork {
  const written = parseRange(text);
  if (written === null) return { kind: 'none' };
  const range = cleared(written);
  const same = range.words.every((word, index) => word === written.words[index]);
  return { kind: same ? 'network' : 'beyond', network: formatNetwork(range) };
}

/** `address/prefix` or an address alone, or `null`. Bits after the prefix are cleared. */
export function parseNetwork(text: string): AddressRange | null {
  const written = parseRange(text);
  return written === null ? null : cleared(written);
}

/** The address that a text names, or `null`. IPv4 in its four decimal parts alone, IPv6 without a zone; IPv4 mapped into IPv6 (RFC 4291 2.5.5.2) is IPv4. */
export function parseAddress(text: string): Address | null {
  if (!text.includes(':')) {
    const word = parseQuad(text);
    return word === null ? null : { words: [word] };
  }
  const words = parseWords(text);
  return words === null ? null : { words: isMapped(words) ? [words[3] ?? 0] : words };
}

/** The one way to write a network: `10.0.0.0/8`, `2001:db8::/32` (RFC 5952), `192.0.2.1/32`. */
export function formatNetwork(network: AddressRange): string {
  return `${formatAddress(network)}/${network.prefix}`;
}

export function contains(network: AddressRange, address: Address): boolean {
  if (network.words.length !== address.words.length) return false;
  return network.words.every((word, index) => masked(address.words[index] ?? 0, network.prefix - 32 * index) === word);
}

/** By what one client is told from another: the address; of IPv6 its /64, which one client has whole (RFC 6177). */
export function clientOf(address: Address): string {
  const [first = 0, second = 0] = address.words;
  return formatAddress(address.words.length === 1 ? address : { words: [first, second, 0, 0] });
}

/** RFC 5952 for IPv6: lower case, no leading zeros, the first longest run of zero groups as `::`. */
export function formatAddress({ words }: Address): string {
  if (words.length === 1) return quad(words[0] ?? 0);
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const run = longestZeros(groups);
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function parseRange(text: string): AddressRange | null {
  const slash = text.indexOf('/');
  const written = slash === -1 ? text : text.slice(0, slash);
  const address = parseAddress(written);
  if (address === null) return null;
  const width = address.words.length * 32;
  if (slash === -1) return { words: address.words, prefix: width };
  const digits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return null;
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; with fewer than 96 bits it is no network of IPv4.
  const mapped = written.includes(':') && width === 32;
  const prefix = Number(digits) - (mapped ? 96 : 0);
  return prefix < 0 || prefix > width ? null : { words: address.words, prefix };
}

function cleared({ words, prefix }: AddressRange): AddressRange {
  return { words: words.map((word, index) => masked(word, prefix - 32 * index)), prefix };
}

function quad(word: number): string {
  return [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff).join('.');
}

function masked(word: number, bits: number): number {
  if (bits >= 32) return word >>> 0;
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
}

/** Parts with leading zeros are refused: some read them as octal. */
function parseQuad(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let word = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    word = word * 256 + Number(part);
  }
  return word;
}

function parseWords(text: string): number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (head === null || head === undefined || tail === null) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return [0, 2, 4, 6].map((at) => ((groups[at] ?? 0) * 65_536 + (groups[at + 1] ?? 0)) >>> 0);
}

/** Groups of one side of `::`; the last of the address may be written as IPv4. */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const word = last && index === parts.length - 1 ? parseQuad(part) : null;
      if (word === null) return null;
      groups.push(word >>> 16, word & 0xffff);
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

function isMapped(words: readonly number[]): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let end = start;
    while (groups[end] === 0) end += 1;
    if (end - start > best.length) best = { start, length: end - start };
    start = Math.max(start, end - 1);
  }
  return best;
}
