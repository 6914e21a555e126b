import type { SourceFolder } from '../source-folder.ts';
import { isTable, readToml, type Table, tableAt, textIn, textsIn } from '../toml.ts';

/** What Kapal needs of a Cargo.toml (https://doc.rust-lang.org/cargo/reference/manifest.html). */
export interface CargoManifest {
  /** From the top of the source. */
  readonly file: string;
  /** Null for a workspace without a package of its own. */
  readonly package: CargoPackage | null;
  /** Null where it is no workspace. */
  readonly workspace: CargoWorkspace | null;
}

export interface CargoPackage {
  readonly name: string;
  readonly defaultRun: string | null;
  /** `src/main.rs` and `src/bin/` are programs without being named. */
  readonly autobins: boolean;
  readonly bins: readonly { readonly name: string; readonly path: string | null }[];
  /** Names of dependencies that the program itself is made with. */
  readonly dependencies: readonly string[];
  readonly rustVersion: string | null;
  readonly edition: string | null;
}

export interface CargoWorkspace {
  readonly members: readonly string[];
  readonly defaults: readonly string[];
  readonly exclude: readonly string[];
  /** What members take over by `rust-version.workspace = true`. */
  readonly rustVersion: string | null;
  readonly edition: string | null;
}

/** Null without a Cargo.toml. Throws `declaration_invalid`, with its place, for one that is no TOML. */
export function readCargo(folder: SourceFolder): CargoManifest | null {
  const content = readToml(folder, 'Cargo.toml');
  if (content === null) return null;
  const workspace = isTable(content['workspace']) ? content['workspace'] : null;
  const own = [content['package'], content['project']].find(isTable);
  return {
    file: folder.nameOf('Cargo.toml'),
    package: own === undefined ? null : packageOf(own, content),
    workspace:
      workspace === null
        ? null
        : {
            members: textsIn(workspace, 'members'),
            defaults: textsIn(workspace, 'default-members'),
            exclude: textsIn(workspace, 'exclude'),
            rustVersion: textIn(tableAt(workspace, 'package'), 'rust-version'),
            edition: textIn(tableAt(workspace, 'package'), 'edition'),
          },
  };
}

function packageOf(own: Table, content: Table): CargoPackage {
  const bins = Array.isArray(content['bin']) ? content['bin'].filter(isTable) : [];
  return {
    name: textIn(own, 'name') ?? 'app',
    defaultRun: textIn(own, 'default-run'),
    autobins: own['autobins'] !== false,
    bins: bins.flatMap((bin) => {
      const name = textIn(bin, 'name');
      return name === null ? [] : [{ name, path: textIn(bin, 'path') }];
    }),
    dependencies: Object.keys(tableAt(content, 'dependencies')),
    rustVersion: textIn(own, 'rust-version'),
    edition: textIn(own, 'edition'),
  };
}
