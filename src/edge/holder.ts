import { readdirSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { endianness } from 'node:os';
import { linkOrEmpty, readOrEmpty } from '../lib/proc-files.ts';

/** A process that has the listening socket of a port open. */
export interface PortHolder {
  readonly pid: number;
  /** Its program's name, as in /proc/PID/comm. */
  readonly program: string;
}

/**
 * Who listens on a TCP port here, at any address, or where `host` is one, at that address and at every interface: another program may have the same port
 * of another address. Empty where nobody does, or where the holder is another user's and hidden from us.
 */
export function holdersOf(port: number, host: string | null = null): PortHolder[] {
  const stands = host === null ? () => true : overlapping(host);
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port, stands)));
  if (inodes.size === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => holdsOne(pid, inodes))
    .map((pid) => ({ pid, program: programOf(pid) }));
}

/** `nginx (pid 812)`, for a message. */
export function describeHolders(holders: readonly PortHolder[]): string {
  if (holders.length === 0) return 'a program of another user';
  const [first] = holders.toSorted((a, b) => a.pid - b.pid);
  return first === undefined ? '' : `${first.program} (pid ${first.pid})`;
}

/** Rows of proc_net_tcp(5): `sl local_address rem_address st ... inode`; state 0A is LISTEN, the port is hexadecimal. */
function listeningInodes(table: string, port: number, stands: (address: string) => boolean): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return readOrEmpty(table)
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local = '', , state]) => {
      const [address = '', found] = local.split(':');
      return state === '0A' && found === wanted && stands(address);
    })
    .map((fields) => fields[9] ?? '');
}

/** Whether a local address of these tables takes connections to `host`; a name, or every interface, meets all. */
function overlapping(host: string): (address: string) => boolean {
  const family = isIP(host);
  if (family === 0 || host === '0.0.0.0' || /^[0:]+$/.test(host)) return () => true;
  const wanted = new BlockList();
  wanted.addAddress(host, family === 6 ? 'ipv6' : 'ipv4');
  return (address) => /^0+$/.test(address) || wanted.check(...readAddress(address));
}

/** Words of 32 bits in hexadecimal, each with its bytes as this machine keeps them: backwards on all that Node 24 runs on but s390x. */
function readAddress(text: string): [address: string, family: 'ipv4' | 'ipv6'] {
  const bytes = Buffer.from(text, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return [bytes.join('.'), 'ipv4'];
  return [bytes.toString('hex').replaceAll(/(.{4})(?!$)/g, '$1:'), 'ipv6'];
}

function holdsOne(pid: number, inodes: ReadonlySet<string>): boolean {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return false;
  }
  return descriptors.some((descriptor) => {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOrEmpty(`/proc/${pid}/fd/${descriptor}`))?.[1];
    return inode !== undefined && inodes.has(inode);
  });
}

function programOf(pid: number): string {
  return readOrEmpty(`/proc/${pid}/comm`).trim() || 'a program';
}
