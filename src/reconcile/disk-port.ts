import type { DiskSpace } from './disk-decision.ts';

/** The disk under the data folder. */
export interface Disk {
  space(): Promise<DiskSpace>;
  /** Bytes that the ballast file really holds; 0 where there is none. */
  ballast(): Promise<number>;
  /** Throws where there is no room for it, and leaves none. */
  makeBallast(bytes: number): Promise<void>;
  releaseBallast(): Promise<void>;
  /** Bytes that folders take, each file once; null where they could not be counted in time. */
  sizeOf(folders: readonly string[]): Promise<number | null>;
  /** What takes room in the data folder, most first, in words: `releases 2.1 GiB`. */
  usage(): Promise<readonly string[]>;
}
