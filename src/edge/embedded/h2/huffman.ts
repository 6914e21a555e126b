/** Lengths in bits of the code of each byte, then of the end of string (RFC 7541 appendix B). The code is canonical: they say it all. */
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const endOfString = 256;
const failure = 0xffff;

/** A step for each state and half byte: the next state, and the byte that is complete (none: -1). The shortest code has 5 bits, so there is at most one. */
interface Machine {
  readonly next: Uint16Array;
  readonly emitted: Int16Array;
  /** The state is the root, or up to 7 one bits from it: padding (RFC 7541 5.2). */
  readonly accepting: Uint8Array;
}

const machine = buildMachine();

/** The text, latin-1; `null` where the code is not sound. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | null {
  const { next, emitted, accepting } = machine;
  const text = Buffer.allocUnsafe(Math.ceil(((end - start) * 8) / 5));
  let length = 0;
  let state = 0;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    for (const half of [byte >> 4, byte & 15]) {
      const step = (state << 4) | half;
      state = next[step] as number;
      if (state === failure) return null;
      const symbol = emitted[step] as number;
      if (symbol !== -1) {
        text[length] = symbol;
        length += 1;
      }
    }
  }
  return accepting[state] === 1 ? text.toString('latin1', 0, length) : null;
}

/** Codes of one length follow each other in the order of their bytes, and those of the next length continue after them. */
function buildTree(): { zero: Int16Array; one: Int16Array; nodes: number } {
  const zero = new Int16Array(512);
  const one = new Int16Array(512);
  let nodes = 1;
  let code = 0;
  for (let length = 1; length <= 30; length += 1) {
    code *= 2;
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue;
      let node = 0;
      for (let bit = length - 1; bit >= 0; bit -= 1) {
        const side = Math.floor(code / 2 ** bit) % 2 === 0 ? zero : one;
        if (bit === 0) side[node] = -1 - symbol;
        else if (side[node] === 0) {
          side[node] = nodes;
          nodes += 1;
        }
        node = side[node] as number;
      }
      code += 1;
    }
  }
  return { zero, one, nodes };
}

function buildMachine(): Machine {
  const { zero, one, nodes } = buildTree();
  const built = {
    next: new Uint16Array(nodes * 16),
    emitted: new Int16Array(nodes * 16).fill(-1),
    accepting: new Uint8Array(nodes),
  };
  for (let state = 0; state < nodes; state += 1) {
    for (let half = 0; half < 16; half += 1) {
      let node = state;
      for (let bit = 3; bit >= 0 && node !== failure; bit -= 1) {
        node = ((half >> bit) & 1) === 0 ? (zero[node] as number) : (one[node] as number);
        if (node >= 0) continue;
        const symbol = -1 - node;
        if (symbol === endOfString) node = failure;
        else {
          built.emitted[(state << 4) | half] = symbol;
          node = 0;
        }
      }
      built.next[(state << 4) | half] = node;
    }
  }
  for (let node = 0, depth = 0; depth <= 7; depth += 1) {
    built.accepting[node] = 1;
    node = one[node] as number;
  }
  return built;
}
