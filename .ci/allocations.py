#!/usr/bin/env python3
"""Counts what a run allocates for few packets and for many: allocations.py APUS CAPTURE

The packets of CAPTURE, a little-endian pcap file, are repeated to 1 000 and to 100 000. Printing them, filtering them and writing them
must not take more allocations for many. Needs valgrind. Exit status 1 where it does.
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


def packets(octets):
    """The records of a pcap file, each with its header."""
    offset = 24
    while offset + 16 <= len(octets):
        end = offset + 16 + struct.unpack_from("<I", octets, offset + 8)[0]
        yield octets[offset:end]
        offset = end


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
    apus, source = sys.argv[1:]
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
    return differs


if __name__ == "__main__":
    sys.exit(main())
