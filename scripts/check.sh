#!/bin/sh
# The gates, each by name and with its time. All of them run even when one fails: one round shows all that is wrong.
set -eu
cd "$(dirname -- "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
failed=

gate() {
  name=$1
  shift
  began=$(date +%s)
  if "$@"; then outcome=ok; else outcome=FAILED failed="$failed $name,"; fi
  echo "check: $name: $outcome ($(($(date +%s) - began)) s)"
}

gate types tsc --noEmit
gate lint oxlint --type-aware --deny-warnings
gate 'house rules' scripts/node24 scripts/house-rules.ts
gate format biome format
gate 'dead code' knip --no-progress --no-config-hints
gate 'planted violation' scripts/node24 scripts/planted-violation.ts
gate 'fast tests' env KAPAL_TEST_TIMEOUT=60000 sh scripts/run-tests.sh unit golden ground

[ -z "$failed" ] || { echo "check: failed:${failed%,}" >&2; exit 1; }
