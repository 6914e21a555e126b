# The keeper of one run: starts the program, drains what it prints, waits for it, writes how it ended. It outlives the daemon.
# Fixed text: everything that differs between runs is an argument, and the program's environment waits in the socket on descriptor 3,
# which only the last stage reads, as the service's own user. So no variable of a user's (LD_PRELOAD, IFS, ENV, PATH) acts here, and
# no value of one is in an argv or a file.
#
#   keeper.sh RUN RECORD UID GID NICE MEMORY CPU PIDS OOM NPROC FOLDER MOUNT NETWORK DIRECTORY COMMAND [ATTACHED]
#
# UID, MEMORY, CPU, PIDS, OOM, NPROC, MOUNT and NETWORK may be empty. FOLDER is seen at MOUNT too, by this run alone. NETWORK is the path of
# its network namespace.
#
# ATTACHED: the run's streams are the named pipes in, out and err of its folder, whose other ends the daemon has open; nothing is drained.
#
# Every record is one write(2) that ends in " end": a reader takes anything shorter for not yet written.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077

# Who the calling process is: in a subshell /proc/self is the subshell. Start time is field 22 of proc(5) stat; the name may hold ") ".
identify() {
  read -r stat </proc/self/stat
  pid=${stat%% *}
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  start=${20}
}

finish() {
  # A full disk must not lose the record: it has room of its own since the beginning, and without that the loop ends when there is some.
  end=$(printf 'status=%s told=%s oom=%s end' "$1" "$2" "$3")
  { printf '%s\n' "$end" 1<>"$run/room" && mv -f "$run/room" "$record.exit"; } 2>/dev/null ||
    until printf '%s\n' "$end" >"$record.exit"; do sleep 1; done 2>/dev/null
  # Then, without its own end of the pipe, until the drain has read what was printed last. Processes that remain may hold the pipe for
  # long, so this is a record of its own.
  exec 3<&- 5>&- 6<&- 7<&- 9>&-
  wait
  : >"$record.drained"
  exit 0
}

# Copies the pipe into files, $run/log and then $run/log.OFFSET by the number of bytes that came before. Each holds 4 to 20 MiB, and when the
# later ones hold 48 MiB the oldest goes: the disk is bounded whatever the program prints and whether or not a daemon reads and removes
# them. A gap in the offsets is what was lost. dd writes at once what each read(2) gave and reads nothing beyond its count, so nothing is
# late and nothing falls between two files.
drain() {
  offset=0 begun=0 file=$run/log
  while :; do
    ended=perhaps lost=0
    dd bs=32768 count=512 <&6 2>"$run/drain" >>"$file" || discard
    written
    [ "$ended $bytes" != 'perhaps 0' ] || break
    [ "$ended" != yes ] || break
    offset=$((offset + bytes))
    [ "$lost" != 0 ] || [ $((offset - begun)) -ge 4194304 ] || continue
    if [ "$offset" = "$begun" ]; then rm -f "$file"; else set -- "$@" "$begun"; fi
    offset=$((offset + lost))
    begun=$offset file=$run/log.$offset
    while [ $# -gt 1 ] && [ $((offset - $2)) -ge 50331648 ]; do
      oldest=$run/log.$1
      [ "$1" != 0 ] || oldest=$run/log
      [ ! -e "$oldest" ] || rm -f "$oldest"
      shift
    done
  done
}

# The disk is full. What comes is thrown away for a second, and counted: the program is never blocked and never ended by SIGPIPE.
discard() {
  # The status of cat is 0 at the end of the output, else that of timeout.
  lost=$({ { timeout 1 cat <&6; printf '%s ' "$?" >&8; } | wc -c >&8; } 8>&1)
  ended=no
  [ "${lost%% *}" != 0 ] || ended=yes
  lost=${lost##* }
}

# How much the last dd has written, in $bytes. What it says of itself may have met the full disk as well, and other dds say less.
written() {
  bytes=
  while read -r count word _; do
    case $word in byte*) bytes=$count ;; esac
  done <"$run/drain"
  case $bytes in
    '' | *[!0-9]*)
      bytes=$(wc -c <"$file") || bytes=$((offset - begun))
      bytes=$((bytes - (offset - begun)))
      ;;
  esac
}

