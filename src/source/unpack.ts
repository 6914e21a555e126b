import { type Extract, extract, type Header } from 'tar-stream';
import type { TreeLimits } from '../lib/tree/paths.ts';
import { shown, TreeError } from '../lib/tree/tree-error.ts';
import type { TreeWriter } from '../lib/tree/write.ts';

/** Files up to this size are read whole. */
const WHOLE = 1024 * 1024;
/** Room in the stream for headers, pax records and padding, for each entry and once. */
const OVERHEAD = { entry: 4_096, once: 1024 * 1024 };

/**
 * Feeds a tar stream of strangers into a writer: regular files, symbolic links, and folders, which a tree does not keep. Hard links, devices,
 * pipes and sparse files are refused. Throws TreeError; what the stream itself throws is thrown as it is.
 */
export async function unpackTar(tar: AsyncIterable<Uint8Array>, writer: TreeWriter, limits: TreeLimits): Promise<void> {
  const reading = extract();
  const feeding = feed(tar, reading, limits.bytes + limits.files * OVERHEAD.entry + OVERHEAD.once);
  try {
    let entries = 0;
    for await (const entry of reading) {
      if (++entries > limits.files)
        throw new TreeError('too-large', `The archive holds more than ${limits.files} entries`);
      await unpackEntry(entry.header, entry, writer);
    }
  } catch (error) {
    reading.destroy();
    throw (await feeding).failure ?? asDamage(error);
  } finally {
    await feeding;
    await writer.settle();
  }
}

async function unpackEntry(header: Header, content: AsyncIterable<unknown>, writer: TreeWriter): Promise<void> {
  const { name: path, type } = header;
  if (type === 'directory') return drain(content);
  if (type === 'symlink' && header.size === 0) {
    await writer.link(path, header.linkname);
    return drain(content);
  }
  if (type !== 'file' || isSparse(header.pax)) {
    throw new TreeError('refused', `${shown(path)} is neither a regular file nor a symbolic link`);
  }
  const at = { path, executable: (header.mode & 0o111) !== 0 };
  if (header.size > WHOLE) await writer.stream({ ...at, size: header.size }, bytesOf(content));
  else await writer.file(at, await whole(content));
}

/** GNU tar's sparse files in pax form: the content is not what will be read. */
function isSparse(pax: unknown): boolean {
  return typeof pax === 'object' && pax !== null && Object.keys(pax).some((key) => key.startsWith('GNU.sparse'));
}

async function* bytesOf(content: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  for await (const piece of content) if (piece instanceof Uint8Array) yield piece;
}

async function whole(content: AsyncIterable<unknown>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytesOf(content)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function drain(content: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of content);
}

/** Hands the stream on as fast as it is taken; answers its failure instead of throwing it, because the reader's comes first. */
async function feed(
  tar: AsyncIterable<Uint8Array>,
  into: Extract,
  most: number,
): Promise<{ readonly failure: unknown }> {
  try {
    let size = 0;
    for await (const piece of tar) {
      size += piece.length;
      if (size > most) throw new TreeError('too-large', `The archive is larger than ${most} bytes`);
      if (into.destroyed || into.destroying) return { failure: null };
      if (!into.write(piece)) await drained(into);
    }
    into.end(null);
    return { failure: null };
  } catch (failure) {
    into.destroy(failure instanceof Error ? failure : new Error(String(failure)));
    return { failure };
  }
}

function drained(into: Extract): Promise<void> {
  return new Promise((resolve) => {
    if (into.destroyed) return resolve();
    const done = (): void => {
      into.off('drain', done);
      into.off('close', done);
      resolve();
    };
    into.on('drain', done);
    into.on('close', done);
  });
}

/** tar-stream throws plain errors for headers it cannot read. */
function asDamage(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TreeError || 'code' in error) return error;
  return new TreeError('refused', `The archive is damaged: ${error.message}`, { cause: error });
}
