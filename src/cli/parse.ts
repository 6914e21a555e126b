import { Command as Parser, CommanderError, Option as ParserOption } from 'commander';
import { failure } from '../api/contract/exit.ts';
import type { Command, Operand } from './command.ts';
import { Flags } from './flags.ts';
import { globalOptions } from './global-options.ts';

/** What a command line gives its command. */
export interface Parsed {
  readonly operands: readonly string[];
  readonly flags: Flags;
}

/** Reads a command's operands and options, in any order. Throws `usage`, or `help` as a value when that was asked for. */
export function parse(name: string, command: Command, argv: readonly string[]): Parsed | 'help' {
  const parser = parserOf(name, command);
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return 'help';
    throw usage(name, error);
  }
  return { operands: parser.args, flags: new Flags(parser.opts<Record<string, unknown>>()) };
}

/** How a command is used: what `kapal help COMMAND` prints. */
export function helpText(listed: { readonly name: string; readonly summary: string }, command: Command): string {
  const lines = command.examples.map(([line, does]) => `  kapal ${line}\n      ${does}`);
  const examples = lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}\n`;
  return `${parserOf(listed.name, command).description(listed.summary).helpInformation()}${examples}`;
}

function parserOf(name: string, command: Command): Parser {
  const parser = new Parser(`kapal ${name}`)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .helpOption('-h, --help', 'explain this command')
    .action(() => undefined);
  for (const operand of command.operands) parser.argument(written(operand), operand.description);
  for (const { flags, description } of command.options) parser.addOption(new ParserOption(flags, description));
  for (const { flags, description } of globalOptions) {
    parser.addOption(new ParserOption(flags, description).helpGroup('Options of every command:'));
  }
  return parser;
}

function written({ name, required, variadic = false }: Operand): string {
  const inner = variadic ? `${name}...` : name;
  return required ? `<${inner}>` : `[${inner}]`;
}

/** `error: unknown option '--jsn'\n(Did you mean --json?)` as an error of ours. */
function usage(name: string, error: CommanderError): Error {
  const [message = '', near] = error.message.replace(/^error: /, '').split('\n');
  const hint = near === undefined ? `How it is used: kapal help ${name}` : near.replace(/^\(|\)$/g, '');
  return failure('usage', message, { hint });
}
