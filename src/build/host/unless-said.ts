import type { BuildStep, VariableCondition } from '../../model/build-recipe.ts';

/** The step; where declared variables leave it out, one that only says so in the log. */
export function unlessSaid(step: BuildStep, variables: Readonly<Record<string, string>>): BuildStep {
  for (const condition of step.unless ?? []) {
    const said = saidOf(condition.variable, variables);
    if (said !== undefined && holds(condition, said))
      return { title: `Left out, as the variable ${condition.variable} says: ${step.title}`, command: ':' };
  }
  return step;
}

/** npm takes its settings in letters of either case. */
function saidOf(name: string, variables: Readonly<Record<string, string>>): string | undefined {
  return variables[name] ?? (name.startsWith('NPM_CONFIG_') ? variables[name.toLowerCase()] : undefined);
}

function holds(condition: VariableCondition, said: string): boolean {
  return 'is' in condition ? said.toLowerCase() === condition.is : said !== condition.isNot;
}
