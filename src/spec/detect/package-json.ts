import type { DeclarationFiles } from '../files.ts';
import { jsonFaultAt } from '../yaml/parse.ts';

const managers = ['npm', 'pnpm', 'yarn'] as const;
type Manager = (typeof managers)[number];

/** What detection needs of a package.json; what it says in a wrong type counts as not said. */
export interface Package {
  readonly file: string;
  readonly folder: string;
  readonly scripts: ReadonlyMap<string, string>;
  readonly main: string | null;
  readonly dependencies: ReadonlySet<string>;
  readonly manager: Manager;
}

/** A package.json that is there and is no JSON object. */
export interface Damaged {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export function inside(folder: string, name: string): string {
  return folder === '.' ? name : `${folder}/${name}`;
}

/** Whether a file or folder is there, by the list of what surrounds it. */
export function isThere(files: DeclarationFiles, path: string): boolean {
  const border = path.lastIndexOf('/');
  return files.list(border === -1 ? '.' : path.slice(0, border)).includes(path.slice(border + 1));
}

/** `null` where there is none. */
export function readPackage(files: DeclarationFiles, folder: string): Package | Damaged | null {
  const file = inside(folder, 'package.json');
  const text = files.read(file);
  if (text === null) return null;
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return { file, ...spotOf(text, error), message: 'is not valid JSON' };
  }
  if (!isRecord(content)) return { file, line: 1, column: 1, message: 'is not a JSON object' };
  const named = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.keys(recordOf(content[kind])),
  );
  return {
    file,
    folder,
    scripts: new Map(
      Object.entries(recordOf(content['scripts'])).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].trim() !== '',
      ),
    ),
    main: typeof content['main'] === 'string' ? content['main'] : null,
    dependencies: new Set(named),
    manager: managerOf(files, folder, content['packageManager']),
  };
}

export function isDamaged(found: Package | Damaged | null): found is Damaged {
  return found !== null && 'message' in found;
}

/** What package.json pins (Corepack's `packageManager`), else the lockfile of the folder, else of the top: a workspace. npm's lockfile wins over others, as it does in the build. */
function managerOf(files: DeclarationFiles, folder: string, pinned: unknown): Manager {
  const word = typeof pinned === 'string' ? pinned.split('@')[0] : undefined;
  const named = managers.find((manager) => manager === word);
  if (named !== undefined) return named;
  for (const place of folder === '.' ? ['.'] : [folder, '.']) {
    const names = files.list(place);
    if (names.includes('npm-shrinkwrap.json') || names.includes('package-lock.json')) return 'npm';
    if (names.includes('pnpm-lock.yaml')) return 'pnpm';
    if (names.includes('yarn.lock')) return 'yarn';
  }
  return 'npm';
}

/** V8 tells the place of some faults (`at position 12 (line 2 column 3)`); the YAML reader finds the others. */
function spotOf(text: string, error: unknown): { line: number; column: number } {
  const match = /line (\d+) column (\d+)/.exec(error instanceof Error ? error.message : '');
  if (match !== null) return { line: Number(match[1]), column: Number(match[2]) };
  return jsonFaultAt(text);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
