import { type BuildRecipe, type BuildStep, nothingToBuild, type Requirement } from '../../../model/build-recipe.ts';
import { KapalError } from '../../../model/errors.ts';
import type { BuildAsked } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { chooseRust } from './choose.ts';
import { readRustProject, type RustProject } from './project.ts';
import { askedRust, channelOf } from './version.ts';

/**
 * cargo's own folder is kept beside the service's other caches, where the next build finds what was compiled; only programs come into the artifact, at the
 * place where cargo would have them. `cargo run` at each start needs that folder in the artifact.
 */
export function buildRust(folder: SourceFolder, asked: BuildAsked): BuildRecipe {
  const project = readRustProject(folder);
  const channel = channelOf(folder);
  if (asked.command === null && channel?.name.startsWith('nightly') === true) throw nightly(channel);
  const runsCargo = /\bcargo\b/.test(asked.start ?? '');
  const isKept = asked.command !== null || runsCargo;
  return {
    ...nothingToBuild,
    build: own(project, { start: asked.start, isKept }),
    after: afterCommand(asked.command ?? '', runsCargo),
    requires: requirements(folder, project),
    caches: runsCargo ? {} : { CARGO_HOME: 'cargo', ...(isKept ? {} : { CARGO_TARGET_DIR: 'cargo-target' }) },
  };
}

function own(
  project: RustProject | null,
  { start, isKept }: { readonly start: string | null; readonly isKept: boolean },
): readonly BuildStep[] {
  if (project === null || project.programs.length === 0) return [];
  const program = chooseRust(project, start);
  const chosen = program === null ? project.programs : [program];
  const crates = [...new Set(chosen.map(({ crate }) => crate))];
  const cargo = [
    'cargo build --release',
    ...(project.hasLock ? ['--locked'] : []),
    ...(project.isWorkspace ? crates.map((crate) => `--package ${crate}`) : []),
    ...chosen.map(({ name }) => `--bin ${name}`),
  ].join(' ');
  const step: BuildStep = { title: `Building (${cargo})`, command: cargo };
  if (isKept) return [step];
  const from = `"$CARGO_TARGET_DIR"/${project.target === null ? '' : `${project.target}/`}release`;
  const files = chosen.map(({ name }) => `${from}/${name}`).join(' ');
  // One step: where it fails, nothing is copied.
  return [{ title: step.title, command: `${cargo} && mkdir -p target/release && cp ${files} target/release/` }];
}

/** A declared command has its target folder where it expects it; what only cargo needs of it would be most of every release. */
function afterCommand(command: string, runsCargo: boolean): readonly BuildStep[] {
  if (runsCargo || !/\bcargo\b/.test(command)) return [];
  const parts = ['deps', 'build', 'incremental', '.fingerprint'];
  const paths = parts.flatMap((part) => [`target/*/${part}`, `target/*/*/${part}`]);
  return [{ title: 'Removing what only cargo needs of target/', command: `rm -rf ${paths.join(' ')}` }];
}

function requirements(folder: SourceFolder, project: RustProject | null): readonly Requirement[] {
  const places = ['/usr/local/cargo/bin', '/opt/cargo/bin', '/usr/lib/rust-*/bin'];
  const why = 'a Rust program is built with it';
  // Debian's cargo has a version of its own, and builds with the rustc beside it.
  const rustc: Requirement = {
    kind: 'program',
    program: 'rustc',
    packages: ['cargo'],
    why,
    places,
    version: askedRust(folder, project),
  };
  return [rustc, { kind: 'program', program: 'cargo', packages: ['cargo'], why, places }, ...openssl(project)];
}

/** Bindings to the machine's OpenSSL; `openssl-src` brings its own. */
function openssl(project: RustProject | null): readonly Requirement[] {
  const lock = project?.lock?.text ?? '';
  const isBound = lock.includes('name = "openssl-sys"') && !lock.includes('name = "openssl-src"');
  if (!isBound) return [];
  const why = 'openssl-sys of Cargo.lock finds OpenSSL by it';
  return [{ kind: 'program', program: 'pkg-config', packages: ['pkg-config', 'libssl-dev'], why }];
}

function nightly({ name, file }: { readonly name: string; readonly file: string }): KapalError {
  return new KapalError('toolchain_missing', `${file} asks for ${name}, and Kapal builds with a stable Rust`, {
    hint: `Take a stable version in ${file}, or declare a buildCommand that brings its own toolchain.`,
  });
}
