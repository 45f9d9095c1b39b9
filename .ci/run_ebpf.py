#!/usr/bin/env python3
"""Runs the eBPF conformance vectors: run_ebpf.py --bin APUS --vectors FILE [--json OUT]

Each program goes to `APUS --run-ebpf FILE --memory HEX`, which must print r0 as 16 hexadecimal digits. Prints how many pass in each
conformance group and those that do not. Exit status 1 if one does not.
"""

import argparse
import collections
import json
import subprocess
import sys
import tempfile


def run(binary, vector):
    """What is wrong with the run of a vector; None if nothing is."""
    with tempfile.NamedTemporaryFile(suffix=".ebpf") as file:
        file.write(bytes.fromhex(vector["program"]))
        file.flush()
        done = subprocess.run(
            [binary, "--run-ebpf", file.name, "--memory", vector["memory"]],
            capture_output=True, text=True, timeout=60, check=False)
    if "error" in vector:
        return None if done.returncode else f"ran to its end, which it must not: {vector['error']}"
    if done.returncode:
        return done.stderr.strip()
    result = done.stdout.strip()
    return None if result == vector["result"] else f"{result}, not {vector['result']}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--vectors", required=True)
    parser.add_argument("--json")
    options = parser.parse_args()
    with open(options.vectors, encoding="utf-8") as file:
        vectors = json.load(file)
    passed, total = collections.Counter(), collections.Counter()
    for vector in vectors:
        fault = run(options.bin, vector)
        for group in ["all"] + vector["groups"]:
            total[group] += 1
            passed[group] += fault is None
        if fault is not None:
            print(f"{vector['name']}: {fault}")
    for group in sorted(total):
        print(f"{group:<12}{passed[group]:>5} of {total[group]}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(passed, file)
    return 0 if passed["all"] == total["all"] else 1


if __name__ == "__main__":
    sys.exit(main())
