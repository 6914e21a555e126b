import { didYouMean, failure } from '../api/contract/exit.ts';
import { allCommands, isGroup, laterCommands, type ListedCommand, membersOf } from './command-list.ts';
import { valuedGlobals } from './global-options.ts';

/** A command line with the words that name its command taken out. */
export type Line =
  | { readonly kind: 'none'; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly group: string; readonly rest: readonly string[] }
  | { readonly kind: 'command'; readonly command: ListedCommand; readonly rest: readonly string[] };

/** Finds the command that a line names; options may stand before it. Throws `usage` with the nearest name, or `not_supported` for a later version's. */
export function findCommand(argv: readonly string[]): Line {
  const first = nextWord(argv, 0);
  if (first === null) return { kind: 'none', rest: argv };
  const word = argv[first] ?? '';
  if (!isGroup(word)) return { kind: 'command', command: known(word), rest: argv.toSpliced(first, 1) };
  const second = nextWord(argv, first + 1);
  const bare = bareOf(word, second === null ? null : (argv[second] ?? ''));
  if (bare !== null) return { kind: 'command', command: bare, rest: argv.toSpliced(first, 1) };
  if (second === null) return { kind: 'group', group: word, rest: argv.toSpliced(first, 1) };
  const command = known(`${word} ${argv[second]}`);
  return { kind: 'command', command, rest: argv.toSpliced(second, 1).toSpliced(first, 1) };
}

/** The command that a group alone means, where the second word names none of its members; null where it means none. */
function bareOf(group: string, word: string | null): ListedCommand | null {
  const members = membersOf(group);
  if (word !== null && members.some(({ name }) => name === `${group} ${word}`)) return null;
  return members.find(({ bare }) => bare === true) ?? null;
}

/** The command of this name. Throws as `findCommand` does. */
export function known(name: string): ListedCommand {
  const found = allCommands.find((command) => command.name === name);
  if (found !== undefined) return found;
  if (laterCommands.includes(name)) {
    throw failure('not_supported', `kapal ${name} comes with a later version`, {
      hint: 'What this version does: kapal help',
    });
  }
  const [group = ''] = name.split(' ');
  const near =
    isGroup(group) && name !== group
      ? membersOf(group).map((member) => member.name)
      : allCommands.map((command) => command.name);
  throw failure('usage', `there is no command ${name}`, { hint: didYouMean(name, near) ?? 'See them all: kapal help' });
}

/** The place of the next word that is neither an option nor the value of a global one. */
function nextWord(argv: readonly string[], from: number): number | null {
  for (let place = from; place < argv.length; place += 1) {
    const word = argv[place] ?? '';
    if (word === '--') return null;
    if (valuedGlobals.has(word)) place += 1;
    else if (!word.startsWith('-')) return place;
  }
  return null;
}
