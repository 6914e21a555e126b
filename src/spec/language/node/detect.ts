import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

const servers = ['server', 'app', 'index'].flatMap((name) => ['js', 'mjs', 'cjs'].map((one) => `${name}.${one}`));

/** By package.json; else by a script that looks like a server, where no page stands beside it. */
export function detectNode(folder: SourceFolder): Evidence | null {
  if (folder.has('package.json')) return { file: folder.nameOf('package.json'), why: 'it is there' };
  const file = folder.firstOf(
    folder.has('index.html') ? servers.filter((name) => name.startsWith('server.')) : servers,
  );
  return file === null ? null : { file: folder.nameOf(file), why: 'a server file' };
}
