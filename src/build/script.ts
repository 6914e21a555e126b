import type { BuildStep } from '../model/build-recipe.ts';
import { quoted } from '../model/shell.ts';

/**
 * The one shell text that runs the steps in order: `==> TITLE` before each, the first failure ends it with that step's exit code. Each
 * command is a program text of its own (`sh -c -- TEXT`), so that what is wrong in one (an open quote, a stray `fi`, an `exit`, a `cd`) stays in it, and
 * every step begins in the working folder with nothing on stdin. No steps make the text that does nothing.
 */
export function buildScript(steps: readonly BuildStep[]): string {
  if (steps.length === 0) return ':';
  return steps.map(stepText).join('\n');
}

function stepText(step: BuildStep): string {
  const title = step.title.replace(/\p{Cc}+/gu, ' ');
  return [`printf '==> %s\\n' ${quoted(title)}`, `sh -c -- ${quoted(step.command)} </dev/null || exit "$?"`].join('\n');
}
