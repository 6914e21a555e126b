#!/bin/sh
# Holds the edge's listening descriptors (3 for HTTP, 4 for HTTPS) and keeps its workers running, whether or not the daemon lives.
#
#   keeper.sh FOLDER GENERATION HTTP HTTPS
#
# HTTP and HTTPS are the addresses of the descriptors, or - where there is none.
# A generation is a number; FOLDER/launch-N says how its workers are started: the first line is how many, every further line is one
# word of the command. Each worker has a slot, and each slot a subshell here that starts it again when it ends, for as long as launch-N
# is there: removing that file retires the generation. SIGHUP starts the generation that FOLDER/next names beside the ones that run.
# Files keeper-N, slot-N-S and worker-N-S name processes by pid, start time and boot, so that a reused pid is never taken for one.
#
# Everything stands in functions that are read before the first runs: sh reads a script as it goes, and a file that changes under it
# would run as a mixture of old and new.
set -uf
export LC_ALL=C

main() {
  folder=$1
  newest=0
  read -r boot </proc/sys/kernel/random/boot_id
  trap start_next HUP
  identify "keeper-$2" $$ "$3" "$4"
  start_generation "$2"
  # Without operands wait(1) ends above 128 when a trapped signal came, and with 0 when no child is left. The trap itself starts the
  # children, so a signal between two waits is not lost.
  until wait; do :; done
  rm -f "$folder/keeper-$2"
}

start_next() {
  read -r wanted <"$folder/next" || return 0
  [ "$wanted" -gt "$newest" ] && start_generation "$wanted"
  return 0
}

start_generation() {
  newest=$1
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
  identify "slot-$1-$2" "$own"
  quick=0
  while [ -f "$folder/launch-$1" ]; do
    began=$(uptime_seconds)
    run_worker "$1" "$2"
    if [ $(($(uptime_seconds) - began)) -ge 10 ]; then quick=0; else quick=$((quick + 1)); fi
    back_off "$quick"
  done
  rm -f "$folder/slot-$1-$2" "$folder/worker-$1-$2"
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

# A worker that ran for ten seconds comes back at once; one that keeps failing at its start must not take a core.
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
