import { exitCode, failure, failureDocument } from '../api/contract/exit.ts';
import { findDaemon } from './client/address.ts';
import { Client } from './client/client.ts';
import type { Command, Invocation } from './command.ts';
import type { ListedCommand } from './command-list.ts';
import { reportFailure } from './failure-report.ts';
import { dataFolderOf, placeOf } from './global-options.ts';
import type { CliHost } from './host.ts';
import { en } from './language/en.ts';
import { messagesFor } from './language/language.ts';
import { Output } from './output.ts';
import type { Parsed } from './parse.ts';
import { findCommand, type Line } from './words.ts';

/**
 * Runs a command line (without the program's own name) and resolves with its exit code: 0 done, 1 failed, 2 wrong usage or invalid
 * declaration, 3 no daemon, 4 not allowed, 130 interrupted. Never rejects; what failed is said on stderr, or on stdout with `--json`.
 */
export async function runCli(argv: readonly string[], host: CliHost): Promise<number> {
  const out = new Output(host);
  const json = beforeDashes(argv).includes('--json');
  try {
    return await dispatch(findCommand(argv), { host, out, json });
  } catch (error) {
    const document = failureDocument(error);
    const say = json ? en : await messagesFor(host.env);
    reportFailure(out, document, { json, say });
    return exitCode(document.code);
  }
}

interface Surroundings {
  readonly host: CliHost;
  readonly out: Output;
  readonly json: boolean;
}

async function dispatch(line: Line, around: Surroundings): Promise<number> {
  switch (line.kind) {
    case 'none':
      return withoutCommand(line.rest, around);
    case 'group': {
      const { printGroup } = await import('./commands/help.ts');
      return printGroup(line, around);
    }
    case 'command':
      return invoke(line.command, line.rest, around);
  }
}

async function withoutCommand(argv: readonly string[], around: Surroundings): Promise<number> {
  const { host, out, json } = around;
  if (argv.some((word) => word === '--version' || word === '-V')) {
    if (json) out.json({ version: host.version });
    else out.out.line(host.version);
    return 0;
  }
  const asked = new Set(['--json', '--help', '-h']);
  const strange = argv.find((word) => !asked.has(word));
  if (strange !== undefined)
    throw failure('usage', `unknown option ${strange}, and no command`, { hint: 'See: kapal help' });
  const { printOverview } = await import('./commands/help.ts');
  return printOverview(around);
}

async function invoke(listed: ListedCommand, argv: readonly string[], around: Surroundings): Promise<number> {
  const [command, { parse }] = await Promise.all([listed.load(), import('./parse.ts')]);
  const parsed = parse(listed.name, command, argv);
  if (parsed === 'help') {
    const { printCommand } = await import('./commands/help.ts');
    return printCommand(listed, around);
  }
  return run(command, parsed, around);
}

async function run(command: Command, { operands, flags }: Parsed, { host, out, json }: Surroundings): Promise<number> {
  const say = json ? en : await messagesFor(host.env);
  const data = dataFolderOf(flags, host);
  using client = new Client({ find: () => findDaemon(data, host.env), data, say });
  const invocation: Invocation = { operands, flags, json, at: placeOf(flags, host.env), data, host, out, say, client };
  return await command.run(invocation);
}

/** Words after `--` are operands, whatever they look like. */
function beforeDashes(argv: readonly string[]): readonly string[] {
  const dashes = argv.indexOf('--');
  return dashes === -1 ? argv : argv.slice(0, dashes);
}
