import type { BuildRecipe, ProgramRequirement } from '../../../src/model/build-recipe.ts';
import { buildRecipe } from '../../../src/spec/language/build.ts';
import { explain } from '../../../src/spec/language/explain.ts';
import type { ServiceSpec } from '../../../src/spec/spec.ts';
import { onlyService, read, sourceOf, type Tree } from './source.ts';

/** What a source of one service becomes: its declaration, its build, and what a user is told. */
export interface Outcome {
  readonly service: ServiceSpec;
  readonly recipe: BuildRecipe;
  readonly notes: readonly string[];
  /** Where it was seen. */
  readonly file: string;
}

export function outcomeOf(tree: Tree): Outcome {
  const spec = read(tree);
  const service = onlyService(spec);
  const files = sourceOf(tree);
  return { service, recipe: buildRecipe(files, service), notes: explain(files, service).notes, file: spec.origin.file };
}

export function commandsOf({ recipe }: Outcome): readonly string[] {
  return [...recipe.install, ...recipe.build].map(({ command }) => command);
}

export function needOf({ recipe }: Outcome, program: string): ProgramRequirement | undefined {
  return recipe.requires.find(
    (need): need is ProgramRequirement => need.kind === 'program' && need.program === program,
  );
}
