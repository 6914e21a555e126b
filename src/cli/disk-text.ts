import type { PersistentDiskDocument } from '../api/contract/types.ts';

/** `1.2 GiB of 10.0 GiB`. */
export function diskText({ usedBytes, sizeBytes }: PersistentDiskDocument): string {
  return `${usedBytes === null ? '?' : bytesText(usedBytes)} of ${bytesText(sizeBytes)}`;
}

/** `1.2 GiB`, `0.3 MiB`. */
export function bytesText(bytes: number): string {
  const [unit, size] = bytes >= 1024 ** 3 ? (['GiB', 1024 ** 3] as const) : (['MiB', 1024 ** 2] as const);
  return `${(bytes / size).toFixed(1)} ${unit}`;
}
