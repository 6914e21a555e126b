import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that has the listening socket of a port open. */
export interface PortHolder {
  readonly pid: number;
  /** Its program's name, as in /proc/PID/comm. */
  readonly program: string;
}

/** Who listens on a TCP port of any address here. Empty where nobody does, or where the holder is another user's and hidden from us. */
export function holdersOf(port: number): PortHolder[] {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
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
function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readOrEmpty(table)
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && (fields[1] ?? '').endsWith(wanted))
    .map((fields) => fields[9] ?? '');
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

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
