import { baseName } from '../start-program.ts';
import { isInside, type SourceFolder } from '../source-folder.ts';

/** A package `main`. */
export interface GoProgram {
  /** From the folder: `.`, `cmd/api`. */
  readonly path: string;
  /** What `go build` would call it. */
  readonly name: string;
}

export interface GoProject {
  /** The file that says so, from the folder: `go.mod`, `go.work`, `main.go`. */
  readonly file: 'go.mod' | 'go.work' | 'main.go';
  /** The last part of the module's name, without a version: `shop` of `github.com/ada/shop/v2`. */
  readonly name: string;
  readonly programs: readonly GoProgram[];
  /** The oldest Go that will do, and what says so; null where nothing does. */
  readonly go: { readonly version: string; readonly said: string } | null;
  readonly isVendored: boolean;
  /** A module that is bound to C: a C compiler is needed. */
  readonly needsC: string | null;
  /** What it imports from elsewhere without a go.mod, which such a program cannot have. */
  readonly homeless: string | null;
}

/** Modules that do nothing without cgo. */
const boundToC =
  /\b(?:github\.com\/mattn\/go-sqlite3|gorm\.io\/driver\/sqlite|github\.com\/confluentinc\/confluent-kafka-go|github\.com\/h2non\/bimg|github\.com\/davidbyttow\/govips|github\.com\/godror\/godror)\b/;

/** Folders that hold no program of the project's own. */
const notPrograms =
  /^(?:[._].*|vendor|internal|pkg|tests?|testdata|examples?|_?tools?|scripts|hack|docs?|third_party|node_modules)$/;

/** Null where nothing of the folder is Go. */
export function readGoProject(folder: SourceFolder): GoProject | null {
  if (folder.has('go.work')) return ofWorkspace(folder);
  const text = folder.read('go.mod');
  if (text !== null) return ofModule(folder, text);
  return folder.has('main.go') ? ofFile(folder) : null;
}

function ofModule(folder: SourceFolder, text: string): GoProject {
  const name = moduleName(text);
  const isPart = folder.path !== '.' && hasWorkspaceAbove(folder);
  return {
    file: 'go.mod',
    name,
    programs: programsIn(folder, { place: '.', name }),
    go: oldest([{ text, file: folder.nameOf('go.mod') }]),
    isVendored: !isPart && folder.has('vendor/modules.txt'),
    needsC: boundToC.exec(text)?.[0] ?? null,
    homeless: null,
  };
}

/** The modules that go.work uses; it may be without go.mod of its own. */
function ofWorkspace(folder: SourceFolder): GoProject {
  const work = folder.read('go.work') ?? '';
  const places = usedModules(work);
  const modules = places.map((place) => ({ place, text: folder.read(inside(place, 'go.mod')) ?? '' }));
  const programs = modules.flatMap(({ place, text }) =>
    programsIn(folder, { place, name: moduleName(text) || baseName(place) }),
  );
  const files = modules.map(({ place, text }) => ({ text, file: folder.nameOf(inside(place, 'go.mod')) }));
  const own = folder.read('go.mod');
  return {
    file: 'go.work',
    name: own === null ? '' : moduleName(own),
    programs,
    go: oldest([{ text: work, file: folder.nameOf('go.work') }, ...files]),
    isVendored: false,
    needsC: boundToC.exec(modules.map(({ text }) => text).join('\n'))?.[0] ?? null,
    homeless: null,
  };
}

/** A program of before modules, or of the first lesson: it may use the standard library alone. */
function ofFile(folder: SourceFolder): GoProject {
  const files = goFiles(folder, '.').map((name) => folder.head(name) ?? '');
  const elsewhere = files.flatMap((text) => importsOf(text)).find((path) => path.split('/')[0]?.includes('.') === true);
  return {
    file: 'main.go',
    name: '',
    programs: programsIn(folder, { place: '.', name: 'app' }).filter(({ path }) => path === '.'),
    go: null,
    isVendored: false,
    needsC: null,
    homeless: elsewhere ?? null,
  };
}

