import { gitOutput, type ObjectStore } from './git-program.ts';
import { ByteReader } from './byte-reader.ts';
import { shown, TreeError } from './tree-error.ts';
import type { TreeWriter } from './write.ts';

/** Blobs up to this size are read whole. */
const WHOLE = 1024 * 1024;
/** As many entries, folders among them, and bytes of their paths as are listed before the writer's own limits are asked. */
const most = { entries: 400_000, pathBytes: 128 * 1024 * 1024 };

interface Blob {
  readonly path: string;
  readonly mode: 'file' | 'executable' | 'link';
  readonly oid: string;
}

/**
 * Reads the tree of a commit (or of a folder in it: `COMMIT:web/`) out of the object database into a writer. There is no checkout: no hook, no
 * content filter, no attribute of the repository is looked at. Answers the paths of submodules, which are left out.
 */
export async function readGitTree(
  repository: ObjectStore,
  treeish: string,
  writer: TreeWriter,
): Promise<{ readonly submodules: readonly string[] }> {
  const { blobs, submodules } = await listBlobs(repository, treeish);
  const input = blobs.map(({ oid }) => `${oid}\n`).join('');
  const reader = new ByteReader(gitOutput(repository, ['cat-file', '--batch'], input));
  try {
    for (const blob of blobs) await readBlob(reader, blob, writer);
    await reader.end();
  } finally {
    await reader.close();
    await writer.settle();
  }
  return { submodules };
}

async function listBlobs(
  repository: ObjectStore,
  treeish: string,
): Promise<{ blobs: readonly Blob[]; submodules: readonly string[] }> {
  const blobs: Blob[] = [];
  const submodules: string[] = [];
  // With the trees: of those that hold nothing else git would say nothing, for as long as it goes through them.
  const reader = new ByteReader(gitOutput(repository, ['ls-tree', '-r', '-t', '-z', '--full-tree', treeish]));
  const seen = { entries: 0, pathBytes: 0 };
  try {
    for (let record = await reader.until(0); record !== null; record = await reader.until(0)) {
      seen.entries += 1;
      seen.pathBytes += record.length;
      // A tree of trees that all name the same tree has billions of files in a few kilobytes.
      if (seen.entries > most.entries || seen.pathBytes > most.pathBytes)
        throw new TreeError(
          'too-large',
          `The commit holds more than ${most.entries} files and folders, or too long names`,
        );
      const { mode, oid, path } = parseRecord(record);
      if (mode === '160000') submodules.push(path);
      else if (mode !== '040000')
        blobs.push({ path, oid, mode: mode === '120000' ? 'link' : mode === '100755' ? 'executable' : 'file' });
    }
  } finally {
    await reader.close();
  }
  return { blobs, submodules };
}

/** `MODE TYPE OID<tab>PATH` (git-ls-tree(1)). */
function parseRecord(record: Buffer): { mode: string; oid: string; path: string } {
  const tab = record.indexOf(9);
  const [mode = '', , oid = ''] = record.subarray(0, tab).toString('latin1').split(' ');
  const path = record.subarray(tab + 1).toString('utf8');
  if (path.includes('\uFFFD') && !Buffer.from(path).equals(record.subarray(tab + 1))) {
    throw new TreeError('refused', `The name of ${shown(path)} is not valid UTF-8`, { hint: 'Rename the file.' });
  }
  return { mode, oid, path };
}

/** `OID blob SIZE<newline>CONTENT<newline>` (git-cat-file(1), batch output). */
async function readBlob(reader: ByteReader, blob: Blob, writer: TreeWriter): Promise<void> {
  const line = (await reader.until(10))?.toString('latin1') ?? '';
  const size = Number(/^[0-9a-f]+ blob (\d+)$/.exec(line)?.[1] ?? Number.NaN);
  if (Number.isNaN(size))
    throw new TreeError('failed', `The repository does not hold the content of ${shown(blob.path)}`);
  const at = { path: blob.path, executable: blob.mode === 'executable' };
  if (blob.mode !== 'link' && size > WHOLE) await writer.stream({ ...at, size }, reader.pieces(size));
  else if (blob.mode !== 'link') await writer.file(at, await reader.exactly(size));
  else if (size > 4_096) throw new TreeError('refused', `The link ${shown(blob.path)} has a target that is no path`);
  else await writer.link(blob.path, (await reader.exactly(size)).toString('utf8'));
  await reader.exactly(1);
}
