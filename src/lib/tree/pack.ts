import { hash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pack, pack } from 'tar-stream';
import { changedWhileRead } from './scan.ts';
import type { FileEntry, TreeEntry } from './tree.ts';

/** Files up to this size are read whole. */
const WHOLE = 1024 * 1024;
const EPOCH = new Date(0);

type Sink = ReturnType<Pack['entry']>;

/**
 * A tree of a folder as a tar stream (ustar, pax where names need it), in bounded memory: at most one megabyte of content and what the
 * reader has not taken. The stream fails with TreeError `changed` when a file is not what the tree says.
 */
export async function* packTree(
  folder: string,
  entries: readonly TreeEntry[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const tar = pack();
  // A failure reaches the reader through the stream.
  const filling = fill(tar, folder, entries).catch((error: unknown) => tar.destroy(asError(error)));
  try {
    for await (const piece of tar) if (piece instanceof Uint8Array) yield piece;
  } finally {
    tar.destroy();
    await filling;
  }
}

async function fill(tar: Pack, folder: string, entries: readonly TreeEntry[]): Promise<void> {
  for (const entry of entries) {
    if (entry.mode === 'link') await addLink(tar, entry);
    else if (entry.size <= WHOLE) await addWhole(tar, folder, entry);
    else await addStream(tar, folder, entry);
  }
  tar.finalize();
}

function addLink(tar: Pack, entry: Extract<TreeEntry, { mode: 'link' }>): Promise<void> {
  return new Promise((resolve, reject) => {
    const header = { name: entry.path, type: 'symlink' as const, linkname: entry.target, mtime: EPOCH };
    mute(tar.entry(header, settle(resolve, reject)));
  });
}

async function addWhole(tar: Pack, folder: string, entry: FileEntry): Promise<void> {
  const content = await readFile(join(folder, entry.path)).catch((error: unknown) => {
    throw changedWhileRead(entry.path, error);
  });
  if (content.length !== entry.size || hash('sha256', content, 'hex') !== entry.sha256)
    throw changedWhileRead(entry.path);
  await new Promise<void>((resolve, reject) => {
    mute(tar.entry(headerOf(entry), content, settle(resolve, reject)));
  });
}

async function addStream(tar: Pack, folder: string, entry: FileEntry): Promise<void> {
  await using file = await open(join(folder, entry.path), 'r').catch((error: unknown) => {
    throw changedWhileRead(entry.path, error);
  });
  const done = Promise.withResolvers<void>();
  const sink = mute(tar.entry(headerOf(entry), settle(done.resolve, done.reject)));
  // Awaited below; until then a failure must not count as unhandled.
  done.promise.catch(() => undefined);
  for (let left = entry.size; left > 0; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(WHOLE, left)));
    if (bytesRead === 0) throw changedWhileRead(entry.path);
    left -= bytesRead;
    if (!sink.write(buffer.subarray(0, bytesRead))) {
      await Promise.race([new Promise<void>((resolve) => sink.once('drain', () => resolve())), done.promise]);
    }
  }
  sink.end(null);
  await done.promise;
}

function headerOf(entry: FileEntry): { name: string; type: 'file'; size: number; mode: number; mtime: Date } {
  const mode = entry.mode === 'executable' ? 0o755 : 0o644;
  return { name: entry.path, type: 'file', size: entry.size, mode, mtime: EPOCH };
}

function settle(resolve: () => void, reject: (error: Error) => void): (error?: Error | null) => void {
  return (error) => (error === undefined || error === null ? resolve() : reject(error));
}

/** When the whole archive is destroyed, the entry that was being written emits the error too, and nobody else listens there. */
function mute(sink: Sink): Sink {
  sink.on('error', () => undefined);
  return sink;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
