#!/usr/bin/env python3
"""Writes the order in which the linker places functions: .ci/startup_order.py [SCRATCH]

Sources/apus/Linking/startup-order.txt lists the functions that short runs call, one symbol on each line; the linker places them first.
Functions that the same runs call are next to each other, and before all others those that every run calls. The kernel maps 64 KB around
every page that is touched, so functions scattered over the program take ten times their size in memory, and the time to map it. The linker
ignores names that no longer exist and places new functions after the listed ones, so the list need only be renewed now and then. Needs
valgrind(1), and builds the release with symbols in SCRATCH.
"""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ORDER = os.path.join(ROOT, "Sources/apus/Linking/startup-order.txt")
CAPTURE = os.path.join(ROOT, "Fixtures/captures/http.pcap")
RUNS = (
    ["-d", "tcp port 80"],
    ["-nn", "-r", CAPTURE],
    ["-nnvvXe", "-r", CAPTURE],
    ["--count", "-r", CAPTURE, "tcp port 80"],
    ["-r", CAPTURE, "-w", "/dev/null"],
    ["--json", "-r", CAPTURE],
)


def functions(program, arguments, folder):
    """The symbols of the functions that a run of the program calls."""
    path = os.path.join(folder, "calls")
    # Valgrind makes system calls that the sandbox does not allow.
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--demangle=no", "--compress-strings=no", f"--callgrind-out-file={path}", program,
         "--no-sandbox", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    binary = None
    with open(path, errors="replace") as file:
        for line in file:
            kind, _, name = line.strip().partition("=")
            if kind == "ob":
                binary = name
            elif kind == "fn" and binary == program:
                # Callgrind numbers the depths of recursion.
                yield name.partition("'")[0]


def main():
    scratch = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".build")
    subprocess.run(
        ["swift", "build", "-c", "release", "--static-swift-stdlib", "--disable-local-rpath", "-debug-info-format", "none", "--product", "apus", "--scratch-path",
         scratch], cwd=ROOT, env=dict(os.environ, APUS_SYMBOLS="1"), check=True)
    program = os.path.realpath(os.path.join(scratch, "release/apus"))
    # For each function the runs that call it, a bit for each.
    callers = {}
    with tempfile.TemporaryDirectory() as folder:
        for run, arguments in enumerate(RUNS):
            for name in functions(program, arguments, folder):
                callers[name] = callers.get(name, 0) | 1 << run
    known = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout.split()
    kept = sorted(set(callers).intersection(known), key=lambda name: (-callers[name].bit_count(), callers[name], name))
    with open(ORDER, "w") as file:
        file.write("".join(name + "\n" for name in kept))
    print(f"{len(kept)} functions")


if __name__ == "__main__":
    main()
