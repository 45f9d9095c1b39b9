#!/usr/bin/env python3
"""Runs the proofs of the conformance data, and only those that have not been made before.

    prove.py PROVER --bin APUS [--timeout SECONDS] [--all] [--record]

PROVER is the conformance data's prove_filters.py: it asks z3 whether two programs of a filter accept the same packets. Its answers are in
.ci/proofs.txt, one line for each pair of programs: the answer, a digest of the two programs, the link type and the expression. A pair with
a line there is not proved again, so a filter is proved anew only if apus compiles it to another program or another program is expected.
--all proves everything; --record writes the answers of this run to the file, and retries the pairs for which z3 had timed out. Lines of
another prover are ignored: the first line is a digest of the prover.

The last lines are those of PROVER: its counts of recorded and new answers together.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import importlib
import json
import os
import sys
import threading

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proofs.txt")
ANSWERS = ("equal", "complete", "differ", "unknown", "skipped")


def digest(*parts):
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]


def prover_line(folder):
    """The first line of the record."""
    parts = []
    for name in ("prove_filters.py", "cbpf.py"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            parts.append(file.read())
    return f"# proofs by the prover {digest(*parts)}"


def recorded_answers(first_line):
    """The answers in the record, by the digest of the two programs."""
    try:
        with open(RECORD, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    if not lines or lines[0] != first_line:
        return {}
    return {line.split()[1]: line.split()[0] for line in lines[1:]}


class Proofs:
    """Answers of the prover, recorded and new ones."""

    def __init__(self, prover, recorded):
        self.prover, self.recorded = prover, recorded
        self.asked = 0
        self.lock = threading.Lock()
        # What the block that a thread works on has compared.
        self.current = threading.local()
        self.ask, prover.compare = prover.compare, self.compare

    def compare(self, first, second, timeout):
        """Replaces the prover's function: looks the pair up in the record first."""
        key = digest(first, second)
        answer, packet = self.recorded.get(key), "recorded"
        if answer is None:
            with self.lock:
                self.asked += 1
            answer, packet = self.ask(first, second, timeout)
        self.current.lines.append((answer, key))
        return answer, packet

    def block(self, block, *arguments):
        """The prover's answers for a block, and the lines to record of it."""
        self.current.lines = []
        name, answers, notes = self.prover.block(block, *arguments)
        subject = f"{block['dlt']:<22} {' '.join(block['aliases'][0].split())}"
        return answers, [f"{name}: {note}" for note in notes], [
            (key, f"{answer:<8} {key} {subject}") for answer, key in self.current.lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("prover")
    parser.add_argument("--bin", required=True)
    parser.add_argument("--timeout", type=int, default=20)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()

    folder = os.path.dirname(os.path.abspath(options.prover))
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    prover = importlib.import_module("prove_filters")
    first_line = prover_line(folder)
    recorded = {} if options.all else recorded_answers(first_line)
    if options.record:
        recorded = {key: answer for key, answer in recorded.items() if answer != "unknown"}
    proofs = Proofs(prover, recorded)
    with open(os.path.join(folder, "accept.json"), encoding="utf-8") as file:
        blocks = json.load(file)
    available = prover.run_filters.available_databases()

    counts = {"self": collections.Counter(), "reference": collections.Counter()}
    lines = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for answers, notes, new_lines in pool.map(
                lambda block: proofs.block(block, options.bin, options.timeout, available), blocks):
            for score, answer in answers.items():
                counts[score][answer] += 1
            for note in notes:
                print(note)
            for key, line in new_lines:
                lines.setdefault(key, line)
    if options.record:
        with open(RECORD, "w", encoding="utf-8") as file:
            file.write("\n".join([first_line, *lines.values()]) + "\n")
    print(f"{proofs.asked} of {sum(sum(counter.values()) for counter in counts.values())} proofs were asked for")
    for score, counter in counts.items():
        print(f"{score:10}", ", ".join(f"{answer} {counter[answer]}" for answer in ANSWERS))


if __name__ == "__main__":
    main()
