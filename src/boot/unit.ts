import { type BootService, checkBootService } from './boot-service.ts';

/** Where systemd looks for units of the administrator (systemd.unit(5)). */
export function unitPath(name: string): string {
  return `/etc/systemd/system/${name}.service`;
}

/**
 * The systemd unit. What matters: apps are processes of their own that the daemon adopts again, so a restart or the end of the daemon
 * must not touch them (`KillMode=process`), nor may one app's end by lack of memory stop the unit (`OOMPolicy=continue`).
 */
export function renderUnit(service: BootService): string {
  checkBootService(service);
  const { description, launcher, args, data, user, environment = {} } = service;
  const words = args.map(quoteArgument);
  // systemd refuses a program whose path holds quotes or backslashes, however they are written; an argument may. The launcher is sh text.
  const program = /["'\\]/.test(launcher) ? ['/bin/sh', quoteArgument(launcher)] : [quote(launcher)];
  const command = [...program, ...words].join(' ');
  const variables = Object.entries(environment).map(([key, value]) => `Environment=${quote(`${key}=${value}`)}`);
  return lines([
    '[Unit]',
    `Description=${percents(description)}`,
    'Wants=network-online.target',
    'After=network-online.target nss-lookup.target time-sync.target',
    `RequiresMountsFor=${quote(data)}`,
    '# However often it fails, it is tried again: what it runs is there all the while.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `User=${user}`,
    ...variables,
    `ExecStart=${command}`,
    'Restart=always',
    'RestartSec=1',
    '# Only the daemon itself is ended: apps and the edge go on, and the next daemon adopts them.',
    'KillMode=process',
    'TimeoutStopSec=30',
    '# An app that runs out of memory is the business of the daemon, which says so and restarts it.',
    'OOMPolicy=continue',
    '# The cgroups of the apps are made by the daemon.',
    'Delegate=yes',
    'TasksMax=infinity',
    'LimitNOFILE=1048576',
    'UMask=0022',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ]);
}

/**
 * One word of a command line or a list (systemd.syntax(7), systemd.service(5)): in double quotes, where backslash and double quote are
 * escaped and a single percent sign begins a specifier.
 */
function quote(text: string): string {
  return `"${percents(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** In arguments, though not in the program's path, `$` begins a variable. */
function quoteArgument(text: string): string {
  return quote(text.replaceAll('$', '$$$$'));
}

function percents(text: string): string {
  return text.replaceAll('%', '%%');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
