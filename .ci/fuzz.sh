#!/bin/bash
# Fuzzes one subject with libFuzzer and AddressSanitizer: .ci/fuzz.sh ENTRY SECONDS [libFuzzer options…]
#
#   .ci/fuzz.sh --list        the entries
#   .ci/fuzz.sh print 1200    builds apus-fuzz for it and runs the entry for twenty minutes
#
# It starts from inputs made from Fixtures and, if present, ../shared/conformance (.ci/fuzz_seeds.py), and from the inputs that
# earlier runs found (.build/fuzz-corpus/ENTRY). The last line gives executions, seconds, coverage (edges and features, as libFuzzer counts them) and
# findings. Inputs that end the process are in .build/fuzz-findings/ENTRY; the exit status is 1 if there are any. SKIP_BUILD=1 uses
# the existing build.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Swift's crash handler would wait for a debugger, which the sanitizer prevents from attaching.
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
  # The compiler uses the last of several -sanitize, and SwiftPM passes those of --sanitize in any order: so both are given in one, last.
  swift build -c release --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -DFUZZING --product apus-fuzz \
    --scratch-path .build/fuzz >.build/fuzz.log 2>&1 || {
    tail -n 40 .build/fuzz.log
    exit 2
  }
fi

# A copy, so that a build that starts meanwhile does not replace the running program.
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

# libFuzzer stops at a finding: it is restarted until the time is over. Leaks are not reported: the runtime never frees what it allocates
# once; .ci/allocations.py finds those that grow with the packets.
export APUS_FUZZ_ENTRY=$entry ASAN_OPTIONS=detect_leaks=0:handle_sigill=1:allocator_may_return_null=1
log=.build/fuzz-findings/$entry.log
: >"$log"
start=$SECONDS
while ((left = seconds - (SECONDS - start), left > 0)); do
  "$program" "$corpus" "$seeds" -max_total_time=$left -timeout=20 -rss_limit_mb=3000 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$findings/" "${dictionary[@]}" "$@" >>"$log" 2>&1 && break
  # A finding is not used as a seed again; its name is the checksum of its bytes, as in the other folders.
  for finding in "$findings"/*-*; do rm -f {"$seeds","$corpus"}/"${finding##*-}"; done
  # A crash before the first input is not a finding.
  grep -q 'stat::number_of_executed_units\|ERROR: \|SUMMARY' "$log" || { tail "$log"; exit 2; }
done

# The number at the start of the last progress line of each run.
grep -aq '^INFO: Loaded .* PC tables' "$log" || {
  echo "$entry: the program reports no coverage" >&2
  exit 2
}
executions=$(awk '/^INFO: Seed/ { sum += last; last = 0 } /^#[0-9]+/ { last = substr($1, 2) } END { print sum + last }' "$log")
coverage=$(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)
found=$(find "$findings" -type f | wc -l)
echo "$entry: $executions executions in $((SECONDS - start)) s, $coverage, $found findings"
[[ $found == 0 ]] || { ls "$findings" | head; exit 1; }
