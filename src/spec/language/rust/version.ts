import type { ProgramVersion } from '../../../model/build-recipe.ts';
import type { SourceFolder } from '../source-folder.ts';
import { readToml, tableAt, textIn } from '../toml.ts';
import type { RustProject } from './project.ts';

/** The first Rust of each edition (https://doc.rust-lang.org/edition-guide/) and of each form of Cargo.lock. */
const editions: Readonly<Record<string, string>> = { '2015': '1.0', '2018': '1.31', '2021': '1.56', '2024': '1.85' };
const locks: Readonly<Record<string, string>> = { '3': '1.53', '4': '1.78' };

interface Asked {
  readonly version: string;
  readonly said: string;
}

/** The newest of all that the project asks for: rust-version, edition, Cargo.lock, rust-toolchain. */
export function askedRust(folder: SourceFolder, project: RustProject | null): ProgramVersion {
  const asked = [...ofManifest(project), ...ofLock(project), ...ofToolchain(folder)];
  const [most] = asked.toSorted((one, other) => rank(other.version) - rank(one.version));
  return {
    args: ['--version'],
    range: `>=${most?.version ?? '1.31'}`,
    said: most === undefined ? '1.31 or later' : `${most.version} or later (${most.said})`,
    also: [],
  };
}

function ofManifest(project: RustProject | null): readonly Asked[] {
  if (project === null) return [];
  const shared = project.shared === null ? [] : [{ name: 'the workspace', ...project.shared }];
  return [...shared, ...project.packages].flatMap(({ name, rustVersion, edition }) => {
    const oldest = edition === null ? undefined : editions[edition];
    return [
      ...(isVersion(rustVersion) ? [{ version: rustVersion, said: `rust-version of ${name}` }] : []),
      ...(oldest === undefined ? [] : [{ version: oldest, said: `edition ${edition} of ${name}` }]),
    ];
  });
}

function ofLock(project: RustProject | null): readonly Asked[] {
  const form = /^version = (\d+)/m.exec(project?.lock?.head ?? '')?.[1];
  const oldest = form === undefined ? undefined : locks[form];
  return oldest === undefined ? [] : [{ version: oldest, said: `version ${form} of Cargo.lock` }];
}

function ofToolchain(folder: SourceFolder): readonly Asked[] {
  const channel = channelOf(folder);
  return channel !== null && isVersion(channel.name) ? [{ version: channel.name, said: channel.file }] : [];
}

/** The channel of rust-toolchain.toml, or of its older form: `1.75.0`, `stable`, `nightly-2024-05-01`. */
export function channelOf(folder: SourceFolder): { readonly name: string; readonly file: string } | null {
  const path = folder.firstOf(['rust-toolchain.toml', 'rust-toolchain']);
  const text = path === null ? null : folder.read(path);
  if (path === null || text === null) return null;
  const file = folder.nameOf(path);
  if (path === 'rust-toolchain' && !text.includes('[')) return { name: text.trim(), file };
  const name = textIn(tableAt(readToml(folder, path), 'toolchain'), 'channel');
  return name === null ? null : { name, file };
}

function isVersion(text: string | null): text is string {
  return text !== null && /^\d+\.\d+(?:\.\d+)?$/.test(text);
}

function rank(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return (major * 1000 + minor) * 1000 + patch;
}
