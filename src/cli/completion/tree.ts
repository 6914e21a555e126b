import type { Command, Operand } from '../command.ts';
import { allCommands } from '../command-list.ts';
import { globalOptions } from '../global-options.ts';

/** A command as completion needs it. */
export interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly completes: Operand['completes'] | null;
}

export interface CompletedOption {
  /** `-f` and `--follow`. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
}

/** Every command with its options; all modules are loaded for it. */
export async function commandTree(): Promise<readonly Completed[]> {
  return Promise.all(
    allCommands.map(async ({ name, summary, load }) => ({ name, summary, ...describe(await load()) })),
  );
}

function describe({ operands, options }: Command): Pick<Completed, 'options' | 'completes'> {
  return {
    options: [...options, ...globalOptions].map(({ flags, description }) => ({
      names: flags.split(/[ ,]+/).filter((word) => word.startsWith('-')),
      description,
      takesValue: flags.includes('<'),
    })),
    completes: operands[0]?.completes ?? null,
  };
}

/** What prints the names of services, one a line, for all three shells. Quiet where there is no daemon. */
export const serviceNames = `kapal ps --json 2>/dev/null | tr ',' '\\n' | sed -n 's/.*"service":"\\([a-z0-9-]*\\)".*/\\1/p' | sort -u`;

/** First words: commands, and groups with what they are about. */
export function firstWords(tree: readonly Completed[]): readonly { readonly word: string; readonly summary: string }[] {
  const words = new Map<string, string>();
  for (const { name, summary } of tree) {
    const [first = name, second] = name.split(' ');
    const members = tree
      .filter((other) => other.name.startsWith(`${first} `))
      .map((other) => other.name.slice(first.length + 1));
    if (!words.has(first)) words.set(first, second === undefined ? summary : members.join(', '));
  }
  return [...words].map(([word, summary]) => ({ word, summary }));
}

export function groupsOf(tree: readonly Completed[]): ReadonlyMap<string, readonly Completed[]> {
  return Map.groupBy(
    tree.filter(({ name }) => name.includes(' ')),
    ({ name }) => name.split(' ')[0] ?? name,
  );
}
