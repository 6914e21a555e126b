import type { Origin, Runtime, ServiceSpec, Told } from '../spec.ts';
import type { BuildRecipe } from '../../model/build-recipe.ts';
import type { SourceFolder } from './source-folder.ts';

/**
 * A language that Kapal builds: three pure questions over the files of a source, each in a file of its own. All languages stand in `languages.ts`;
 * docs/checklists/adding-a-language.md says how one is added.
 */
export interface Language {
  /** As `runtime` in kapal.yaml says it. */
  readonly runtime: Runtime;
  /** As people write it: `Python`. */
  readonly title: string;
  /** Which file says that the folder is of this language; null where none does. */
  detect(folder: SourceFolder): Evidence | null;
  /** What would run there, where nothing else is declared. Throws KapalError `declaration_invalid` for a damaged file. */
  plan(folder: SourceFolder): ServicePlan | Unclear;
  /** How it is built; a declared command takes the place of its steps afterwards. Throws KapalError `toolchain_missing` for what cannot be brought. */
  build(folder: SourceFolder, asked: BuildAsked): BuildRecipe;
}

/** What was seen, for `kapal detect` and for messages. */
export interface Evidence {
  /** From the top of the source. */
  readonly file: string;
  /** In words that follow the file's name: `its start script`. */
  readonly why: string;
}

export type ServicePlan = ServerPlan | SitePlan;

/** A program that answers requests. */
export interface ServerPlan extends Evidence {
  readonly kind: 'server';
  /** Where it stands, from the folder that was looked at: `.`, or a package of a workspace. */
  readonly rootDir: string;
  readonly start: string;
  /** What every new release needs before it takes traffic: migrations. */
  readonly preDeploy: string | null;
  /** A folder below `rootDir` that it writes to and that outlives releases; absent or null: none is known. */
  readonly keeps?: string | null;
  /** How sure: said by a file that is there for it (`declared`), or by a usual name of a file (`guessed`). */
  readonly certainty: 'declared' | 'guessed';
  /** What the user should know: whole sentences. */
  readonly notes: readonly string[];
}

/** Files for visitors, which a build writes. */
export interface SitePlan extends Evidence {
  readonly kind: 'site';
  readonly publishPath: string;
  /** Served where nothing matches: a single-page app. */
  readonly fallback: string | null;
  readonly notes: readonly string[];
}

/** The language is there, and what would run is not to be seen. */
export interface Unclear {
  readonly kind: 'unclear';
  /** Follows the name of the language's file: `does not say how to start: it has no start script`. */
  readonly missing: string;
  readonly hint: string;
}

/** What a declaration says of build and start; null where it is silent. */
export interface BuildAsked {
  readonly command: string | null;
  readonly start: string | null;
  /** What else runs in the release: before and after it takes traffic. */
  readonly others: readonly string[];
  readonly isStatic: boolean;
  /** The folder that it keeps across deploys, below `rootDir`; null: none, or one that lies elsewhere. */
  readonly kept: string | null;
}

/** What a folder is asked for. */
export interface Asking {
  /** The name of the project, which its web service takes. */
  readonly project: string;
  /** The language that was named where several lie side by side; null where none was. */
  readonly prefers: Runtime | null;
}

/** What a source without a declaration is. */
export interface Detected {
  readonly services: readonly ServiceSpec[];
  readonly origin: Origin;
  readonly told: readonly Told[];
  /** The names of services by those of processes, as a Procfile names them: the only one is `web`. */
  readonly processes: ReadonlyMap<string, string>;
}
