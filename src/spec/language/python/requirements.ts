import { isInside, type SourceFolder } from '../source-folder.ts';

/** Names of packages with the extras that are asked for, by their normalised name (PEP 503): `{fastapi: ['standard']}`. */
export type Packages = ReadonlyMap<string, readonly string[]>;

/** Where the list of a server's packages lies, the likeliest first. */
const usual = [
  'requirements.txt',
  'requirements/production.txt',
  'requirements/prod.txt',
  'requirements/base.txt',
  'requirements/requirements.txt',
  'requirements-prod.txt',
  'requirements_prod.txt',
  'requirements/common.txt',
];

export function requirementsFile(folder: SourceFolder): string | null {
  return folder.firstOf(usual);
}

/** More files than any list includes. */
const deepest = 8;

/** What a list names, and the lists that it includes by `-r` (pip's requirements file format). Options and paths name nothing. */
export function readRequirements(folder: SourceFolder, path: string, depth = 0): Packages {
  const found = new Map<string, readonly string[]>();
  for (const line of linesOf(folder.read(path))) {
    const included = /^(?:-r|--requirement)[\s=]+(\S+)/.exec(line)?.[1];
    if (included !== undefined) {
      const place = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
      const inner = joined(`${place}${included}`);
      if (inner === null || depth >= deepest) continue;
      for (const [name, extras] of readRequirements(folder, inner, depth + 1)) found.set(name, extras);
      continue;
    }
    const named = requirement(line);
    if (named !== null) found.set(named.name, named.extras);
  }
  return found;
}

/** Something besides comments and options stands in it: `-e .` and addresses too. */
export function hasRequirements(folder: SourceFolder, path: string): boolean {
  return linesOf(folder.read(path)).some((line) => !line.startsWith('--'));
}

/** One requirement (PEP 508): `uvicorn[standard] >= 0.20 ; python_version > "3.8"`, or an address that says its name by `#egg=`. */
export function requirement(text: string): { readonly name: string; readonly extras: readonly string[] } | null {
  const egg = /^(?:-e\s+|--editable[\s=]+)?(?:git\+|hg\+|https?:|file:).*#egg=([A-Za-z0-9._-]+)/.exec(text)?.[1];
  const match = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*(?:$|[<>=!~;@(,\s])/.exec(text);
  const name = egg ?? match?.[1];
  if (name === undefined) return null;
  const extras = (match?.[2] ?? '').split(',').map((one) => one.trim().toLowerCase());
  return { name: normalised(name), extras: extras.filter((one) => one !== '') };
}

export function normalised(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

/** PowerShell's `pip freeze > requirements.txt` writes UTF-16: without its zeros what stands there is to be read. */
function linesOf(text: string | null): readonly string[] {
  const plain = (text ?? '').replaceAll('\0', '').replace(/^[\uFEFF\uFFFD]+/, '');
  const whole = plain.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/);
  return whole.map((line) => line.replace(/(?:^|\s)#(?!egg).*/, '').trim()).filter((line) => line !== '');
}

/** `requirements/../base.txt` without its dots; null where it leaves the source. */
function joined(path: string): string | null {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.pop() === undefined) return null;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  const whole = parts.join('/');
  return isInside(whole) ? whole : null;
}
