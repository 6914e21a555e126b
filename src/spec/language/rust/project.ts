import { isInside, type SourceFolder } from '../source-folder.ts';
import { readToml, tableAt, textIn } from '../toml.ts';
import { type CargoManifest, type CargoPackage, readCargo } from './manifest.ts';

/** A program that cargo can build. */
export interface RustProgram {
  readonly name: string;
  /** The package that it is of. */
  readonly crate: string;
  /** Cargo would run this one of the package's programs. */
  readonly isDefault: boolean;
  /** The package depends on a library that answers requests. */
  readonly answers: boolean;
  readonly isRocket: boolean;
}

export interface RustProject {
  readonly file: string;
  /** The name of the package at the top; null in a workspace without one. */
  readonly name: string | null;
  readonly isWorkspace: boolean;
  readonly programs: readonly RustProgram[];
  readonly hasLock: boolean;
  /** The first 4 KiB of Cargo.lock, which begin with its version, and all of it where it is small. */
  readonly lock: { readonly head: string; readonly text: string | null } | null;
  readonly packages: readonly CargoPackage[];
  /** Of the workspace, for all of its members. */
  readonly shared: { readonly rustVersion: string | null; readonly edition: string | null } | null;
  /** `build.target` of cargo's own settings: another folder for what is built. */
  readonly target: string | null;
}

const answering = [
  'actix-web',
  'axum',
  'gotham',
  'hyper',
  'iron',
  'leptos_axum',
  'loco-rs',
  'nickel',
  'ntex',
  'pavex',
  'poem',
  'rocket',
  'rouille',
  'salvo',
  'tide',
  'tiny_http',
  'tonic',
  'trillium',
  'viz',
  'warp',
];

/** Null without a Cargo.toml. */
export function readRustProject(folder: SourceFolder): RustProject | null {
  const manifest = readCargo(folder);
  if (manifest === null) return null;
  const found = cratesOf(folder, manifest);
  const lockAt = lockFolder(folder);
  return {
    file: manifest.file,
    name: manifest.package?.name ?? null,
    isWorkspace: found.length > 1 || manifest.package === null,
    programs: found.flatMap(({ place, crate }) => programsOf(place, crate)),
    hasLock: lockAt !== null,
    lock: lockAt === null ? null : { head: lockAt.head('Cargo.lock') ?? '', text: lockAt.read('Cargo.lock') },
    packages: found.map(({ crate }) => crate),
    shared: manifest.workspace,
    target: targetOf(folder),
  };
}

interface Crate {
  readonly place: SourceFolder;
  readonly crate: CargoPackage;
}

/** The package at the top; else the default members of the workspace, else all of them. Tools of the project itself (`xtask`) do not count. */
function cratesOf(folder: SourceFolder, { package: own, workspace }: CargoManifest): readonly Crate[] {
  const top = own === null ? [] : [{ place: folder, crate: own }];
  if (workspace === null) return top;
  const patterns = workspace.defaults.length > 0 ? workspace.defaults : workspace.members;
  const excluded = new Set(workspace.exclude.flatMap((pattern) => matching(folder, pattern)));
  const paths = [...new Set(patterns.flatMap((pattern) => matching(folder, pattern)))];
  const members = paths
    .filter((path) => path !== '.' && !excluded.has(path))
    .flatMap((path) => {
      const place = folder.below(path);
      const crate = readCargo(place)?.package ?? null;
      return crate === null || crate.name === 'xtask' ? [] : [{ place, crate }];
    });
  return [...top, ...members];
}

/** Folders by a pattern whose parts may be `*`, or hold one (`crates/app-*`). */
function matching(folder: SourceFolder, pattern: string): readonly string[] {
  const cleaned = pattern.replace(/^\.\//, '').replace(/\/+$/, '');
  if (!isInside(cleaned)) return [];
  const places = cleaned.split('/').reduce<readonly string[]>(
    (above, part) =>
      above.flatMap((place) => {
        const names = part.includes('*') ? folder.list(place).filter((name) => isLike(name, part)) : [part];
        return names.map((name) => (place === '.' ? name : `${place}/${name}`));
      }),
    ['.'],
  );
  return places.filter((place) => folder.has(`${place}/Cargo.toml`));
}

function isLike(name: string, pattern: string): boolean {
  const [start = '', end = ''] = pattern.split('*');
  return !name.startsWith('.') && name !== 'target' && name.startsWith(start) && name.endsWith(end);
}

function programsOf(place: SourceFolder, crate: CargoPackage): readonly RustProgram[] {
  const named = crate.bins.map(({ name }) => name);
  const taken = new Set(crate.bins.flatMap(({ path }) => (path === null ? [] : [path.replace(/^\.\//, '')])));
  const found = crate.autobins ? autobins(place, crate.name).filter(({ path }) => !taken.has(path)) : [];
  // What cargo would refuse as a name reaches no shell.
  const names = [...new Set([...named, ...found.map(({ name }) => name)])].filter((name) => isName(name));
  return (isName(crate.name) ? names : []).map((name) => ({
    name,
    crate: crate.name,
    isDefault: crate.defaultRun === name,
    answers: answering.some((library) => crate.dependencies.includes(library)),
    isRocket: crate.dependencies.includes('rocket'),
  }));
}

/** As cargo has it: letters, digits, dashes, underscores. */
function isName(text: string): boolean {
  return /^[\w-]+$/.test(text) && !text.startsWith('-');
}

function autobins(place: SourceFolder, name: string): readonly { readonly name: string; readonly path: string }[] {
  const main = place.has('src/main.rs') ? [{ name, path: 'src/main.rs' }] : [];
  const others = place.list('src/bin').flatMap((one) => {
    if (one.endsWith('.rs')) return [{ name: one.slice(0, -3), path: `src/bin/${one}` }];
    return place.has(`src/bin/${one}/main.rs`) ? [{ name: one, path: `src/bin/${one}/main.rs` }] : [];
  });
  return [...main, ...others];
}

/** Of the package, or of the workspace that it is a part of. */
function lockFolder(folder: SourceFolder): SourceFolder | null {
  for (let at: SourceFolder | null = folder; at !== null; at = at.above()) if (at.has('Cargo.lock')) return at;
  return null;
}

function targetOf(folder: SourceFolder): string | null {
  const file = folder.firstOf(['.cargo/config.toml', '.cargo/config']);
  const target = file === null ? null : textIn(tableAt(readToml(folder, file), 'build'), 'target');
  return target !== null && /^[\w.-]+$/.test(target) ? target : null;
}