/** The package at the top of a module, those in `cmd`, and where there are none those of other folders. */
function programsIn(folder: SourceFolder, module: { readonly place: string; readonly name: string }): GoProgram[] {
  const { place, name } = module;
  const at = (path: string): GoProgram[] => {
    const full = place === '.' ? path : path === '.' ? place : `${place}/${path}`;
    if (!isMain(folder, full)) return [];
    return [{ path: full, name: path === '.' || path === 'cmd' ? name || 'app' : baseName(path) }];
  };
  const below = (path: string): readonly string[] => folder.list(inside(place, path));
  const usual = [...at('.'), ...at('cmd'), ...below('cmd').flatMap((one) => at(`cmd/${one}`))];
  if (usual.length > 0) return usual;
  return below('.')
    .filter((one) => one !== 'cmd' && !notPrograms.test(one))
    .flatMap((one) => at(one));
}

function isMain(folder: SourceFolder, path: string): boolean {
  return goFiles(folder, path).some((name) => {
    const text = folder.head(inside(path, name)) ?? '';
    // Files for `go run` and for tools are no part of the program beside them.
    return /^package main\b/m.test(text) && !/^\/\/(?:go:build|\s*\+build) .*\b(?:ignore|tools)\b/m.test(text);
  });
}

function goFiles(folder: SourceFolder, path: string): readonly string[] {
  return folder.list(path).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go') && !/^[._]/.test(name));
}

/** `module NAME`, plain or quoted. */
function moduleName(text: string): string {
  const path = /^[^\S\n]*module[^\S\n]+(?:\([^\S\n]*\n\s*)?["`]?([^\s"`)]+)/m.exec(text)?.[1] ?? '';
  const parts = path.split('/').filter((part) => !/^v\d+$/.test(part));
  return (parts.at(-1) ?? '').replace(/\.v\d+$/, '').replace(/[^\w.-]/g, '-');
}

/** `use ./a` and `use ( ./a \n ./b )`. */
function usedModules(text: string): readonly string[] {
  const plain = text.replace(/\/\/.*/g, '');
  const lists = [...plain.matchAll(/^use\s*\(([^)]*)\)/gm)].flatMap(([, list = '']) => list.split('\n'));
  const single = [...plain.matchAll(/^use[^\S\n]+([^\s(]+)/gm)].map(([, path = '']) => path);
  return [...lists, ...single]
    .map((path) => path.trim().replace(/^["`]|["`]$/g, ''))
    .filter((path) => path !== '' && isInside(path))
    .map((path) => path.replace(/^\.\//, '').replace(/\/+$/, '') || '.');
}

/** The highest that a `go` line asks for, or the `toolchain` line where there is one (https://go.dev/doc/toolchain). */
function oldest(
  files: readonly { readonly text: string; readonly file: string }[],
): { readonly version: string; readonly said: string } | null {
  const asked = files.flatMap(({ text, file }) => {
    const go = /^go[^\S\n]+(\d+\.\d+(?:\.\d+)?)/m.exec(text)?.[1];
    if (go === undefined) return [];
    // Only Go 1.21 and later can read a toolchain line, whatever the go line says.
    const reads = /^toolchain[^\S\n]+go/m.test(text) && rank(go) < rank('1.21') ? '1.21' : go;
    return [{ version: reads, said: reads === go ? `the go line of ${file}` : `the toolchain line of ${file}` }];
  });
  return asked.toSorted((one, other) => rank(other.version) - rank(one.version))[0] ?? null;
}

function rank(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return (major * 1000 + minor) * 1000 + patch;
}

function importsOf(text: string): readonly string[] {
  const lists = [...text.matchAll(/^import\s*\(([^)]*)\)/gm)].map(([, list = '']) => list);
  const single = [...text.matchAll(/^import[^\S\n]+(?:[\w.]+[^\S\n]+)?("[^"\n]+")/gm)].map(([, path = '']) => path);
  return [...lists, ...single].flatMap((list) => [...list.matchAll(/"([^"\n]+)"/g)].map(([, path = '']) => path));
}

function hasWorkspaceAbove(folder: SourceFolder): boolean {
  for (let above = folder.above(); above !== null; above = above.above()) if (above.has('go.work')) return true;
  return false;
}

function inside(place: string, path: string): string {
  return place === '.' ? path : path === '.' ? place : `${place}/${path}`;
}
