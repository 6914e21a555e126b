/** Writes docs/cli.md from the commands themselves, so that the two cannot differ: a test compares them. */
import { writeFileSync } from 'node:fs';
import type { Command } from '../src/cli/command.ts';
import { commandGroups, type ListedCommand } from '../src/cli/command-list.ts';
import { globalOptions } from '../src/cli/global-options.ts';

const introduction = `# The command line

<!-- Written by scripts/write-cli-docs.ts from src/cli/. -->

\`kapal help\` shows all commands, \`kapal help COMMAND\` one of them with examples. Options stand before or after operands.

## For all commands

OPTIONS

- With \`--json\`, stdout carries one JSON document (with \`-f\`, one a line) and stderr the progress; its words are never translated. What fails
  prints \`{"error":{...}}\`, see [errors](errors.md).
- Exit codes: 0 done, 1 the operation failed, 2 wrong usage or invalid declaration, 3 no daemon reachable, 4 not allowed, 130 interrupted.
- The data folder is \`/var/lib/kapal\` as root, else \`$XDG_DATA_HOME/kapal\` or \`~/.local/share/kapal\`. The daemon is reached through a Unix socket
  in it, which only its own user can open.
- A daemon on another machine: \`KAPAL_API=http://127.0.0.1:7700\` (through a tunnel, say) and \`KAPAL_TOKEN\`, which \`kapal token\` prints there.
- Messages are English, or Bahasa Indonesia with \`KAPAL_LANG=id\` or such a locale. Colours and moving lines appear on terminals alone; \`NO_COLOR\`
  turns them off.
- An interrupt (Ctrl-C) ends a command, not what it asked for: \`kapal cancel SERVICE\` does that. A daemon that is restarted meanwhile is waited for,
  up to a minute.
`;

/** The page, as Markdown. */
export async function cliDocs(): Promise<string> {
  const groups = await Promise.all(
    commandGroups.map(async ({ title, commands }) =>
      [`## ${title}`, ...(await Promise.all(commands.map(section)))].join('\n\n'),
    ),
  );
  const options = globalOptions.map(({ flags, description }) => `- \`${flags}\`: ${description}`).join('\n');
  return `${[introduction.replace('OPTIONS', options).trimEnd(), ...groups].join('\n\n')}\n`;
}

async function section(listed: ListedCommand): Promise<string> {
  const { operands, options, examples } = await listed.load();
  const lists = [
    ...operands.map(({ name, description }) => [name, description]),
    ...options.map(({ flags, description }) => [flags, description]),
  ];
  const shown = lists.map(([name, description]) => `- \`${name}\`: ${description}`).join('\n');
  const lines = examples.map(([line, does]) => `    kapal ${line}    # ${does}`).join('\n');
  return [`### kapal ${listed.name}${usage(operands)}`, `${listed.summary}.`, shown, lines]
    .filter((part) => part !== '')
    .join('\n\n');
}

function usage(operands: Command['operands']): string {
  return operands
    .map(({ name, required, variadic = false }) => {
      const inner = `${name.toUpperCase()}${variadic ? ' ...' : ''}`;
      return required ? ` ${inner}` : ` [${inner}]`;
    })
    .join('');
}

if (import.meta.main) writeFileSync(new URL('../docs/cli.md', import.meta.url), await cliDocs());
