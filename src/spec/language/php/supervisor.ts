import type { PhpApplication } from './application.ts';
import { frontPath } from './front.ts';
import { poolPath } from './pool.ts';
import { routerPath } from './router.ts';

/** Below the working folder. */
export const supervisorPath = '.kapal/serve';

/** The start command of every PHP service that declares none. */
export const serving = `exec /bin/sh ${supervisorPath}`;

/** Where php-fpm and nginx lie, when the machine has both. */
export const programVariables = { php: 'KAPAL_PHP', fpm: 'KAPAL_PHP_FPM', front: 'KAPAL_NGINX' } as const;

/**
 * How many scripts are run at a time: `children_of PROCESSORS BYTES` sets `children`. Scripts wait for databases, so five for a processor; each may need some
 * 48 MiB, and as much goes to what they share.
 */
export const sizing = `children_of() {
  children=$(($1 * 5)) fit=$((($2 / 1048576 - 48) / 48))
  [ "$fit" -ge "$children" ] || children=$fit
  [ "$children" -ge 1 ] || children=1
}`;

/**
 * The leader of an instance, in sh: php-fpm behind an nginx of the instance's own, or PHP's own server where one of them is missing. They end together: when one
 * dies by itself, so does the instance, and what is left of it is ended with it. SIGTERM comes to the leader alone (\`RunSpec.terminate\`): nginx ends what is under way, then php-fpm.
 * The folder of configurations and socket is found by its lock: what an instance that was killed left is removed when the next one starts.
 */
export function supervisorText({ documentRoot, kind }: Pick<PhpApplication, 'documentRoot' | 'kind'>): string {
  const views = kind === 'laravel' ? [`export ${compiledViews}`] : [];
  return [
    '#!/bin/sh',
    '# Written by Kapal for every build: runs this application, see docs/guides/languages.md.',
    `root=${documentRoot}`,
    'app=$(pwd -P)',
    ...views,
    sizing,
    words,
    settings,
    builtIn,
    folders,
    configuring,
    running,
    choosing,
    '',
  ].join('\n');
}

/** Compiled views are of a release: the folder of all releases would collect them for ever. */
export const compiledViews = 'VIEW_COMPILED_PATH="$PWD/bootstrap/cache/views"';

const words = `say() { printf 'kapal: %s\\n' "$*" >&2; }`;

/** Settings of PHP that both servers take: without a php.ini pages show errors to visitors. */
const settings = `with_settings() {
  size=\${KAPAL_MAX_BODY_SIZE:-104857600}
  "$@" -d display_errors=0 -d log_errors=1 -d error_log=/dev/stderr -d expose_php=0 \\
    -d "upload_max_filesize=$size" -d "post_max_size=$size"
}`;

/** Its workers would outlive it: they are ended with the group. */
const builtIn = `serve_built_in() {
  say "PHP's own web server is used: $1"
  php_server() { exec php -q "$@"; }
  with_router() { php_server "$@" -S "$HOST:$PORT" -t "$root" ${routerPath}; }
  with_settings with_router &
  server=$!
  trap 'trap "" TERM; kill -TERM 0; wait; exit 0' TERM INT QUIT
  wait "$server"
  status=$?
  say "PHP's web server ended by itself (status $status)"
  [ "$status" -ne 0 ] || status=1
  exit "$status"
}`;

const folders = `make_folder() {
  base=\${TMPDIR:-/tmp}/.kapal-php
  folder=$base/\${KAPAL_INSTANCE:-$$}
  mkdir -p -m 700 "$base" || exit 1
  # One instance after the other: a folder without a lock is nobody's.
  exec 8>"$base/lock"
  flock -w 30 8 || exit 1
  for old in "$base"/*/; do
    [ -d "$old" ] || continue
    if flock -n "$old" true; then rm -rf -- "$old"; fi
  done
  mkdir -m 700 "$folder" || exit 1
  exec 9<"$folder"
  flock -n 9 || exit 1
  exec 8>&-
}`;