keep() {
  run=$1 record=$2 uid=$3 gid=$4 nice=$5 memory=$6 cpu=$7 pids=$8 oom=$9
  shift 9
  nproc=$1 folder=$2 mount=$3 network=$4 directory=$5 command=$6 attached=${7:-}
  read -r boot </proc/sys/kernel/random/boot_id

  # Claims the run: noclobber opens with O_EXCL, so of two keepers for one run the second ends here, and so does one whose run was disposed of.
  identify
  set -C
  { printf '%s %s %s end\n' "$pid" "$start" "$boot" >"$run/claim"; } 2>/dev/null || exit 0
  set +C
  exec 2>"$run/keeper"
  { printf '\n' >"$run/room"; } 2>/dev/null

  # A named pipe and not a plain one: the program may open /dev/stdout again as its own user, which a pipe of root's refuses.
  # Its folder is closed to everybody else, so mode 666 opens nothing.
  if [ -n "$attached" ]; then
    exec 5>"$run/out" 6</dev/null 7<"$run/in" 9>"$run/err"
  else
    mkfifo -m 666 "$run/pipe" 2>"$run/refusal" || finish 126 0 0
    exec 4<>"$run/pipe" 5>"$run/pipe" 6<"$run/pipe"
    exec 4>&-

    {
      exec 3<&- 5>&-
      drain
    } 2>/dev/null &
  fi

  # In the foreground, because background jobs of sh ignore SIGINT and SIGQUIT for ever. The identity holds over every exec.
  # What is written to stderr before the program is reached says why it was not.
  (
    identify
    # First its cgroups, then the record: whoever knows of the leader finds it among their processes.
    [ -z "$memory" ] || echo 0 >"$memory/cgroup.procs" || exit 126
    [ -z "$cpu" ] || echo 0 >"$cpu/cgroup.procs" || exit 126
    [ -z "$pids" ] || echo 0 >"$pids/cgroup.procs" || exit 126
    printf '%s %s %s end\n' "$pid" "$start" "$boot" >"$record.process" || exit 126
    ulimit -S -n "$(ulimit -H -n)"
    umask 022
    set -- /bin/sh -s -- "$directory" "$command"
    [ -z "$uid" ] || set -- setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs \
      --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- "$@"
    # In a mount namespace of its own, before it gives up root's privileges: what is mounted there is seen nowhere else (mount_namespaces(7)).
    # shellcheck disable=SC2016
    [ -z "$mount" ] || set -- unshare --mount --propagation slave -- /bin/sh -c \
      'mount -o bind,nosuid,nodev --source "$1" --target "$2" || exit 126; shift 2; exec "$@"' sh "$folder" "$mount" "$@"
    # Its network namespace was made before; entering one takes root's privileges too (setns(2)).
    [ -z "$network" ] || set -- nsenter --net="$network" -- "$@"
    [ -z "$nproc" ] || set -- prlimit --nproc="$nproc" -- "$@"
    [ "$nice" = 0 ] || set -- nice -n "$nice" "$@"
    # The last stage writes to descriptor 8 when all that can be refused is behind it.
    exec 8>"$run/reached"
    # Not a group leader, so setsid(1) does not fork and the pid stays.
    exec setsid "$@" <&3 >&5 3<&- 5>&- 6<&-
  ) 2>"$run/refusal"
  status=$?

  # sh gives 128+n both for a signal and for exit 128+n, but it names the signal on its stderr (all but SIGINT and SIGPIPE).
  told=0
  [ ! -s "$run/keeper" ] || told=1
  kills=0
  if [ -n "$oom" ]; then
    while read -r key value; do
      [ "$key" != oom_kill ] || kills=$value
    done <"$oom"
  fi 2>/dev/null
  finish "$status" "$told" "$kills"
}

# All of it is read before any of it runs: an upgrade may replace this file under a keeper that waits.
keep "$@"
