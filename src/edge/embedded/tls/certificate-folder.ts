import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../../../lib/files.ts';
import type { EdgeCertificate } from '../../certificate.ts';

/** A certificate as it lies in the edge's folder, one file each. */
export interface StoredCertificate extends EdgeCertificate {
  /** Milliseconds since the epoch: of two certificates for one name the younger is presented. */
  readonly notBefore: number;
}

const FILE = /^([0-9a-f]{32})\.json$/;

export function certificateFile(folder: string, id: string): string {
  return join(folder, `${id}.json`);
}

/** Ids of what lies in the folder, sorted; none where there is no folder. */
export function storedIds(folder: string): string[] {
  try {
    return readdirSync(folder)
      .map((name) => FILE.exec(name)?.[1])
      .filter((id) => id !== undefined)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Throws where the file cannot be read or is no certificate's. */
export function readStored(folder: string, id: string): StoredCertificate {
  const stored = JSON.parse(readFileSync(certificateFile(folder, id), 'utf8')) as Partial<StoredCertificate>;
  const { names, chain, key, notBefore } = stored;
  if (!Array.isArray(names) || typeof chain !== 'string' || typeof key !== 'string' || typeof notBefore !== 'number')
    throw new Error(`${certificateFile(folder, id)} is no certificate`);
  return { ...stored, id, names, chain, key, notBefore };
}

/** One word for a set of certificates. */
export function digestOf(ids: readonly string[]): string {
  return createHash('sha256')
    .update([...ids].sort().join())
    .digest('hex')
    .slice(0, 32);
}
