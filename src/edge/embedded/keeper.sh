#!/bin/sh
# Holds the edge's listening descriptors (3 for HTTP, 4 for HTTPS) and keeps its workers running, whether or not the daemon lives.
#
#   keeper.sh FOLDER GENERATION HTTP HTTPS
#
# HTTP and HTTPS are the addresses of the descriptors, or - where there is none.
# A generation is a number; FOLDER/launch-N says how its workers are started: the first line is how many, every further line is one
# word of the command. Each worker has a slot, and each slot a subshell here that starts it again when it ends, for as long as launch-N
# is there: removing that file retires the generation. Files keeper-N, slot-N-S and worker-N-S name processes by pid, start time and
# boot, so that a reused pid is never taken for one.
#
# SIGHUP: FOLDER/next has the number of a generation and the path of a keeper.sh. The keeper becomes that program, which starts the
# generation beside the ones that run: as the same process it still has the descriptors, so no listening socket is ever closed for an
# upgrade. A slot does the same, and is asked to when its keeper was killed: it has the descriptors too.
#
# Everything stands in functions that are read before the first runs: sh reads a script as it goes, and a file that changes under it
# would run as a mixture of old and new.
set -uf
export LC_ALL=C

main() {
  folder=$1
  newest=$2
  http_held=$3
  https_held=$4
  read -r boot </proc/sys/kernel/random/boot_id
  trap become_next HUP
  identify "keeper-$2" $$ "$http_held" "$https_held"
  forget_former "keeper-$2"
  start_generation "$2"
  # Without operands wait(1) ends above 128 when a trapped signal came, and with 0 when no child is left that this program started.
  until wait; do :; done
  # Slots from before it became this program are no children that it knows: as long as they serve, the sockets are kept for the next.
  while is_needed; do
    sleep 1 &
    wait "$!"
  done
  rm -f "$folder/keeper-$2"
}

# The files of what this process was before: a name of its own and the slot's must not outlive them, for whoever retires those ends it.
become_next() {
  { read -r wanted && IFS= read -r program; } <"$folder/next" || return 0
  [ "$wanted" -gt "$newest" ] && [ -r "$program" ] || return 0
  [ -z "${slot_file-}" ] || rm -f "$slot_file"
  exec /bin/sh "$program" "$folder" "$wanted" "$http_held" "$https_held"
}

forget_former() {
  set +f
  for file in "$folder"/keeper-*; do
    [ "$file" != "$folder/$1" ] && read -r pid _ <"$file" && [ "$pid" = $$ ] && rm -f "$file"
  done
  set -f
}

is_needed() {
  set +f
  for file in "$folder"/launch-*; do
    set -f
    [ -f "$file" ]
    return
  done
}

start_generation() {
  read -r count <"$folder/launch-$1" || return 0
  slot=0
  while [ "$slot" -lt "$count" ]; do
    keep_slot "$1" "$slot" &
    slot=$((slot + 1))
  done
}

keep_slot() {
  # The shell's $$ is the parent's here; /proc/self is whoever opens it.
  read -r own _ </proc/self/stat
  slot_file=$folder/slot-$1-$2
  identify "slot-$1-$2" "$own" "$http_held" "$https_held"
  trap become_next HUP
  quick=0
  served=
  while [ -f "$folder/launch-$1" ]; do
    began=$(uptime_seconds)
    run_worker "$1" "$2"
    if [ $(($(uptime_seconds) - began)) -ge 10 ]; then quick=0; else quick=$((quick + 1)); fi
    # One that came to serve is missed: whoever makes it end again and again must not keep its visitors waiting.
    if [ -n "$served" ] && [ "$quick" -gt 2 ]; then quick=2; fi
    back_off "$quick"
  done
  rm -f "$slot_file" "$folder/worker-$1-$2"
}

run_worker() {
  generation=$1
  slot=$2
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done <"$folder/launch-$generation" || return 0
  shift
  "$@" "$folder" "$generation" "$slot" &
  worker=$!
  identify "worker-$generation-$slot" "$worker"
  wait "$worker"
  status=$?
  printf 'keeper: worker %s of generation %s (pid %s) ended with status %s\n' "$slot" "$generation" "$worker" "$status" >&2
  served=
  if [ -S "$folder/control/worker-$generation-$slot.sock" ]; then served=yes; fi
  rm -f "$folder/control/worker-$generation-$slot.sock"
}

# identify NAME PID [HTTP HTTPS]: field 22 of proc(5)'s stat is the start time; the name in field 2 may hold anything up to the last ")".
identify() {
  read -r stat <"/proc/$2/stat" || return 0
  name=$1
  pid=$2
  http=${3-}
  https=${4-}
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  printf '%s %s %s\n%s\n%s\n' "$pid" "${20}" "$boot" "$http" "$https" >"$folder/.$name" && mv -f "$folder/.$name" "$folder/$name"
}

# A worker that ran for ten seconds comes back at once, one that has served within a third of a second; one that keeps failing at its
# start must not take a core.
back_off() {
  case $1 in
    0) ;;
    1) sleep 0.1 ;;
    2) sleep 0.3 ;;
    3) sleep 1 ;;
    4) sleep 2 ;;
    *) sleep 5 ;;
  esac
}

uptime_seconds() {
  read -r up _ </proc/uptime
  printf '%s' "${up%%.*}"
}

main "$@"
exit
