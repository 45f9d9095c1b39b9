#!/bin/bash
# Runs the tests with a sanitizer: .ci/sanitize.sh address|thread [options of swift test, such as --filter NAME]
#
# The build is separate, in .build/address or .build/thread. Tests that cannot run with a sanitizer are skipped, by their names in
# `without`, each with the reason. The exit status is 1 if a test fails or the sanitizer reports something.
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
# A sanitizer's runtime makes system calls for which the sandbox kills the process.
without+=(ConfinementTests ProbeTests SystemCallFilterTests)
# Stack frames are several times as large with a sanitizer: the deepest arithmetic does not fit into the 512 KiB stack of a test's thread.
without+=(deepArithmeticIsRefusedOrComputed)
# These limit the address space, of which a sanitizer reserves terabytes at the start.
without+=(memoryThatCannotBeHad manyLongNames)
# The leak checker is disabled through the environment, which ssh, sudo and programs with a set-ID bit or capabilities do not pass on.
[[ $kind == address ]] && without+=(aCopyArrivesWhole becomesWhoCalledSudo filesAreOpenedAsTheCaller nothingIsReadBefore)
# The address sanitizer's runtime needs /proc.
[[ $kind == address ]] && without+=(noFileOfTheSystemIsNeeded argumentsDoNotNeedProc)
# A sanitizer's runtime ends a process that may not ask for its limits.
without+=(theCaptureGoesOn)
# The thread sanitizer's runtime maps a file that is larger than the limit of the test.
[[ $kind == thread ]] && without+=(aLimitOnTheFileSize)
# The thread sanitizer's runtime has a thread of its own, so that the process for the programs of -z cannot drop its privileges alone.
[[ $kind == thread ]] && without+=(whatCannotBeRunIsRefused aFolderThatProgramsCannotReach aProgramThatFails theProgramRunsForEveryFile
  filesOfACopy programsInheritNoDescriptor)

log=.build/$kind.log
mkdir -p .build
swift test --disable-xctest --sanitize "$kind" --scratch-path ".build/$kind" "${without[@]/#/--skip=}" "$@" >"$log" 2>&1
status=$?
grep -aE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer|SUMMARY: ' "$log" | sort | uniq -c
grep -aE -A 3 'recorded an issue|error: ' "$log" | head -n 60
tail -n 2 "$log"
if [[ $status != 0 ]] || grep -aqE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer' "$log"; then exit 1; fi
