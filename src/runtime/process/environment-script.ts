import { KapalError } from '../../model/errors.ts';
import { isVariableName } from '../../model/names.ts';
import { quoted } from '../../model/shell.ts';

/** The variable by which processes of a run are known where the kernel offers no cgroup. */
export const RUN_VARIABLE = 'KAPAL_RUN';

/** Its value: other installs on the machine may use the same ids. */
export function markOf(install: string, run: string): string {
  return `${install}.${run}`;
}

/** One string of argv or the environment, its NUL included: MAX_ARG_STRLEN of execve(2). */
const LONGEST = 131_072;

/**
 * Names that some shell keeps for itself: assigning to them fails (`UID` in bash: "readonly variable", which ends a POSIX shell;
 * `OPTIND=x` in dash: "Illegal number") or does not reach the program. These go through env(1) and are in its argv for an instant.
 */
const SHELL_NAMES = new Set(
  'BASHOPTS BASHPID BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_LINENO BASH_SOURCE BASH_SUBSHELL BASH_VERSINFO BASH_VERSION DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD IFS LINENO OLDPWD OPTIND PPID PWD RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID _'.split(
    ' ',
  ),
);

/**
 * The text that the last stage of a run reads as `sh -s -- DIRECTORY COMMAND`, already as the service's user: goes to the folder,
 * installs exactly this environment, says on descriptor 8 that it got so far, becomes the command. Values never stand in an argv, which everybody may read in /proc.
 * Throws KapalError `runtime_failed` for what execve(2) cannot carry.
 */
export function environmentScript(
  environment: Readonly<Record<string, string>>,
  { mark, attached = false }: { readonly mark: string; readonly attached?: boolean },
): string {
  const variables = Object.entries({ ...environment, [RUN_VARIABLE]: mark });
  for (const [key, value] of variables) check(key, value);
  const plain = variables.filter(([key]) => !SHELL_NAMES.has(key));
  const special = variables.filter(([key]) => SHELL_NAMES.has(key));
  return [
    // Braces: a shell runs nothing of them before it has read their end, so a text cut short (the daemon died) starts nothing.
    '{',
    'cd -- "$1" || exit 126',
    // From here on stderr is no longer the record of a failed start: a shell may warn about a value (an unknown LC_ALL).
    'exec 2>/dev/null',
    'unset PATH OLDPWD',
    ...plain.map(([key, value]) => `export ${key}=${quoted(value)}`),
    'echo reached >&8',
    `exec ${special.length === 0 ? '' : envProgram(special)}/bin/sh -c -- "$2" ${attached ? '<&7 2>&9 7<&- 9>&-' : '</dev/null 2>&1'} 8>&-`,
    '}',
    '',
  ].join('\n');
}

function envProgram(variables: readonly (readonly [string, string])[]): string {
  return `/usr/bin/env ${variables.map(([key, value]) => `${key}=${quoted(value)} `).join('')}`;
}

function check(key: string, value: string): void {
  if (!isVariableName(key)) {
    throw new KapalError('runtime_failed', `The variable name ${JSON.stringify(key)} cannot be passed to a program`, {
      hint: 'Names are letters, digits and _, and do not begin with a digit.',
    });
  }
  if (value.includes('\0')) {
    throw new KapalError('runtime_failed', `The value of ${key} holds a NUL byte, which no environment can carry`);
  }
  if (Buffer.byteLength(key) + 1 + Buffer.byteLength(value) + 1 > LONGEST) {
    throw new KapalError(
      'runtime_failed',
      `The value of ${key} is longer than the kernel passes to a program (128 KiB)`,
      {
        hint: 'Put it in a file and pass the path.',
      },
    );
  }
}
