#!/bin/sh
# Runs the tests of the folders named: run-tests.sh unit golden. A folder that is not there is no fault; no test at all is.
# KAPAL_TEST_FILES: how many files run at a time.
set -eu
cd "$(dirname -- "$0")/.."

timeout=${KAPAL_TEST_TIMEOUT:-600000}
at_a_time=${KAPAL_TEST_FILES:-2}
files=$(for folder; do [ ! -d "test/$folder" ] || find "test/$folder" -name '*.test.ts' -not -path '*/fixtures/*'; done | sort)
[ -n "$files" ] || { echo "no tests in: $*" >&2; exit 1; }

# Names of test files hold no blanks: the words of $files are the files.
# shellcheck disable=SC2086
exec scripts/node24 --test --test-concurrency="$at_a_time" --test-timeout="$timeout" --test-reporter=spec $files
