import type { BuildStep, ProgramRequirement, Requirement } from '../../model/build-recipe.ts';
import type { DeclarationFiles } from '../files.ts';
import type { GroupSpec, ServiceSpec, VariableValue } from '../spec.ts';
import { buildRecipe } from './build.ts';
import { languageNamed } from './choose.ts';
import { keptNotes } from './kept.ts';
import { SourceFolder } from './source-folder.ts';

/** What Kapal would do with one service, and what it was seen from. */
export interface Explanation {
  readonly service: string;
  readonly type: ServiceSpec['type'];
  readonly runtime: ServiceSpec['runtime'];
  readonly rootDir: string;
  /** The file of its language, from the top of the source; null where none has one. */
  readonly evidence: string | null;
  readonly install: readonly BuildStep[];
  readonly build: readonly BuildStep[];
  readonly preDeploy: string | null;
  readonly initialDeploy: string | null;
  /** Of a cron. */
  readonly schedule: string | null;
  readonly instances: number;
  readonly healthCheckPath: string | null;
  readonly healthCheckContent: string | null;
  /** Those of its groups too, without values. */
  readonly variables: readonly { readonly key: string; readonly from: VariableValue['kind'] }[];
  readonly start: string | null;
  readonly publishPath: string | null;
  /** In words: `Node 16 (.nvmrc)`. */
  readonly needs: readonly string[];
  /** Whole sentences. */
  readonly notes: readonly string[];
}

/** Throws as `buildRecipe` does. */
export function explain(files: DeclarationFiles, spec: ServiceSpec, groups: readonly GroupSpec[] = []): Explanation {
  const folder = new SourceFolder(files, spec.rootDir);
  const { install, build, requires, notes } = buildRecipe(files, spec);
  const language = spec.runtime === null ? null : languageNamed(spec.runtime === 'static' ? 'node' : spec.runtime);
  const evidence = language?.detect(folder) ?? null;
  const plan = language === null || evidence === null ? null : language.plan(folder);
  return {
    service: spec.name,
    type: spec.type,
    runtime: spec.runtime,
    rootDir: spec.rootDir,
    evidence: evidence?.file ?? null,
    install,
    build,
    preDeploy: spec.commands.preDeploy,
    initialDeploy: spec.commands.initialDeploy ?? null,
    schedule: spec.cron?.schedule ?? null,
    instances: spec.instances,
    healthCheckPath: spec.health.path,
    healthCheckContent: spec.health.content ?? null,
    variables: variablesOf(spec, groups),
    start: spec.commands.start,
    publishPath: spec.publishPath,
    needs: requires.flatMap((need) => needText(need) ?? []),
    // What is said of a start that was declared otherwise does not hold.
    notes: [
      ...(plan?.kind === 'server' && plan.start === spec.commands.start
        ? [...keptNotes(spec, { ...plan, rootDir: spec.rootDir }), ...plan.notes]
        : []),
      ...notes,
    ],
  };
}

/** Its own stand over those of its groups. */
function variablesOf(
  { variables, groups: taken }: ServiceSpec,
  groups: readonly GroupSpec[],
): Explanation['variables'] {
  const shared = taken.flatMap((name) => groups.find((group) => group.name === name)?.variables ?? []);
  const all = new Map([...shared, ...variables].map(({ key, value }) => [key, value.kind]));
  return [...all].map(([key, from]) => ({ key, from }));
}

/** Null for what is always there. */
function needText(need: Requirement): string | null {
  switch (need.kind) {
    case 'node':
      return need.said === null ? null : `Node ${need.range} (${need.said})`;
    case 'manager':
      return `${need.tool.name} ${need.tool.version}`;
    case 'program':
      return programText(need);
  }
}

function programText({ program, packages, version, part }: ProgramRequirement): string {
  const asked = version === undefined ? '' : ` ${version.said}`;
  return `${program}${asked}${part === undefined ? '' : ` with ${part.name}`} (${packages.join(' ')})`;
}
