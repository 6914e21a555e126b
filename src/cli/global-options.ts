import { isAbsolute, join, resolve } from 'node:path';
import type { Option } from './command.ts';
import type { Flags } from './flags.ts';
import type { CliHost } from './host.ts';

/** Options that every command takes. */
export const globalOptions: readonly Option[] = [
  { flags: '--json', description: 'print one JSON document' },
  { flags: '--project <name>', description: 'the project (KAPAL_PROJECT); may be left out where it is unambiguous' },
  { flags: '-e, --environment <name>', description: 'the environment (KAPAL_ENVIRONMENT); production unless told' },
  { flags: '--data <folder>', description: "the daemon's data folder (KAPAL_DATA)" },
];

/** Those of them that are followed by a value. */
export const valuedGlobals: ReadonlySet<string> = new Set(['--project', '-e', '--environment', '--data']);

/** Project and environment of a command line. An environment variable that is empty counts as not set. */
export function placeOf(flags: Flags, env: CliHost['env']): { project?: string; environment: string } {
  const project = flags.text('project') ?? filled(env['KAPAL_PROJECT']);
  const environment = flags.text('environment') ?? filled(env['KAPAL_ENVIRONMENT']) ?? 'production';
  return project === undefined ? { environment } : { project, environment };
}

/** The data folder of a command line, absolute: `/var/lib/kapal` as root, else below the user's own data (XDG Base Directory Specification). */
export function dataFolderOf(flags: Flags, host: CliHost): string {
  const told = flags.text('data') ?? filled(host.env['KAPAL_DATA']);
  if (told !== undefined) return resolve(host.cwd, told);
  if (host.root) return '/var/lib/kapal';
  const xdg = filled(host.env['XDG_DATA_HOME']);
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'kapal');
  return join(filled(host.env['HOME']) ?? host.cwd, '.local', 'share', 'kapal');
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
