#!/usr/bin/env python3
"""Shows how far more cores help to read a capture file: .ci/scaling.py APUS FILE

Few machines for tests have 16 cores. So the work of each thread is measured in runs with one thread more than this machine has cores, and
their course with 1 to 16 cores is simulated from that: of text (`Sources/ApusCLI/TextWorkers.swift`), the batches that the first thread
collects, the others print, and the first writes, through a ring of limited size; of counts and copies (`PieceWalk.swift`), the rounds of
pieces that all threads work on, and what the first does between them. The simulation for 2 cores is compared with a run on 2 cores.

Not simulated: caches and memory that the cores share, and the file system's part in writing a copy.
"""

import glob
import os
import statistics
import subprocess
import sys
import time
from collections import deque

CORES = (1, 2, 3, 4, 5, 6, 8, 16)
ROUNDS = 5
BATCH = 256  # packets (TextWorkers.batchCount)
PIECE = 1 << 21  # bytes (PieceWalk.pieceLength)
FILTER = "tcp port 80"
# Name, arguments, and how the work is divided.
WORKS = (
    ("-nn", ["-nn"], "batches"),
    ("-envv", ["-envv"], "batches"),
    ("-nnX", ["-nnX"], "batches"),
    ("--json", ["--json"], "batches"),
    ("--count", ["--count"], "pieces"),
    (f"--count '{FILTER}'", ["--count", FILTER], "pieces"),
    ("--stats hosts", ["--stats", "hosts"], "pieces"),
    (f"-w FILE '{FILTER}'", ["-w", "COPY", FILTER], "pieces"),
)


def measured(command):
    """The seconds of a run, and the processor seconds of its threads, the first thread first."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threads = {}
    while process.poll() is None:
        for path in glob.glob(f"/proc/{process.pid}/task/*/schedstat"):
            try:
                with open(path) as file:
                    threads[int(path.split("/")[4])] = int(file.read().split()[0]) / 1e9
            except (OSError, IndexError):
                pass
        time.sleep(0.002)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {process.returncode}")
    return time.monotonic() - begin, [seconds for _, seconds in sorted(threads.items())]


def run(command):
    begin = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - begin


def batches(cores, count, own, printing):
    """The seconds of `count` batches, which take the first thread `own` seconds and whoever prints them `printing`."""
    ring = max(8, min(64, 4 * cores))
    idle = [0.0] * (cores - 1)  # when each of the other threads has printed its last batch
    waiting = deque()  # when each batch was submitted that no thread has begun
    ends = []  # when each of the others is printed
    now, submitted, written = 0.0, 0, 0
    while written < count:
        while waiting and idle:
            # The other threads begin the batches in order, each as soon as it is idle.
            thread = min(range(len(idle)), key=idle.__getitem__)
            start = max(idle[thread], waiting[0])
            if start > now:
                break
            waiting.popleft()
            idle[thread] = start + printing
            ends.append(idle[thread])
        if written < len(ends) and ends[written] <= now:
            written += 1
        elif submitted < count and submitted - written < ring:
            now += own
            submitted += 1
            waiting.append(now)
        elif waiting:
            # The ring is full: the first thread prints as well.
            waiting.popleft()
            now += printing
            ends.append(now)
        else:
            now = ends[written]
    return now


def pieces(cores, count, own, walking):
    """The seconds of `count` pieces, of which each takes `walking` seconds, in rounds, and `own` seconds in the first thread after it."""
    round_length = min(64, 8 * cores) if cores > 1 else 1
    seconds = 0.0
    while count > 0:
        taken = min(count, round_length)
        seconds += -(-taken // cores) * walking + taken * own
        count -= taken
    return seconds


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, path = sys.argv[1:]
    here = os.cpu_count() or 1
    copy = path + ".scaling-copy"
    packets = int(subprocess.run([program, "--count", "-r", path], capture_output=True, text=True, check=True).stdout.split()[0])
    size = os.path.getsize(path)
    print(f"{packets} packets, {size} bytes, {here} cores here")
    print("| work | first thread | others | " + " | ".join(map(str, CORES)) + f" | {here} measured | ends |")
    print("|---|" + "---|" * (len(CORES) + 4))
    for name, arguments, kind in WORKS:
        arguments = [copy if word == "COPY" else word for word in arguments]
        command = [program, "-r", path, *arguments]
        one = statistics.median(run([*command, "--threads", "1"]) for _ in range(ROUNDS))
        two = statistics.median(run([*command, "--threads", str(here)]) for _ in range(ROUNDS))
        # The first thread, and the sum of the others.
        samples = [measured([*command, "--threads", str(here + 1)])[1] for _ in range(ROUNDS)]
        first = statistics.median(threads[0] for threads in samples)
        others = statistics.median(sum(threads[1:]) for threads in samples)
        if kind == "batches":
            count = max(1, packets // BATCH)
            times = [batches(cores, count, first / count, others / count) for cores in CORES]
            limit = first
        else:
            # All threads have the same share of the pieces; what the first does beside them is its own.
            shared = [sorted(threads[1:]) for threads in samples]
            share = statistics.median(threads[len(threads) // 2] if threads else 0 for threads in shared)
            own = max(0.0, first - share)
            count = max(1, size // PIECE)
            times = [pieces(cores, count, own / count, (first + others - own) / count) for cores in CORES]
            limit = own
        gains = " | ".join(f"{times[0] / seconds:.1f}" for seconds in times)
        total = first + others
        end = f"{total / limit:.1f}" if limit > 0.005 * total else "-"
        print(f"| `{name}` | {first:.2f} s | {others:.2f} s | {gains} | {one / two:.1f} | {end} |", flush=True)
    if os.path.exists(copy):
        os.remove(copy)


if __name__ == "__main__":
    main()
