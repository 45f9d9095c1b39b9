#!/usr/bin/env python3
"""Counts the allocations of runs over few and over many packets: allocations.py APUS CAPTURE FILES...

The packets of CAPTURE, a little-endian pcap file, are repeated to 1 000 and to 10 000. Printing, filtering and writing the many must take no
more allocations than the few with one thread, and at most a few more with two threads, whose buffers grow when they are first used. The
packets of all FILES together, captures and case files (Fixtures/packets/*.txt), so that every protocol is among them, are repeated two times
and five times: the same must hold. Needs the library jemalloc, which counts. Exit status 1 where there are more.
"""

import ast
import concurrent.futures
import ctypes.util
import importlib
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


# The runs with two threads, and how many more allocations they may take.
SHARED_RUNS = (("-nn",), ("--json",))
SHARED_SLACK = 200

# The runs over the packets of all captures.
ALL_RUNS = (("-nn",), ("-nne",), ("-nnq",), ("-nnvvv",), ("--json",), ("--stats", "protocols"))


def link_types(apus):
    """The numbers that files have for link types (LINKTYPE_...), by name."""
    listing = subprocess.run([apus, "--list-link-types"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: int(file) for _, file, name, *_ in (line.split() for line in listing.splitlines()[1:])}


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


def case_octets(line):
    """The bytes of a line of a case file."""
    text = re.sub(r"^\s*(0x)?[0-9a-fA-F]+:", "", line).strip()
    if text.startswith('"'):
        return ast.literal_eval("b" + re.match(r'"(\\.|[^"\\])*"', text)[0])
    return bytes.fromhex(text.split("#")[0])


def case_packets(path, forms):
    """The packets of a case file: link type and bytes, with the headers of the carrier, without checksums after IPv6."""
    with open(path, encoding="utf-8") as file:
        parts = file.read().split("\n== ")[1:]
    for part in parts:
        link, carrier, octets = "EN10MB", None, b""
        for line in part.splitlines()[1:]:
            if line.startswith(("-", "json")):
                break
            key, _, value = line.partition(":")
            if key == "link":
                link = value.strip()
            elif key == "carrier":
                carrier = [value.split()[0], *(int(number, 0) for number in value.split()[1:])]
            elif key not in ("missing", "silent") and line.strip() and not line.startswith("#"):
                octets += case_octets(line)
        yield link, carry(octets, carrier, forms)


def carry(octets, carrier, forms):
    """The bytes after the headers of a carrier."""
    if carrier is None:
        return octets
    name, *numbers = carrier
    if name == "ethernet":
        return forms.ethernet(numbers[0], octets)
    if name == "llc":
        return forms.ethernet(3 + len(octets), bytes(numbers) + b"\3" + octets)
    protocol = numbers[0]
    if name.startswith("udp"):
        protocol, octets = 17, forms.udp(*numbers, octets, version=6 if name == "udp6" else 4)
    elif name.startswith("tcp"):
        protocol, octets = 6, forms.tcp(*numbers, 0x18, octets)
    if name.endswith("6"):
        return forms.ethernet(0x86DD, forms.ipv6(protocol, octets))
    return forms.ethernet(0x0800, forms.ipv4(protocol, octets))


def captures_of_cases(apus, paths, folder):
    """Captures of the packets of case files, one for each link type."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/recipes"))
    forms = importlib.import_module("forms")
    numbers = link_types(apus)
    records = {}
    for path in paths:
        for link, octets in case_packets(path, forms):
            header = struct.pack("<IIII", 0, 0, len(octets), len(octets))
            records[link] = records.get(link, b"") + header + octets
    captures = []
    for link, octets in records.items():
        captures.append(os.path.join(folder, f"{link}.pcap"))
        with open(captures[-1], "wb") as file:
            file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, numbers[link]) + octets)
    return captures


def merged(apus, captures, folder):
    """Paths of two pcapng files that hold the packets of all captures twice and five times."""
    path = os.path.join(folder, "all.pcapng")
    inputs = [argument for capture in captures for argument in ("-r", capture)]
    subprocess.run([apus, *inputs, "-w", path], check=True, stderr=subprocess.DEVNULL)
    with open(path, "rb") as file:
        parts = list(blocks(file.read()))
    # Section header and interfaces once, then packets, simple and enhanced ones.
    head = b"".join(part for kind, part in parts if kind in (0x0A0D0D0A, 1))
    body = b"".join(part for kind, part in parts if kind in (3, 6))
    paths = []
    for count in (2, 5):
        paths.append(os.path.join(folder, f"all-{count}.pcapng"))
        with open(paths[-1], "wb") as file:
            file.write(head + body * count)
    return paths


def allocations(apus, capture, arguments, threads):
    command = [apus, "--threads", str(threads), "-r", capture, *arguments]
    # Without a seed that differs from run to run, tables grow in the same places.
    environment = os.environ | {
        "SWIFT_DETERMINISTIC_HASHING": "1", "LD_PRELOAD": ctypes.util.find_library("jemalloc") or "libjemalloc.so.2",
        "MALLOC_CONF": "stats_print:true,narenas:1,tcache:false"}
    outcome = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    # The first total is that of all arenas: bytes in use, and allocations.
    found = re.search(rb"^total: +\d+ +(\d+) ", outcome.stderr, re.MULTILINE)
    if outcome.returncode != 0 or not found:
        sys.exit(f"{' '.join(command)}: status {outcome.returncode}\n{outcome.stderr.decode(errors='replace')}")
    return int(found[1])


def count(apus, captures, arguments, threads=1):
    """The allocations for each of the captures."""
    return arguments, [allocations(apus, capture, arguments, threads) for capture in captures]


def main():
    apus, source, *files = sys.argv[1:]
    with open(source, "rb") as file:
        octets = file.read()
    records = list(packets(octets))
    differs = False
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        captures = []
        for number in (1_000, 10_000, 20_000, 60_000):
            captures.append(os.path.join(folder, f"{number}.pcap"))
            with open(captures[-1], "wb") as file:
                file.write(octets[:24])
                file.write(b"".join(records[index % len(records)] for index in range(number)))
        runs = [
            (pool.submit(count, apus, captures[:2], arguments), "1 000 packets", "10 000", 0) for arguments in RUNS]
        runs += [
            (pool.submit(count, apus, captures[2:], arguments, 2), "20 000 packets and two threads", "60 000", SHARED_SLACK)
            for arguments in SHARED_RUNS]
        if files:
            cases = captures_of_cases(apus, [path for path in files if path.endswith(".txt")], folder)
            paths = merged(apus, [path for path in files if not path.endswith(".txt")] + cases, folder)
            runs += [
                (pool.submit(count, apus, paths, arguments), "all packets twice", "five times", 0) for arguments in ALL_RUNS]
        for run, few_words, many_words, slack in runs:
            arguments, (few, many) = run.result()
            differs |= many > few + slack
            print(f"{' '.join(arguments):32} {few} allocations for {few_words}, {many} for {many_words}")
    return differs


if __name__ == "__main__":
    sys.exit(main())
