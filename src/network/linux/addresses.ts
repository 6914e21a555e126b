/** An IPv4 network: the number of its first address and how many bits name it. */
export interface Prefix {
  readonly base: number;
  readonly bits: number;
}

/** Private ranges (RFC 1918, RFC 6598) that few use, in the order in which they are tried. */
const ranges: readonly Prefix[] = ['10.213.0.0/16', '172.29.0.0/16', '192.168.213.0/24', '100.127.0.0/16'].flatMap(
  (text) => prefixOf(text) ?? [],
);

/** `10.0.0.0/8`, or an address alone; null for anything else. */
export function prefixOf(text: string): Prefix | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (match === null) return null;
  const octets = match.slice(1, 5).map(Number);
  const bits = Number(match[5] ?? 32);
  if (octets.some((octet) => octet > 255) || bits > 32) return null;
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - bits);
  return { base: Math.floor(number / size) * size, bits };
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** The machine's address on the way to a run's: the one before, in the same four (a /30 holds two hosts). Throws for what is no address. */
export function gatewayOf(address: string): string {
  const found = prefixOf(address);
  if (found === null) throw new Error(`${address} is no IPv4 address`);
  return addressText(found.base - 1);
}

/**
 * Pure. The address for a run in the first four addresses of a range that overlap nothing `used` and are not `taken`; null where all are. `start` in [0, 1)
 * says where in a range to begin, so that two installs on one machine seldom meet.
 */
export function firstFree(input: {
  readonly used: readonly Prefix[];
  readonly taken: ReadonlySet<string>;
  readonly start: number;
}): string | null {
  for (const range of ranges) {
    const size = 2 ** (32 - range.bits);
    const near = input.used.filter((prefix) => overlap(prefix, range));
    if (near.some(({ bits }) => bits <= range.bits)) continue;
    const fours = size / 4;
    const first = Math.floor(input.start * fours);
    for (let step = 0; step < fours; step += 1) {
      const four: Prefix = { base: range.base + ((first + step) % fours) * 4, bits: 30 };
      const address = addressText(four.base + 2);
      if (!input.taken.has(address) && !near.some((prefix) => overlap(prefix, four))) return address;
    }
  }
  return null;
}

function overlap(a: Prefix, b: Prefix): boolean {
  const size = 2 ** (32 - Math.min(a.bits, b.bits));
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}
