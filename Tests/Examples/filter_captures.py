#!/usr/bin/env python3
"""Filters a folder of captures on a cluster: Spark hands each capture to an apus beside the data.

    spark-submit filter_captures.py FOLDER 'tcp port 443'                  counts, one line for each capture
    spark-submit filter_captures.py FOLDER 'tcp port 443' --output OUT     writes what was found as well, as pcapng

FOLDER is what Spark reads: an absolute path or a URL (hdfs://…, s3a://…), with * in it as well. OUT is a folder that every worker sees
under that name; a capture gets there the place that it has in FOLDER, with .pcapng behind its name. apus is installed on the workers.

Each capture is read by apus from standard input and goes through memory once, so it may have up to 2 GB. What could not be read to its
end is said, its packets before that are kept, and the exit status is 1.
"""

import argparse
import collections
import os
import posixpath
import re
import subprocess
import sys

from pyspark.sql import SparkSession

# The result for one capture: its name in FOLDER, the number of packets found, and the error message or None.
Result = collections.namedtuple("Result", "capture packets failure")


def path_in(name):
    """The path in a name of Spark's: without file:, hdfs://host:port and the like."""
    return re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:(//[^/]*)?", "", name)


def run(apus, arguments, octets):
    """Standard output and, where the exit status is not 0, what apus says is wrong."""
    done = subprocess.run([apus, *arguments], input=octets, capture_output=True, check=False)
    if done.returncode == 0:
        return done.stdout, None
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("apus: ")]
    return done.stdout, (said or [f"apus: exit status {done.returncode}"])[0]


def count(apus, octets, expression):
    """How many packets of a capture the filter accepts, and what went wrong."""
    text, failure = run(apus, ["--count", "-r", "-", "--", expression], octets)
    words = text.split()
    return int(words[0]) if words else 0, failure


def write(path, octets):
    """Writes a file that is there as a whole or not at all, also where Spark does the work twice."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.{os.getpid()}.part"
    with open(part, "wb") as file:
        file.write(octets)
    os.replace(part, path)


def filter_capture(capture, octets, apus, expression, base, output):
    """What one worker does with one capture."""
    name = posixpath.relpath(path_in(capture), base)
    if output is None:
        return Result(name, *count(apus, octets, expression))
    found, failure = run(apus, ["-r", "-", "-w", "-", "--format", "pcapng", "--", expression], octets)
    if not found:
        return Result(name, 0, failure)
    write(os.path.join(output, name + ".pcapng"), found)
    packets, _ = count(apus, found, "")
    return Result(name, packets, failure)


def folder(captures):
    """The path of the folder that the captures are in, up to the first wildcard."""
    path = path_in(captures)
    wildcard = min((path.find(c) for c in "*?[{" if c in path), default=None)
    return posixpath.normpath(path if wildcard is None else posixpath.dirname(path[:wildcard]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("captures", metavar="FOLDER", help="where the captures are")
    parser.add_argument("expression", metavar="FILTER", help="a filter, see pcap-filter(7)")
    parser.add_argument("--output", metavar="OUT", help="where to write what was found")
    parser.add_argument("--apus", default="apus", help="the program on the workers")
    parser.add_argument("--partitions", type=int, help="into how many pieces of work the captures are divided at least")
    options = parser.parse_args()
    if not path_in(options.captures).startswith("/"):
        parser.error(f"{options.captures}: neither an absolute path nor a URL")

    spark = SparkSession.builder.appName("apus").getOrCreate()
    apus, expression, base, output = options.apus, options.expression, folder(options.captures), options.output
    results = (
        spark.sparkContext.binaryFiles(options.captures, options.partitions)
        .map(lambda capture: filter_capture(capture[0], capture[1], apus, expression, base, output))
        .collect()
    )
    spark.stop()

    for result in sorted(results):
        print(f"{result.packets}\t{result.capture}" + (f"\t{result.failure}" if result.failure else ""))
    failures = sum(result.failure is not None for result in results)
    print(f"{sum(result.packets for result in results)}\t{len(results)} captures, {failures} not read to the end")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
