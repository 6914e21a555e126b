import { isNativeError } from 'node:util/types';
import { createContext, Script } from 'node:vm';
import { KapalError } from '../../model/errors.ts';

/** Milliseconds for one slice of lines: thousands of times what an ordinary pattern takes, and what the collector can be kept from its files. */
const sliceBudget = 1000;

/** Milliseconds for all slices of a search together. */
const searchBudget = 10_000;

/** The elements whose text matches. */
export type Matches = <T>(elements: readonly T[], text: (element: T) => string) => T[];

/**
 * Compiles a regular expression whose matching is bounded in time. A pattern such as `(a+)+$` takes time exponential in the
 * length of a line inside one call of the engine, where no check of ours can run: node:vm interrupts it there.
 * Throws KapalError `usage` for a pattern that is wrong, and later for one that takes too long.
 */
export function compilePattern(source: string): Matches {
  const pattern = compile(source);
  const context: { work: () => void } = { work: () => undefined };
  const script = new Script('work()');
  createContext(context);
  let left = searchBudget;
  return (elements, text) => {
    const hits: (typeof elements)[number][] = [];
    context.work = () => {
      for (const element of elements) if (pattern.test(text(element))) hits.push(element);
    };
    const began = performance.now();
    try {
      script.runInContext(context, { timeout: sliceBudget });
    } catch (error) {
      throw isInterruption(error) ? tooSlow(source) : error;
    }
    left -= performance.now() - began;
    if (left <= 0) throw tooSlow(source);
    return hits;
  };
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new KapalError(
      'usage',
      `The pattern is not a regular expression: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'Put a backslash before characters that mean themselves: . * + ? ( ) [ ] { } | ^ $ \\',
      },
    );
  }
}

/** The error belongs to the script's own realm, where `instanceof Error` is another class. */
function isInterruption(error: unknown): boolean {
  return isNativeError(error) && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

function tooSlow(source: string): KapalError {
  return new KapalError('usage', `The pattern ${source} takes too long`, {
    hint: 'Avoid repetitions inside repetitions, such as (a+)+, or narrow the search with --since.',
  });
}
