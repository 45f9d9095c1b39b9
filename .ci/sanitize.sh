#!/bin/bash
# Runs the tests with a sanitizer: .ci/sanitize.sh address|thread [options of swift test, such as --filter NAME]
#
# The build is apart, in .build/address or .build/thread. Left out are, by name in `without`, tests that a sanitizer is in the way of;
# the reason is beside each. The exit status is 1 where a test fails or the sanitizer reports something.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind=${1:-}
[[ $kind == address || $kind == thread ]] || {
  echo 'usage: .ci/sanitize.sh address|thread [options of swift test]' >&2
  exit 2
}
shift

# Leaks are counted by .ci/allocations.py: the leak checker stops the process with ptrace(2), which the sandbox forbids.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 TSAN_OPTIONS=halt_on_error=1 SWIFT_BACKTRACE=enable=no
without=()
# A sanitizer's runtime makes system calls of its own, which the filter of system calls ends the process for.
without+=(ConfinementTests ProbeTests SystemCallFilterTests)
# Frames with a sanitizer are several times as large: the deepest arithmetic does not fit into the half MiB of stack of a test's thread.
without+=(deepArithmeticIsRefusedOrComputed)
# These limit the address space, of which a sanitizer reserves terabytes at the start.
without+=(memoryThatCannotBeHad manyLongNames)
# What turns the leak checker off is in the environment, which does not get through ssh.
[[ $kind == address ]] && without+=(aCopyArrivesWhole)
# The thread sanitizer's runtime maps a file that is larger than the limit of the test.
[[ $kind == thread ]] && without+=(aLimitOnTheFileSize)

log=.build/$kind.log
mkdir -p .build
swift test --disable-xctest --sanitize "$kind" --scratch-path ".build/$kind" "${without[@]/#/--skip=}" "$@" >"$log" 2>&1
status=$?
grep -aE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer|SUMMARY: ' "$log" | sort | uniq -c
grep -aE -A 3 'recorded an issue|error: ' "$log" | head -n 60
tail -n 2 "$log"
if [[ $status != 0 ]] || grep -aqE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer' "$log"; then exit 1; fi
