import type { Command, Invocation } from '../command.ts';
import { allCommands, commandGroups, isGroup, type ListedCommand, membersOf } from '../command-list.ts';
import type { CliHost } from '../host.ts';
import { type Output, table } from '../output.ts';
import { helpText } from '../parse.ts';
import { known } from '../words.ts';
import { failure } from '../../api/contract/exit.ts';

export const help: Command = {
  operands: [
    {
      name: 'command',
      description: 'the command, with its second word where it has one',
      required: false,
      variadic: true,
      completes: topics(),
    },
  ],
  options: [],
  examples: [
    ['help', 'all commands'],
    ['help env set', 'one command, with examples'],
  ],
  run(invocation: Invocation) {
    const { operands } = invocation;
    const name = operands.join(' ');
    if (name === '') return printOverview(invocation);
    if (operands.length === 1 && isGroup(name)) return printMembers(name, invocation);
    return printCommand(known(name), invocation);
  },
};

/** Words that can stand after `help`. */
function topics(): readonly string[] {
  return [...new Set(allCommands.map(({ name }) => name.split(' ')[0] ?? name))];
}

interface Printing {
  readonly host: CliHost;
  readonly out: Output;
  readonly json: boolean;
}

export async function printOverview({ host, out, json }: Printing): Promise<number> {
  if (json) {
    out.json({ version: host.version, commands: allCommands.map(({ name, summary }) => ({ name, summary })) });
    return 0;
  }
  const { out: stream } = out;
  stream.line(`Kapal ${host.version}: deploys backends to servers that people own\n`);
  stream.line('Usage: kapal COMMAND [OPTIONS]');
  for (const { title, commands } of commandGroups) {
    stream.line(`\n${stream.paint('bold', title)}`);
    for (const line of table(commands.map(({ name, summary }) => [`  ${name}`, summary]))) stream.line(line);
  }
  stream.line('\nEvery command takes --json, --project, -e/--environment and --data. More on one: kapal help COMMAND');
  stream.line('Exit codes: 0 done, 1 failed, 2 wrong usage or invalid declaration, 3 no daemon, 4 not allowed');
  return 0;
}

export async function printCommand(listed: ListedCommand, { out, json }: Printing): Promise<number> {
  const command = await listed.load();
  const { operands, options, examples } = command;
  const examplesShown = examples.map(([line, does]) => ({ line: `kapal ${line}`, does }));
  if (json) out.json({ name: listed.name, summary: listed.summary, operands, options, examples: examplesShown });
  else out.out.write(helpText(listed, command));
  return 0;
}

/** A group without its second word: an error that shows the words, unless help was asked for. */
export async function printGroup(
  line: { readonly group: string; readonly rest: readonly string[] },
  printing: Printing,
): Promise<number> {
  if (line.rest.includes('--help') || line.rest.includes('-h')) return printMembers(line.group, printing);
  const words = membersOf(line.group).map(({ name }) => `kapal ${name}`);
  throw failure('usage', `kapal ${line.group} needs a second word`, { hint: `There are: ${words.join(', ')}` });
}

async function printMembers(group: string, { out, json }: Printing): Promise<number> {
  const members = membersOf(group).map(({ name, summary }) => ({ name, summary }));
  if (json) out.json({ name: group, commands: members });
  else for (const line of table(members.map(({ name, summary }) => [`kapal ${name}`, summary]))) out.out.line(line);
  return 0;
}
