"""What reading a process costs: our source beside plain psutil, and the threads' figures for 5 and 150 threads.

Run: python benchmarks/process_source.py. The contestants take turns in one run, on the same target; figures are
CPU time of the reading thread per read, the mean over READS reads, the median of ROUNDS rounds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from razorprof.clock import ManualClock
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskReader
from razorprof.remote.waits import WaitReader
from razorprof.sources.cgroup import CgroupReader
from razorprof.sources.process import ProcessReader

ROUNDS, READS = 15, 20

# A target of some size, so that smaps_rollup has something to walk: threads sleep, none works.
TARGET = """
import sys, threading
block = [bytearray(1 << 20) for _ in range(100)]
stop = threading.Event()
for _ in range(int(sys.argv[1]) - 1):
    threading.Thread(target=stop.wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def main() -> None:
    print(f"median CPU per read, {ROUNDS} rounds of {READS} reads\n")
    print(f"{'threads':>7}  {'what':<58} {'µs':>9} {'% of a core at 1 s':>19}")
    for threads in (5, 150):
        with subprocess.Popen(
            [sys.executable, "-c", TARGET, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            for name, seconds in measure(contestants(process.pid)).items():
                print(f"{threads:>7}  {name:<58} {seconds * 1e6:>9.0f} {seconds * 100:>18.3f}%")
            process.stdin.close()
        print()


def contestants(pid: int) -> dict[str, Callable[[], object]]:
    view = ProcessView(pid)
    target = Target(view.identity, "benchmark")
    clock = ManualClock()
    paced = ProcessReader(target, SourceOptions(clock=clock))
    everything = ProcessReader(target, SourceOptions(clock=clock))
    plain = psutil.Process(pid)
    kept, waits = TaskReader(view), WaitReader(view)

    def paced_read() -> object:
        clock.advance(1.0)  # dear figures come at their own pace, as in a live session
        return paced.read()

    def full_read() -> object:
        clock.advance(100.0)  # every figure is due
        return everything.read()

    def psutil_basics() -> object:
        with plain.oneshot():
            return (
                plain.cpu_times(), plain.memory_info(), plain.io_counters(), plain.num_fds(), plain.num_threads(),
                plain.num_ctx_switches(), plain.create_time(),
            )  # fmt: skip

    def psutil_all() -> object:
        with plain.oneshot():
            return psutil_basics(), plain.memory_full_info(), plain.rlimit(psutil.RLIMIT_NOFILE), plain.threads()

    def described() -> object:
        waits.start_look()
        return [waits.describe(task) for task in kept.read(with_syscalls=True)]

    return {
        "process source, as in a session (1 s)": paced_read,
        "process source, every figure due": full_read,
        "psutil: the 7 basic figures (switches of one thread)": psutil_basics,
        "psutil: with unique memory and threads": psutil_all,
        "cgroup source": CgroupReader(view, target).read,
        "threads: state and times, descriptors kept": kept.read,
        "threads: the same, opened anew each time": TaskReader(view, most_open=0).read,
        "threads: with system calls and what they wait for": described,
        "psutil: threads() (times only, no state, no name)": plain.threads,
    }


def measure(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """CPU seconds per call, in turns, so that a noisy moment hits all alike."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.thread_time()
            for _ in range(READS):
                call()
            rounds[name].append((time.thread_time() - began) / READS)
    return {name: statistics.median(seconds) for name, seconds in rounds.items()}


if __name__ == "__main__":
    main()
