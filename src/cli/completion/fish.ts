import { type Completed, type CompletedOption, firstWords, groupsOf, serviceNames } from './tree.ts';

/** A completion script for fish (complete(1)). */
export function fishScript(tree: readonly Completed[]): string {
  const first = firstWords(tree);
  const groups = [...groupsOf(tree)];
  const lines = [
    '# fish completion for kapal: kapal completion fish | source',
    'function __kapal_services',
    `    ${serviceNames}`,
    'end',
    'complete -c kapal -f',
    ...first.map(({ word, summary }) => `complete -c kapal -n __fish_use_subcommand -a ${word} -d ${quoted(summary)}`),
    ...groups.flatMap(([group, members]) => groupLines(group, members)),
    ...tree.flatMap(commandLines),
  ];
  return `${lines.join('\n')}\n`;
}

function groupLines(group: string, members: readonly Completed[]): readonly string[] {
  const words = members.map(({ name }) => name.slice(group.length + 1));
  const alone = `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${words.join(' ')}`;
  return members.map(
    ({ summary }, index) => `complete -c kapal -n ${quoted(alone)} -a ${words[index] ?? ''} -d ${quoted(summary)}`,
  );
}

function commandLines({ name, options, completes }: Completed): readonly string[] {
  const seen = name
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ');
  const on = `complete -c kapal -n ${quoted(seen)}`;
  return [
    ...options.map((option) => `${on} ${optionPart(option)}`),
    ...operandParts(completes).map((part) => `${on} ${part}`),
  ];
}

function optionPart({ names, description, takesValue }: CompletedOption): string {
  const forms = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const values = names.includes('--data')
    ? ["-a '(__fish_complete_directories)'"]
    : names.includes('--service')
      ? ["-a '(__kapal_services)'"]
      : [];
  return [...forms, ...(takesValue ? ['-x', ...values] : []), '-d', quoted(description)].join(' ');
}

function operandParts(completes: Completed['completes']): readonly string[] {
  if (completes === 'service') return ["-a '(__kapal_services)'"];
  if (completes === 'folder') return ["-a '(__fish_complete_directories)'"];
  return completes === null || completes === undefined ? [] : [`-a ${quoted(completes.join(' '))}`];
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
