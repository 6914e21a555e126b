import { KapalError } from '../../../model/errors.ts';
import { jsonFaultAt } from '../../yaml/parse.ts';
import type { SourceFolder } from '../source-folder.ts';

/** What Kapal needs of a package.json; what it says in a wrong type counts as not said. */
export interface Package {
  /** From the top of the source. */
  readonly file: string;
  readonly scripts: ReadonlyMap<string, string>;
  readonly main: string | null;
  /** Names of dependencies of all kinds but peers. */
  readonly dependencies: ReadonlySet<string>;
  /** Their ranges as they are written, by name. */
  readonly ranges: ReadonlyMap<string, string>;
  /** Those for development alone. */
  readonly developmentOnly: ReadonlySet<string>;
  readonly hasDependencies: boolean;
  readonly hasWorkspaces: boolean;
  /** Patterns of its workspaces' folders. */
  readonly workspaces: readonly string[];
  readonly packageManager: string | null;
  /** The field `pnpm` names packages that may run install scripts: written for pnpm 10. */
  readonly hasBuiltDependencies: boolean;
  /** Range of `engines.node`, and version of `volta.node`. */
  readonly engine: string | null;
  readonly volta: string | null;
}

/** A package.json that is there and is no JSON object. */
export interface Damaged {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** `null` where there is none. */
export function readPackage(folder: SourceFolder): Package | Damaged | null {
  const file = folder.nameOf('package.json');
  const text = folder.read('package.json');
  if (text === null) return null;
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return { file, ...spotOf(text, error), message: 'is not valid JSON' };
  }
  if (!isRecord(content)) return { file, line: 1, column: 1, message: 'is not a JSON object' };
  return packageOf(file, content);
}

/** The same, where a damaged one is an error: `declaration_invalid`. */
export function soundPackage(folder: SourceFolder): Package | null {
  const found = readPackage(folder);
  if (!isDamaged(found)) return found;
  throw new KapalError('declaration_invalid', `${found.file}:${found.line}:${found.column}: ${found.message}`);
}

export function isDamaged(found: Package | Damaged | null): found is Damaged {
  return found !== null && 'message' in found;
}

function packageOf(file: string, content: Readonly<Record<string, unknown>>): Package {
  const installed = ['dependencies', 'devDependencies', 'optionalDependencies'];
  const names = (kinds: readonly string[]) => kinds.flatMap((kind) => Object.keys(recordOf(content[kind])));
  const running = new Set(names(['dependencies', 'optionalDependencies']));
  return {
    file,
    scripts: new Map(textsOf(content['scripts']).filter(([, text]) => text.trim() !== '')),
    main: textOf(content['main']),
    dependencies: new Set(names(installed)),
    ranges: new Map(installed.flatMap((kind) => textsOf(content[kind]))),
    developmentOnly: new Set(names(['devDependencies']).filter((name) => !running.has(name))),
    hasDependencies: names([...installed, 'peerDependencies']).length > 0,
    hasWorkspaces: typeof content['workspaces'] === 'object' && content['workspaces'] !== null,
    workspaces: workspacesOf(content['workspaces']),
    packageManager: textOf(content['packageManager']),
    hasBuiltDependencies: Array.isArray(recordOf(content['pnpm'])['onlyBuiltDependencies']),
    engine: textOf(recordOf(content['engines'])['node']),
    volta: textOf(recordOf(content['volta'])['node']),
  };
}

/** A list of patterns, or yarn's older form of an object with one. */
function workspacesOf(value: unknown): readonly string[] {
  const list: unknown = Array.isArray(value) ? value : recordOf(value)['packages'];
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
}

/** V8 tells the place of some faults (`at position 12 (line 2 column 3)`); the YAML reader finds the others. */
function spotOf(text: string, error: unknown): { line: number; column: number } {
  const match = /line (\d+) column (\d+)/.exec(error instanceof Error ? error.message : '');
  if (match !== null) return { line: Number(match[1]), column: Number(match[2]) };
  return jsonFaultAt(text);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

function textsOf(value: unknown): [string, string][] {
  return Object.entries(recordOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
