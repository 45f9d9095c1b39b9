#!/usr/bin/env python3
"""Compares what the conformance runners counted with what is recorded: compare.py RECORD FOLDER [--record]

FOLDER holds their results: filters.json, proofs.txt, printing.json, wording.json, ebpf.json. Exit status 1 if a count is missing or below
the recorded one. With --record the counts are written to RECORD instead.
"""

import collections
import json
import os
import re
import sys


def counts(folder):
    """Every count by its name; more is better for each of them."""
    reached = {}

    def load(name):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return file.read()

    filters = load("filters.json")
    if filters:
        summary = json.loads(filters)["summary"]
        for score, values in summary.items():
            # A program that differs from libpcap's text may be shorter: do not record that count.
            if "passed" in values and score != "accept.exact":
                reached[f"filters.{score}"] = values["passed"]
        for score in ("length", "path"):
            values = summary.get(f"accept.{score}", {})
            if values:
                reached[f"filters.accept.{score} not longer"] = values["shorter"] + values["same"]

    for line in (load("proofs.txt") or "").splitlines():
        match = re.match(r"(self|reference)\s.*\bequal (\d+)", line)
        if match:
            reached[f"proofs.{match[1]} equal"] = int(match[2])

    printing = load("printing.json")
    if printing:
        tiers = collections.Counter()
        for result in json.loads(printing)["results"]:
            tiers[f"printing.tier {result['tier']}"] += result["result"] == "passed"
        reached.update(sorted(tiers.items()))

    wording = load("wording.json")
    if wording:
        texts = collections.Counter()
        for group, (same, _) in json.loads(wording)["groups"].items():
            # `sweep-arp.1`: what was made, then the link type.
            texts[f"wording.{group.split('.')[0]}"] += same
            texts[f"wording.all {group.split('-')[0]}"] += same
        reached.update(sorted(texts.items()))

    ebpf = load("ebpf.json")
    if ebpf:
        reached.update({f"ebpf.{group}": passed for group, passed in sorted(json.loads(ebpf).items())})
    return reached


def main():
    record, folder, *options = sys.argv[1:]
    reached = counts(folder)
    if options == ["--record"]:
        with open(record, "w", encoding="utf-8") as file:
            json.dump(reached, file, indent=2)
            file.write("\n")
        return 0
    with open(record, encoding="utf-8") as file:
        recorded = json.load(file)
    fallen = 0
    print(f"{'conformance':<36}{'reached':>9}{'recorded':>10}")
    for name in list(recorded) + [name for name in reached if name not in recorded]:
        wanted, got = recorded.get(name), reached.get(name)
        note = ""
        if wanted is None:
            note = "not recorded yet"
        elif got is None or got < wanted:
            note = "FALLEN"
            fallen += 1
        elif got > wanted:
            note = "risen: record it"
        # Of the many groups of wording only those that have changed.
        if name.startswith("wording.") and not name.startswith("wording.all") and not note:
            continue
        print(f"{name:<36}{'-' if got is None else got:>9}{'-' if wanted is None else wanted:>10}  {note}".rstrip())
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
