import type { SourceFolder } from '../source-folder.ts';

/** More files than one wants to read for a guess. */
const most = 400;

/** The only class with a `main` below a folder, else the only one of them that is called as such classes are; with its package. Null else. */
export function mainClass(folder: SourceFolder, place: string): string | null {
  const found = javaFiles(folder, place).flatMap((path) => {
    const text = folder.read(path) ?? '';
    const isMain = /\bstatic\s+(?:final\s+)?void\s+main\s*\(/.test(text);
    const name = path.split('/').at(-1)?.slice(0, -'.java'.length) ?? '';
    const inside = /^\s*package\s+([\w.]+)\s*;/m.exec(text)?.[1];
    return isMain && /^\w+$/.test(name) ? [{ name, full: inside === undefined ? name : `${inside}.${name}` }] : [];
  });
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only.full;
  const usual = found.filter(({ name }) => /^(?:Main|App|Application|Server)$|(?:Application|Server)$/.test(name));
  const main = found.find(({ name }) => name === 'Main');
  return usual.length === 1 ? (usual[0]?.full ?? null) : (main?.full ?? null);
}

function javaFiles(folder: SourceFolder, place: string): readonly string[] {
  const waiting = [place];
  const files: string[] = [];
  for (let at = waiting.shift(); at !== undefined && files.length < most; at = waiting.shift()) {
    for (const name of folder.list(at)) {
      const path = at === '.' ? name : `${at}/${name}`;
      if (name.endsWith('.java')) files.push(path);
      else if (at !== '.' && waiting.length < most && !name.includes('.')) waiting.push(path);
    }
  }
  return files.slice(0, most);
}
