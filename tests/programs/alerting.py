"""Targets of the ready rules: each grows, leaks or turns in circles as its argument says. Runs on Python 3.8+.

calm: workers that wait for work, and a little of it now and then; memory: 5 MiB more a second; filled: 64 MiB, a
second later; threads: ten more threads a second; descriptors: opens files until nearly all that it may have are
open; function: one function computes; gc: full collections, one after the other; gil: eight threads compute;
stuck: sleeps uninterruptibly.
Prints `ready` when it is under way, ends by itself after LIFETIME seconds (60).
"""

import ctypes
import gc
import os
import queue
import resource
import signal
import sys
import threading
import time

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))
MOST_FILES, MOST_THREADS = 200, 2000


def running():
    return time.monotonic() < UNTIL


def start(work, count=1):
    for _ in range(count):
        threading.Thread(target=work, daemon=True).start()


def calm():
    work = queue.Queue()

    def serve():
        while True:
            sum(range(work.get()))

    start(serve, 4)
    while running():
        work.put(2000)
        time.sleep(0.05)


def memory():
    keep = []
    while running():
        keep.append(b"x" * (256 << 10))
        time.sleep(0.05)


def filled():
    time.sleep(1)  # until it was put into its group
    keep = b"x" * (64 << 20)
    print("filled", flush=True)
    while running() and keep:
        time.sleep(0.1)


def threads():
    ever = threading.Event()
    while running():
        if threading.active_count() < MOST_THREADS:
            start(ever.wait)
        time.sleep(0.1)


def descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, MOST_FILES))
    keep = []
    while running():
        if len(keep) < MOST_FILES * 0.97 - 3:
            keep.append(os.open(os.devnull, os.O_RDONLY))
        time.sleep(0.02)


def compute():
    total = 0
    while running():
        for number in range(20000):
            total += number * number % 7
    return total


def collect():
    keep = [{"number": number} for number in range(100000)]
    while running() and keep:
        gc.collect()


def hang():
    """The thread that calls vfork(2) is in state D until its child ends."""
    libc = ctypes.CDLL(None)
    if libc.vfork() == 0:
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        libc.sleep(int(UNTIL - time.monotonic()))
        libc._exit(0)


def share_the_gil():
    start(compute, 7)
    compute()


KINDS = {
    "calm": calm,
    "memory": memory,
    "filled": filled,
    "threads": threads,
    "descriptors": descriptors,
    "function": compute,
    "gc": collect,
    "gil": share_the_gil,
    "stuck": hang,
}

if __name__ == "__main__":
    print("ready", flush=True)
    KINDS[sys.argv[1]]()
