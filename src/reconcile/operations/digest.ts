import { createHash } from 'node:crypto';

/** The digest of our own canonical texts (fingerprints), SHA-256 in hexadecimal. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
