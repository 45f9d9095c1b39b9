#!/usr/bin/env python3
"""Counts what a run allocates for few packets and for many: allocations.py APUS CAPTURE CAPTURES...

The packets of CAPTURE, a little-endian pcap file, are repeated to 1 000 and to 100 000. Printing them, filtering them and writing them
must not take more allocations for many. The packets of all CAPTURES together, so that every protocol is among them, are repeated
two times and twenty times: the same must hold. Needs valgrind. Exit status 1 where it does not.
"""

import os
import re
import struct
import subprocess
import sys
import tempfile

RUNS = (
    ("-nn",),
    ("-nnvvX",),
    ("--json",),
    ("-nne", "tcp port 80 or icmp"),
    ("--count", "tcp port 80 or icmp"),
    ("-w", "/dev/null", "tcp"),
    ("-n", "--no-jit", "ip"),
)


# What is done with the packets of all captures.
ALL_RUNS = (("-nn",), ("-nne",), ("-nnq",), ("-nnvvv",), ("--json",), ("--stats", "protocols"))


def packets(octets):
    """The records of a pcap file, each with its header."""
    offset = 24
    while offset + 16 <= len(octets):
        end = offset + 16 + struct.unpack_from("<I", octets, offset + 8)[0]
        yield octets[offset:end]
        offset = end


def blocks(octets):
    """The blocks of a little-endian pcapng file: type and bytes."""
    offset = 0
    while offset + 12 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, offset)
        yield kind, octets[offset:offset + length]
        offset += length


def merged(apus, captures, folder):
    """Paths of two pcapng files that hold the packets of all captures twice and twenty times."""
    path = os.path.join(folder, "all.pcapng")
    inputs = [argument for capture in captures for argument in ("-r", capture)]
    subprocess.run([apus, *inputs, "-w", path], check=True, stderr=subprocess.DEVNULL)
    with open(path, "rb") as file:
        parts = list(blocks(file.read()))
    # Section header and interfaces once, then packets, simple and enhanced ones.
    head = b"".join(part for kind, part in parts if kind in (0x0A0D0D0A, 1))
    body = b"".join(part for kind, part in parts if kind in (3, 6))
    paths = []
    for count in (2, 20):
        paths.append(os.path.join(folder, f"all-{count}.pcapng"))
        with open(paths[-1], "wb") as file:
            file.write(head + body * count)
    return paths


def allocations(apus, capture, arguments):
    command = ["valgrind", "--vgdb=no", apus, "-r", capture, *arguments]
    # Without a seed that is another each time, tables grow in the same places.
    environment = os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1"}
    outcome = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    found = re.search(rb"total heap usage: ([\d,]+) allocs", outcome.stderr)
    if outcome.returncode != 0 or not found:
        sys.exit(f"{' '.join(command)}: status {outcome.returncode}\n{outcome.stderr.decode(errors='replace')}")
    return int(found[1].replace(b",", b""))


def main():
    apus, source, *captures_of_all = sys.argv[1:]
    with open(source, "rb") as file:
        octets = file.read()
    records = list(packets(octets))
    differs = False
    with tempfile.TemporaryDirectory() as folder:
        captures = []
        for count in (1_000, 100_000):
            path = os.path.join(folder, f"{count}.pcap")
            with open(path, "wb") as file:
                file.write(octets[:24])
                file.write(b"".join(records[index % len(records)] for index in range(count)))
            captures.append(path)
        for arguments in RUNS:
            few, many = (allocations(apus, capture, arguments) for capture in captures)
            differs |= many > few
            print(f"{' '.join(arguments):32} {few} allocations for 1 000 packets, {many} for 100 000")
        if captures_of_all:
            twice, often = merged(apus, captures_of_all, folder)
            for arguments in ALL_RUNS:
                few, many = (allocations(apus, capture, arguments) for capture in (twice, often))
                differs |= many > few
                print(f"{' '.join(arguments):32} {few} allocations for all captures twice, {many} for twenty times")
    return differs


if __name__ == "__main__":
    sys.exit(main())
