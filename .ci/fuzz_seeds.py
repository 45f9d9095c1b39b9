#!/usr/bin/env python3
"""Writes seed inputs for fuzzing: fuzz_seeds.py ENTRY FOLDER

They are made from the captures, texts, README and guides of the project and, if present, from ../shared/conformance. Words that libFuzzer may
put into inputs go to FOLDER.dict. The meaning of the bytes of an input is documented next to the entries, in Sources/apus-fuzz/LibFuzzer.
"""

import glob
import gzip
import hashlib
import json
import os
import re
import shlex
import struct
import subprocess
import sys

SHARED = "../shared/conformance"
LARGEST = 4096


def captures():
    """The bytes of captures, by path."""
    paths = sorted(glob.glob("Fixtures/captures/*") + glob.glob("Fixtures/forms/*.pcap"))
    paths += sorted(glob.glob(f"{SHARED}/printing/captures/*") + glob.glob(f"{SHARED}/filters/savefiles/*"))
    for path in paths:
        if os.path.isfile(path) and os.path.getsize(path) < 4 << 20:
            with open(path, "rb") as file:
                yield file.read()


def packets(octets, most=12):
    """(link type, packet) of a pcap file, the first few."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(octets[:4])
    if order is None or len(octets) < 24:
        return
    # The types whose number in files is not their DLT.
    link_type = struct.unpack_from(order + "I", octets, 20)[0] & 0x3FFFFFF
    link_type = {100: 11, 101: 12, 102: 15, 103: 16, 106: 19}.get(link_type, link_type)
    offset = 24
    while offset + 16 <= len(octets) and most > 0:
        length = struct.unpack_from(order + "I", octets, offset + 8)[0]
        packet = octets[offset + 16 : offset + 16 + length]
        if 0 < len(packet) < 1600 and link_type < 512:
            yield link_type, packet
        offset += 16 + length
        most -= 1


def dissect_seeds(flags):
    number = 0
    for octets in captures():
        for link_type, packet in packets(octets):
            number += 1
            yield bytes([4 if link_type > 255 else 0, link_type & 255, flags[number % len(flags)]]) + packet
            # What is inside, for each dissector in turn.
            for start in (14, 34, 42, 54):
                if len(packet) > start:
                    yield bytes([1, (number + start) & 255, flags[number % len(flags)]]) + packet[start:]


def documents():
    """The text of README and the guides."""
    text = ""
    for path in ["README.md"] + sorted(glob.glob("Sources/*/*.docc/*.md")):
        with open(path) as file:
            text += file.read()
    return text


def expressions():
    yield from re.findall(r"'([^'\n]+)'", documents())
    for name in ("accept", "apply", "reject"):
        path = f"{SHARED}/filters/{name}.json"
        if os.path.exists(path):
            with open(path) as file:
                for entry in json.load(file):
                    yield from entry.get("aliases") or [entry.get("expr") or entry["name"]]


def programs():
    path = f"{SHARED}/filters/accept.json"
    if os.path.exists(path):
        with open(path) as file:
            yield from (entry["unopt"] for entry in json.load(file) if entry.get("unopt"))
    yield from re.findall(r"(?:^\(\d{3}\).*\n)+", documents(), re.M)
    yield "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"
    yield "{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },\n"


def raw_programs():
    """Instructions, each as two bytes of code, one of jt, one of jf and four of k."""
    for program in programs():
        fields = re.findall(r"\{ (0x[0-9a-f]+), (\d+), (\d+), (0x[0-9a-f]+) \}", program)
        yield b"".join(struct.pack(">HBBI", int(c, 16), int(t), int(f), int(k, 16)) for c, t, f, k in fields)
    yield struct.pack(">HBBI", 0x28, 0, 0, 12) + struct.pack(">HBBI", 0x16, 0, 0, 0)


def command_lines():
    for line in re.findall(r"apus (.*)$", documents(), re.M):
        try:
            yield shlex.split(line, comments=True)
        except ValueError:
            continue


def seeds(entry):
    if entry in ("print", "json"):
        yield from dissect_seeds([0, 1, 2, 3, 4, 5, 0x80] if entry == "print" else [0, 1, 2])
    elif entry == "filter":
        for number, words in enumerate(expressions()):
            yield bytes([number & 31, (1, 113, 12, 105, 9, 0)[number % 6]]) + words.encode() + b"\0" + bytes(range(80))
    elif entry == "meaning":
        for number in range(64):
            octets = hashlib.sha256(bytes([number])).digest()
            yield bytes([number, 16]) + octets + octets
    elif entry == "bytecode":
        for program in programs():
            yield bytes([0, 40]) + bytes(range(40)) + program.encode()
        for program in raw_programs():
            yield bytes([3, 40]) + bytes(range(40)) + program
    elif entry == "ebpf":
        path = f"{SHARED}/ebpf/vectors.json"
        if os.path.exists(path):
            with open(path) as file:
                for vector in json.load(file):
                    memory = bytes.fromhex(vector["memory"])[:255]
                    yield bytes([0, len(memory)]) + memory + bytes.fromhex(vector["program"])
        for program in re.findall(r"(?:^ *\d+: .*\n)+", documents(), re.M):
            yield bytes([2, 20]) + bytes(20) + program.encode()
    elif entry in ("pcap", "pcapng"):
        ng = b"\x0a\x0d\x0d\x0a"
        for octets in captures():
            if (octets[:4] == ng) == (entry == "pcapng") and octets[:2] != b"\x1f\x8b":
                yield octets[:LARGEST]
    elif entry == "blocks":
        # Blocks are built from the input, so any bytes will do.
        for octets in captures():
            yield octets[:2000]
    elif entry in ("gzip", "zstd", "lz4"):
        for octets in list(captures())[:40]:
            part = octets[:3000]
            if entry == "gzip":
                yield gzip.compress(part)[:LARGEST]
                yield gzip.compress(part[:500], 1) + gzip.compress(part[500:], 0)
            else:
                packed = subprocess.run([entry, "-c"], input=part, capture_output=True).stdout
                yield packed[:LARGEST]
                yield packed + packed
    elif entry == "arguments":
        for words in command_lines():
            yield "\0".join(words).encode()


def words(entry):
    if entry == "filter":
        with open("Sources/Filter/Syntax/Keywords.swift") as file:
            text = file.read()
        for path in glob.glob("Sources/Filter/Primitives/*.swift") + glob.glob("Sources/Filter/Syntax/NamedConstants.swift"):
            with open(path) as file:
                text += file.read()
        yield from (word.encode() for word in sorted(set(re.findall(r'"([a-z][a-z0-9-]{1,15})"', text))))
    if entry == "arguments":
        text = ""
        for path in sorted(glob.glob("Sources/ApusCLI/Options/*.swift")):
            with open(path) as file:
                text += file.read()
        flags = re.findall(r'Flag\(\s*\.\w+, (?:nil|"(.)"), (?:nil|"([a-z0-9-]+)")', text)
        yield from (b"--" + word.encode() for word in sorted({word for _, word in flags if word}))
        yield from (b"-" + letter.encode() for letter, _ in flags if letter)
        yield from (word.encode() for word in ("always", "duration:60", "packets:5", "rfc3339", "100m", "30,json", "2026-11-23T22:55:47Z"))
    if entry == "bytecode":
        yield from (b"ldh [", b"ldxb 4*([14]&0xf)", b"jeq #0x", b"jset #0x", b"jt ", b"jf ", b"ret #", b"M[", b"[x + ", b"#pktlen")


def main():
    entry, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for octets in seeds(entry):
        octets = octets[:LARGEST]
        with open(f"{folder}/{hashlib.sha1(octets).hexdigest()}", "wb") as file:
            file.write(octets)
    with open(f"{folder}.dict", "w") as file:
        for word in words(entry):
            file.write('"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n')


main()