/** A script is ended a little after the edge has given it up: the visitor is told 504, and not that it broke. */
const configuring = `configure() {
  timeout=\${KAPAL_RESPONSE_TIMEOUT:-100}
  processors=$(nproc 2>/dev/null) || processors=1
  memory=\${KAPAL_MEMORY_LIMIT:-}
  if [ -z "$memory" ]; then
    # Nobody said: a quarter of the machine's.
    while read -r key value _; do
      [ "$key" != MemTotal: ] || memory=$((value * 256))
    done </proc/meminfo
  fi
  children_of "$processors" "$memory"
  case \${PHP_FPM_MAX_CHILDREN:-} in '' | *[!0-9]* | 0*) ;; *) children=$PHP_FPM_MAX_CHILDREN ;; esac
  begin=$processors
  [ "$begin" -le "$children" ] || begin=$children
  spare=$((children / 2))
  [ "$spare" -ge "$begin" ] || spare=$begin
  case $root in .) place=$app ;; *) place=$app/$root ;; esac
  for file in ${poolPath} ${frontPath}; do
    sed -e "s|@HOST@|$HOST|g" -e "s|@PORT@|$PORT|g" -e "s|@ROOT@|$place|g" \\
      -e "s|@TIMEOUT@|$((timeout + 2))|g" -e "s|@PATIENCE@|$((timeout + 10))|g" \\
      -e "s|@CHILDREN@|$children|g" -e "s|@BEGIN@|$begin|g" -e "s|@SPARE@|$spare|g" \\
      "$file" >"$folder/\${file##*/}" || exit 1
  done
}`;

/**
 * A watcher for each program tells the leader of its end by SIGUSR1, and takes it along when it is killed itself. Each leads a group of its own in the session of
 * the instance, so that the leader reaches what a killed master left, and so that php-fpm begins no session, which would take it out of the runtime's sight.
 */
const running = `begin() {
  name=$1
  shift
  (
    "$@" 9<&- &
    trap '' TERM INT QUIT
    printf '%s\\n' "$!" >"$name.new" && mv "$name.new" "$name.pid"
    wait "$!"
    printf '%s\\n' "$?" >"$name.ended"
    kill -USR1 "$$"
  ) &
}

in_own_group() {
  exec setpriv --pdeathsig TERM -- "$KAPAL_PHP" -r 'posix_setpgid(0, 0); pcntl_exec($argv[1], array_slice($argv, 2));' -- "$@"
}

pid_of() { [ -e "$1.pid" ] && read -r pid <"$1.pid"; }

broken() {
  trap '' TERM INT QUIT USR1
  for name in php-fpm nginx; do
    [ ! -e "$name.ended" ] || read -r status <"$name.ended"
    [ ! -e "$name.ended" ] || say "$name ended by itself (status $status): the instance ends"
  done
  leave 1
}

finish() {
  trap '' TERM INT QUIT USR1
  for name in nginx php-fpm; do
    pid_of "$name" && [ ! -e "$name.ended" ] || continue
    kill -QUIT "$pid"
    until [ -e "$name.ended" ]; do sleep 0.1; done
  done
  leave 0
}

leave() {
  for name in nginx php-fpm; do
    if pid_of "$name"; then kill -KILL "-$pid"; fi
  done 2>/dev/null
  cd /
  rm -rf -- "$folder"
  exit "$1"
}

serve_by_fpm() {
  make_folder
  configure
  cd "$folder" || exit 1
  trap finish TERM INT QUIT
  trap broken USR1
  fpm() { in_own_group "$KAPAL_PHP_FPM" --nodaemonize --fpm-config "$folder/fpm.conf" "$@"; }
  begin php-fpm with_settings fpm
  until [ -S fpm.sock ]; do sleep 0.02; done
  begin nginx in_own_group "$KAPAL_NGINX" -e stderr -p "$folder/" -c nginx.conf
  while :; do wait; done
}`;

/** nginx has no way to quote every character of a path, and neither program serves as root. */
const choosing = `if [ "$(id -u)" = 0 ]; then
  serve_built_in 'php-fpm and nginx do not run as root'
elif ! [ -x "\${KAPAL_PHP_FPM:-}" ] || ! [ -x "\${KAPAL_NGINX:-}" ] || ! [ -x "\${KAPAL_PHP:-}" ]; then
  serve_built_in 'php-fpm, nginx or a part of PHP was missing when the release was built, or is gone (kapal detect tells)'
elif ! command -v flock >/dev/null || ! setpriv --pdeathsig TERM -- true 2>/dev/null; then
  serve_built_in 'this machine has no flock, or no setpriv --pdeathsig (util-linux 2.33)'
else
  case $app/$root/\${TMPDIR:-/tmp} in
    *[!A-Za-z0-9._/@+,=:~-]*) serve_built_in 'the path of the release has characters that nginx cannot be told' ;;
    *) serve_by_fpm ;;
  esac
fi`;
