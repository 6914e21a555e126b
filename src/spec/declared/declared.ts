import { slug } from '../../model/names.ts';
import type { DeclarationFiles } from '../files.ts';
import { plainly, Report } from '../report.ts';
import type { GroupSpec, ServiceSpec, Warning } from '../spec.ts';
import { root, type rootFields, type ServiceEntry as RootEntry } from '../table/root.ts';
import type { Found, Located } from '../table/shape.ts';
import type { groupFields } from '../table/variables.ts';
import { parseYaml } from '../yaml/parse.ts';
import { checkBeside } from './beside.ts';
import { type Draft, readService } from './service.ts';
import { checkBranch, checkRepositories, type Deployed } from './source.ts';
import { readVariables } from './variables.ts';

export interface Declared {
  /** As the file names it, made into a valid name; `null` when it does not. */
  readonly project: string | null;
  readonly services: readonly ServiceSpec[];
  readonly groups: readonly GroupSpec[];
  readonly warnings: readonly Warning[];
}

export interface DeclaredInput {
  readonly file: string;
  readonly text: string;
  readonly files: DeclarationFiles;
  readonly deployed: Deployed;
}

/** Reads a kapal.yaml or render.yaml. Throws `declaration_invalid` with everything that is wrong in it. */
export function readDeclared(input: DeclaredInput): Declared {
  const { declared, report } = examineDeclared(input);
  report.throwProblems();
  // Without anything read there was a problem, and it has been thrown.
  if (declared === null) throw new Error('a declaration was neither read nor refused');
  return { ...declared, warnings: report.warnings() };
}

/** The same without throwing: what was found is in the report, and where that has problems, `declared` is not to be used. */
export function examineDeclared(input: DeclaredInput): {
  readonly declared: Omit<Declared, 'warnings'> | null;
  readonly report: Report;
} {
  const report = new Report(input.file);
  const tree = parseYaml(input.text, report);
  if (tree === null && report.sound) report.refuse({ line: 1, column: 1, path: '' }, 'is empty: it needs services');
  const found = tree === null ? undefined : root.read(tree, { path: '', report });
  return { declared: found === undefined ? null : readRoot(found, input, report), report };
}

function readRoot(found: Found<typeof rootFields>, input: DeclaredInput, report: Report): Omit<Declared, 'warnings'> {
  const { project, services, envVarGroups, ungrouped } = found.fields;
  const entries = [...(services?.value ?? []), ...(ungrouped?.value.fields.services?.value ?? [])];
  if (entries.length === 0 && !report.refusedBelow('services') && !report.refusedBelow('ungrouped')) {
    report.refuse(
      { ...(services?.place ?? found.place), path: 'services' },
      services === undefined ? 'is missing' : 'is empty: it needs at least one service',
    );
  }
  const groups = readGroups(
    [...(envVarGroups?.value ?? []), ...(ungrouped?.value.fields.envVarGroups?.value ?? [])],
    report,
  );
  const drafts = entries.flatMap((entry) => readEntry(entry, input, report));
  const refusedNames = new Set(entries.flatMap(refusedName));
  const groupsSound = !report.refusedBelow('envVarGroups') && !report.refusedBelow('ungrouped');
  checkBeside({ drafts, groups, refusedNames, groupsSound }, report);
  checkRepositories(drafts, input.deployed, report);
  return {
    project: project === undefined ? null : projectName(project, report),
    services: drafts.map((draft) => draft.spec),
    groups,
  };
}

function readEntry(entry: RootEntry, input: DeclaredInput, report: Report): Draft[] {
  if (entry.kind === 'refused') return [];
  checkBranch(entry.found, input.deployed, report);
  const draft = readService(entry.found, { files: input.files, report });
  return draft === null ? [] : [draft];
}

/** Of a refused type, or with a name and without a sound type. */
function refusedName(entry: RootEntry): string[] {
  const name =
    entry.kind === 'refused'
      ? entry.name
      : entry.found.fields.type === undefined
        ? (entry.found.fields.name?.value ?? null)
        : null;
  return name === null ? [] : [slug(name) ?? name];
}

function readGroups(entries: readonly Found<typeof groupFields>[], report: Report): GroupSpec[] {
  const groups = new Map<string, GroupSpec>();
  for (const { fields } of entries) {
    const { variables } = readVariables(fields.envVars?.value ?? [], null, report);
    if (fields.name === undefined) continue;
    const { value: name, place } = fields.name;
    if (groups.has(name)) report.refuse(place, `${plainly(name)} is the name of another group too`);
    else groups.set(name, { name, variables });
  }
  return [...groups.values()];
}

function projectName(project: Located<string>, report: Report): string | null {
  const name = slug(project.value);
  if (name === null) report.refuse(project.place, `${plainly(project.value)} has no letter or digit to make a name of`);
  else if (name !== project.value)
    report.warn(project.place, `${plainly(project.value)} is not a valid name: the project is called ${name}`);
  return name;
}
