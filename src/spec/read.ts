import { KapalError } from '../model/errors.ts';
import { slug } from '../model/names.ts';
import { appJsonOf, appName, detectApp } from './app-json/detect.ts';
import { readDeclared } from './declared/declared.ts';
import type { DeclarationFiles } from './files.ts';
import { detect } from './language/detect.ts';
import type { Spec, Warning } from './spec.ts';

export interface ReadOptions {
  /** What the source is called (folder, repository): the project's name where nothing else names it. */
  readonly name: string;
  /** The caller's choice; wins over the file. */
  readonly project?: string | undefined;
  /** What is deployed, where that is a remote: `repo` and `branch` in the file are held against it. */
  readonly url?: string | null | undefined;
  readonly branch?: string | null | undefined;
}

/** Declarations in the order in which they count. */
const declarations = ['kapal.yaml', 'kapal.yml', 'render.yaml'];

/**
 * What a source declares, or what its files tell: validated, complete, frozen. Throws `declaration_invalid` with every problem by file, line and
 * column, `nothing_to_deploy` with what was found instead, and `name_invalid` where no project name can be made.
 */
export function readDeclaration(files: DeclarationFiles, options: ReadOptions): Spec {
  const names = files.list('.');
  const file = declarations.find((name) => names.includes(name));
  if (file === undefined) {
    return frozen(undeclared(files, options));
  }
  const text = readable(files, file);
  const deployed = { url: options.url ?? null, branch: options.branch ?? null };
  const { project, services, groups, warnings } = readDeclared({ file, text, files, deployed });
  return frozen({
    project: projectName(options, project),
    services,
    groups,
    origin: { kind: 'declared', file },
    told: [],
    warnings: [...warnings, ...unread(files, file)],
  });
}

/** By its app.json, where Heroku's lies there, over what the other files tell. */
function undeclared(files: DeclarationFiles, options: ReadOptions): Spec {
  const manifest = appJsonOf(files);
  const project = projectName(options, manifest === null ? null : slug(appName(manifest) ?? ''));
  if (manifest !== null) return { project, ...detectApp(manifest, { files, project }) };
  const { services, origin, told } = detect(files, { project, prefers: null });
  return { project, services, origin, told, groups: [], warnings: [] };
}

/** A declaration that cannot be read must not be taken for none. */
function readable(files: DeclarationFiles, file: string): string {
  const text = files.read(file);
  if (text !== null) return text;
  throw new KapalError('declaration_invalid', `${file}:1:1: is not a readable file, or too large for a declaration`);
}

function projectName(options: ReadOptions, declared: string | null): string {
  const name = options.project ?? declared ?? slug(options.name);
  if (name !== null) return name;
  throw new KapalError('name_invalid', `no project name can be made of "${options.name}"`, {
    hint: 'Name it: kapal deploy --project NAME, or project: NAME in kapal.yaml.',
  });
}

/** Two names for one thing: who edits the other file should know why nothing changes. A render.yaml beside a kapal.yaml is usual. */
function unread(files: DeclarationFiles, file: string): Warning[] {
  if (file !== 'kapal.yaml' || !files.list('.').includes('kapal.yml')) return [];
  return [{ message: 'is not read: kapal.yaml stands beside it', file: 'kapal.yml', line: 1, column: 1 }];
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) frozen(part);
  return value;
}
