#!/usr/bin/env python3
"""Checks filter_captures.py with a Spark of one machine: it finds the same packets as one apus does in all captures.

    check_filter_captures.py [--apus PROGRAM]

Says so and ends well where there is no PySpark (pip install pyspark) or no Java (apt-get install default-jre-headless).
"""

import argparse
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE.parent.parent / "Fixtures" / "captures"
FILTER = "ip or ip6"


def filter_captures(*arguments):
    environment = dict(os.environ, PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1", MASTER="local[2]")
    return subprocess.run(
        [sys.executable, str(HERE / "filter_captures.py"), *arguments], env=environment, capture_output=True, text=True
    )


def text(apus, captures):
    """The packets of captures, one after the other, with their time and every octet."""
    words = [word for capture in captures for word in ("-r", str(capture))]
    return subprocess.run([apus, "-nn", "-tttt", "--nano", "-XX", "--lengths", *words], capture_output=True, check=True).stdout


def check(condition, words):
    if not condition:
        sys.exit(f"filter_captures.py: {words}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--apus", default="apus")
    apus = str(pathlib.Path(shutil.which(parser.parse_args().apus) or sys.exit("there is no apus")).resolve())
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        print("skipped: PySpark or Java is missing (pip install pyspark; apt-get install default-jre-headless)")
        return

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        archive = folder / "archive"
        shutil.copytree(CAPTURES, archive)
        captures = sorted(archive.iterdir())

        # A single apus process reads all captures, as the reference.
        subprocess.run(
            [apus, *[w for c in captures for w in ("-r", str(c))], "-w", str(folder / "all.pcapng"), FILTER],
            capture_output=True, check=True)
        expected = text(apus, [folder / "all.pcapng"])

        done = filter_captures(str(archive), FILTER, "--output", str(folder / "found"), "--apus", apus)
        check(done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}")
        found = [folder / "found" / (capture.name + ".pcapng") for capture in captures]
        check(sorted((folder / "found").iterdir()) == sorted(found), "other files than captures")
        check(text(apus, found) == expected, "other packets than one process finds")
        counted = subprocess.run([apus, "--count", "-r", str(folder / "all.pcapng")], capture_output=True, check=True)
        total = int(counted.stdout.split()[0])
        check(done.stdout.splitlines()[-1] == f"{total}\t{len(captures)} captures, 0 not read to the end", done.stdout)

        # A truncated capture is reported, and the packets before the cut are counted.
        damaged = archive / "cut.pcap"
        damaged.write_bytes((archive / "http.pcap").read_bytes()[:-10])
        done = filter_captures(f"{archive}/*.pcap", "tcp port 80", "--apus", apus)
        lines = [line for line in done.stdout.splitlines() if line.split("\t")[1:2] == ["cut.pcap"]]
        check(done.returncode == 1 and len(lines) == 1, f"status {done.returncode}\n{done.stdout}{done.stderr}")
        check(lines[0].startswith("29\tcut.pcap\tapus: "), lines[0])
        check(done.stdout.splitlines()[-1].endswith(" captures, 1 not read to the end"), done.stdout)
    print(f"{len(captures)} captures, {total} packets: the same as of one process")


if __name__ == "__main__":
    main()
