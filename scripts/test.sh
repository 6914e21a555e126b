#!/bin/sh
# All tests, from a clean clone: brings what they need (npm's packages, Debian's programs), runs the gates, then the slow tests.
set -eu
cd "$(dirname -- "$0")/.."

main() {
  install_dependencies
  install_programs
  # The slow tests run even when a gate is closed: one round shows all that is wrong.
  status=0
  sh scripts/check.sh || status=1
  # They wait more than they compute: three at a time fill two processors.
  KAPAL_TEST_FILES=3 sh scripts/run-tests.sh conformance simulation integration e2e || status=1
  exit "$status"
}

# npm writes node_modules/.package-lock.json last: missing or older than the lock file means stale.
install_dependencies() {
  done=node_modules/.package-lock.json
  if [ -e node_modules/typescript/package.json ] && [ -e "$done" ] && ! [ package-lock.json -nt "$done" ]; then return; fi
  echo 'test: installing dependencies' >&2
  # npm run puts node_modules/.bin first, and with it a Node that npm ci is about to remove from under itself.
  (PATH=$(outer_path) && export PATH && exec npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error)
}

outer_path() {
  printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | paste -s -d : -
}

install_programs() {
  if ! command -v dpkg-query >/dev/null; then
    echo "test: not a Debian: the tests need $(list_packages)" >&2
    return
  fi
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "test: missing Debian packages: $missing" >&2
    echo "test: install them as root: apt-get install --no-install-recommends $missing" >&2
    exit 1
  fi
  echo "test: installing $missing" >&2
  # RUNLEVEL=1 keeps Debian from starting nginx on port 80: the tests start their own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing
}

missing_packages() {
  for package in $(list_packages); do
    case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || :) in installed) ;; *) printf '%s ' "$package" ;; esac
  done
}

list_packages() {
  tr '\n' ' ' <scripts/debian-packages.txt
}

main
