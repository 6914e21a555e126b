import { type BootService, checkBootService } from './boot-service.ts';

export function initPath(name: string): string {
  return `/etc/init.d/${name}`;
}

/**
 * The script for machines without systemd (Linux Standard Base 5.0, 22.2 and 22.3). `stop` ends the daemon alone, as under systemd; the
 * apps get their SIGTERM from the system's own shutdown. Nothing restarts a daemon that dies here: apps and the edge go on without it.
 */
export function renderInitScript(service: BootService): string {
  checkBootService(service);
  const { name, description, launcher, args, data, user, environment = {} } = service;
  const variables = Object.entries(environment).map(([key, value]) => `export ${key}=${quote(value)}`);
  const become = user === 'root' ? '' : `runuser -u ${user} -- `;
  return `#!/bin/sh
### BEGIN INIT INFO
# Provides:          ${name}
# Required-Start:    $remote_fs $network $named $time
# Required-Stop:     $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: ${description}
### END INIT INFO

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
${variables.map((line) => `${line}\n`).join('')}umask 022
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -H -n)"

kapal() {
  ${become}${quote(launcher)} "$@"
}

start() {
  # Already running is success (LSB 22.2).
  running || kapal ${args.map(quote).join(' ')} --detach
}

# Ends the daemon alone: the apps and the edge go on, and the next daemon adopts them.
stop() {
  ! running || kapal down --data ${quote(data)}
}

running() {
  kapal ps --data ${quote(data)} >/dev/null 2>&1
}

case "$1" in
  start) start ;;
  stop) stop ;;
  restart | force-reload) stop && start ;;
  try-restart) ! running || { stop && start; } ;;
  status)
    if running; then
      echo '${name} is running'
    else
      echo '${name} is not running'
      exit 3
    fi
    ;;
  *)
    echo "usage: $0 {start|stop|restart|try-restart|force-reload|status}" >&2
    exit 2
    ;;
esac
`;
}

/** One word of a shell command: between single quotes only the single quote is special (POSIX.1-2017, XCU 2.2.2). */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
