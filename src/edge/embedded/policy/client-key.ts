import { createHash } from 'node:crypto';

const longest = 64;

/** By what a client is known in the counts: the value of a header, or its address where there is none. Long values by their digest, so that nobody fills the memory with them. */
export function clientKey(value: string | null, address: string): string {
  if (value === null) return `a${address}`;
  if (value.length <= longest) return `h${value}`;
  return `d${createHash('sha256').update(value, 'latin1').digest('base64')}`;
}
