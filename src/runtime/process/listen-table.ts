import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Clock } from '../../lib/clock.ts';
import type { Listener } from '../port.ts';

/** A row of /proc/net/tcp or tcp6 in state LISTEN. */
export interface ListeningSocket extends Listener {
  readonly inode: number;
}

/** Milliseconds for which one reading serves all runs. */
const KEPT = 50;

/** The listening TCP sockets of the daemon's network namespace. */
export class ListenTable {
  readonly #clock: Clock;
  #rows: readonly ListeningSocket[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  rows(): readonly ListeningSocket[] {
    const now = this.#clock.monotonic();
    if (now - this.#readAt > KEPT) {
      this.#rows = [...readListening('/proc/net/tcp'), ...readListening('/proc/net/tcp6')];
      this.#readAt = now;
    }
    return this.#rows;
  }
}

/** Those of the network namespace that a process is in; empty when it is gone. */
export function listeningOf(pid: number): readonly ListeningSocket[] {
  return [...readListening(`/proc/${pid}/net/tcp`), ...readListening(`/proc/${pid}/net/tcp6`)];
}

/**
 * Reads no further than the first row in another state: the kernel lists listening sockets before all others (tcp_seq_start), and
 * after them may come tens of thousands of connections, which would cost tens of milliseconds at each look.
 */
function readListening(path: string): ListeningSocket[] {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return []; // tcp6 is absent where IPv6 is off
  }
  try {
    return parseListening(chunks(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function* chunks(descriptor: number): Generator<string> {
  const buffer = Buffer.allocUnsafe(16 * 1024);
  for (;;) {
    const length = readSync(descriptor, buffer);
    if (length === 0) return;
    yield buffer.toString('latin1', 0, length);
  }
}

/** The rows in state 0A (LISTEN) at the head of a table given in pieces. */
export function parseListening(pieces: Iterable<string>): ListeningSocket[] {
  const found: ListeningSocket[] = [];
  let rest = '';
  let heading = true;
  for (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (heading) {
        heading = false;
        continue;
      }
      const socket = parseRow(line);
      if (socket === null) return found;
      found.push(socket);
    }
  }
  return found;
}

/** `sl local rem st tx:rx tr:when retrnsmt uid timeout inode ...` (proc(5)); `null` for a state other than LISTEN. */
function parseRow(line: string): ListeningSocket | null {
  const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
  if (state !== '0A') return null;
  const [address = '', port = ''] = local.split(':');
  return {
    address: addressText(address),
    port: Number.parseInt(port, 16),
    inode: Number(inode),
  };
}

/** Addresses are 32-bit words in the machine's own byte order, in hexadecimal. IPv4 inside IPv6 is shown as IPv4. */
function addressText(hexadecimal: string): string {
  const bytes = Buffer.from(hexadecimal, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.subarray(0, 12).equals(MAPPED)) return bytes.subarray(12).join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.subarray(0, 15).every((byte) => byte === 0)) return `::${(bytes[15] ?? 0).toString(16)}`;
  return Array.from({ length: 8 }, (_, word) => bytes.readUInt16BE(word * 2).toString(16)).join(':');
}

/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
