#!/bin/bash
# Fuzzes one subject with libFuzzer and AddressSanitizer: .ci/fuzz.sh ENTRY SECONDS [libFuzzer options…]
#
#   .ci/fuzz.sh --list        the entries
#   .ci/fuzz.sh print 1200    builds apus-fuzz for it and runs the entry for twenty minutes
#
# It begins with inputs made of Fixtures and, where it is there, ../shared/conformance (.ci/fuzz_seeds.py), and with what earlier runs
# found (.build/fuzz-corpus/ENTRY). The last line gives executions, seconds, coverage (edges and features, as libFuzzer counts them) and
# findings. Inputs that end the process are in .build/fuzz-findings/ENTRY; the exit status is 1 where there are any. SKIP_BUILD=1 takes
# the program that was built before.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# The runtime's own report of a crash waits for a debugger that the sanitizer is in the way of.
export SWIFT_BACKTRACE=enable=no
entries=$(sed -n 's/.*("\([a-z0-9]*\)", [A-Za-z0-9]*Entry\.self).*/&/p' Sources/apus-fuzz/LibFuzzer/FuzzEntry.swift |
  grep -o '"[a-z0-9]*"' | tr -d '"')

if [[ ${1:-} == --list ]]; then
  echo "$entries"
  exit
fi
entry=${1:-}
seconds=${2:-}
grep -qx -- "$entry" <<<"$entries" && [[ $seconds =~ ^[0-9]+$ ]] || {
  echo "usage: .ci/fuzz.sh ENTRY SECONDS [libFuzzer options...]; ENTRY is one of:" $entries >&2
  exit 2
}
shift 2

if [[ ${SKIP_BUILD:-} != 1 ]]; then
  # Of several -sanitize the compiler takes the last, and SwiftPM puts those of --sanitize in any order: both in one come after them.
  swift build -c release --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -DFUZZING --product apus-fuzz \
    --scratch-path .build/fuzz >.build/fuzz.log 2>&1 || {
    tail -n 40 .build/fuzz.log
    exit 2
  }
fi

# A copy, so that a build that starts meanwhile does not replace what runs.
program=$(mktemp)
trap 'rm -f "$program"' EXIT
install -m 700 .build/fuzz/release/apus-fuzz "$program"

corpus=.build/fuzz-corpus/$entry
seeds=.build/fuzz-seeds/$entry
findings=.build/fuzz-findings/$entry
rm -rf "$seeds"
mkdir -p "$corpus" "$seeds" "$findings"
python3 .ci/fuzz_seeds.py "$entry" "$seeds" || exit 2
dictionary=()
[[ -s $seeds.dict ]] && dictionary=(-dict="$seeds.dict")

# libFuzzer ends at a finding: it is begun again until the time is over. Leaks are left to valgrind, since the runtime keeps what it
# allocates once.
export APUS_FUZZ_ENTRY=$entry ASAN_OPTIONS=detect_leaks=0:handle_sigill=1:allocator_may_return_null=1
log=.build/fuzz-findings/$entry.log
: >"$log"
start=$SECONDS
while ((left = seconds - (SECONDS - start), left > 0)); do
  "$program" "$corpus" "$seeds" -max_total_time=$left -timeout=20 -rss_limit_mb=3000 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$findings/" "${dictionary[@]}" "$@" >>"$log" 2>&1 && break
  # What was found is not begun with again; its name is the sum of its octets, as in the other folders.
  for finding in "$findings"/*-*; do rm -f {"$seeds","$corpus"}/"${finding##*-}"; done
  # A crash before anything was run is no finding.
  grep -q 'stat::number_of_executed_units\|ERROR: \|SUMMARY' "$log" || { tail "$log"; exit 2; }
done

# Of each run the number in front of its last line of progress.
grep -aq '^INFO: Loaded .* PC tables' "$log" || {
  echo "$entry: the program reports no coverage" >&2
  exit 2
}
executions=$(awk '/^INFO: Seed/ { sum += last; last = 0 } /^#[0-9]+/ { last = substr($1, 2) } END { print sum + last }' "$log")
coverage=$(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)
found=$(find "$findings" -type f | wc -l)
echo "$entry: $executions executions in $((SECONDS - start)) s, $coverage, $found findings"
[[ $found == 0 ]] || { ls "$findings" | head; exit 1; }
