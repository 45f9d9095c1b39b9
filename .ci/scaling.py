#!/usr/bin/env python3
"""Shows how far more cores help to read a capture file: .ci/scaling.py APUS FILE

Few machines for tests have 16 cores. So the share of each thread is measured in runs with so many threads that none has to do another's
work, and their course on 2 to 16 cores is simulated from that: for text (Sources/ApusCLI/TextWorkers.swift), the batches that the first
thread collects and writes, and the others print, through a ring of limited size; for counts and copies (PieceWalk.swift), the rounds of
pieces that all threads work on, what the first does between them, and the thread that writes a copy. The last columns are the measured
gain of all cores of this machine, and the gain that no number of cores exceeds.

Not simulated: the memory and caches that cores share. Nothing else should run meanwhile.
"""

import glob
import os
import statistics
import subprocess
import sys
import time
from collections import deque

CORES = (1, 2, 3, 4, 5, 6, 8, 16)
ROUNDS = 3
THREADS = 16  # of the runs whose threads are measured
BATCH = 256  # packets (TextWorkers.batchCount)
PIECE = 1 << 22  # bytes (PieceWalk.pieceLength)
FILTER = "tcp port 80"
# Name, arguments, and how the work is divided.
WORKS = (
    ("-nn", ["-nn"], "batches"),
    ("-envv", ["-envv"], "batches"),
    ("-nnX", ["-nnX"], "batches"),
    ("--json", ["--json"], "batches"),
    ("--count", ["--count"], "pieces"),
    (f"--count '{FILTER}'", ["--count", FILTER], "pieces"),
    ("--stats all", ["--stats", "all"], "pieces"),
    (f"-w FILE '{FILTER}'", ["-w", "COPY", FILTER], "copy"),
)


def measured(command):
    """The processor seconds of the threads of a run, in the order of their start."""
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
    return [seconds for _, seconds in sorted(threads.items())]


def run(command):
    """The seconds of a run."""
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
    round_length = min(32, 8 * cores) if cores > 1 else 1
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
    copy = path + ".copy"
    packets = int(subprocess.run([program, "--count", "-r", path], capture_output=True, text=True, check=True).stdout.split()[0])
    size = os.path.getsize(path)
    os.sync()
    print(f"{packets} packets, {size} bytes, {here} cores here")
    print("| work | one thread | first of several | others | " + " | ".join(map(str, CORES[1:])) + f" | {here}, measured | at most |")
    print("|---|" + "---|" * (len(CORES) + 4))
    for name, arguments, kind in WORKS:
        arguments = [copy if word == "COPY" else word for word in arguments]
        command = [program, "-r", path, *arguments]
        pairs = [(run([*command, "--threads", "1"]), run([*command, "--threads", str(here)])) for _ in range(ROUNDS)]
        one = statistics.median(one for one, _ in pairs)
        gain = statistics.median(one / several for one, several in pairs)
        samples = [measured([*command, "--threads", str(THREADS)]) for _ in range(ROUNDS)]
        first = statistics.median(threads[0] for threads in samples)
        others = statistics.median(sum(threads[1:]) for threads in samples)
        # So many threads on few cores disturb each other. The sum is that of a run with one thread for each core.
        scale = statistics.median(sum(measured([*command, "--threads", str(here)])) for _ in range(ROUNDS)) / (first + others)
        first, others = first * scale, others * scale
        if kind == "batches":
            count = max(1, packets // BATCH)
            times = [batches(cores, count, first / count, others / count) for cores in CORES]
            least = first
        else:
            # The thread that writes is started last.
            writing = scale * statistics.median(threads[-1] for threads in samples) if kind == "copy" else 0.0
            # All others have the same share of the pieces; what the first does beside them is its own.
            share = scale * statistics.median(statistics.median(threads[1:THREADS]) for threads in samples)
            own = max(0.0, first - share)
            count = max(1, size // PIECE)
            walking = first + others - own - writing
            times = [
                max(writing, pieces(cores, count, own / count, walking / count) + (writing if cores == 1 else 0)) for cores in CORES
            ]
            least = max(own, writing)
        # One thread does less than several: it has no batches, and no beginnings of pieces to find.
        gains = " | ".join(f"{one / seconds:.1f}" for seconds in times[1:])
        most = f"{one / least:.1f}" if least > 0 else ""
        print(f"| `{name}` | {one:.2f} s | {first:.2f} s | {others:.2f} s | {gains} | {gain:.1f} | {most} |", flush=True)
    if os.path.exists(copy):
        os.remove(copy)


if __name__ == "__main__":
    main()
