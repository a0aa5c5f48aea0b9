"""What reading a CPython's memory costs, with `py-spy dump` beside it in the same run.

Run: python benchmarks/cpython_read.py [PYTHON]. The target (PYTHON, /usr/bin/python3 by default) has four busy
threads and 200,000 objects. Attach and snapshot are wall time, median of many; looks and the whole source are CPU
time of this process over some seconds; the target's own throughput is counted in turns, read at 100 looks a second
and left alone.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError
from razorprof.model.target import Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.profilers.pyspy import find_py_spy
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.attach import attach
from razorprof.runtimes.cpython.detect import detect_python
from razorprof.runtimes.cpython.gc_source import GcReader, GcSource
from razorprof.runtimes.cpython.gil import WaiterWatch
from razorprof.runtimes.cpython.looks import Looks, Watched
from razorprof.runtimes.cpython.snapshot import SnapshotTaker

SECONDS = 4.0
ROUNDS = 6

TARGET = """
import sys, threading, time
keep = [[] for _ in range(200000)]
done = 0
def work():
    global done
    while True:
        sum(range(1000)); done += 1
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    print(done, flush=True)
"""


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/python3"
    with subprocess.Popen(
        [python, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as target:
        assert target.stdout is not None
        assert target.stdin is not None
        target.stdout.readline()
        process = ProcessView(target.pid)
        print(f"target: {python}, {detect_python(process)}\n")
        show("detect, binary known", "µs", timed(lambda: detect_python(ProcessView(target.pid)), 100) * 1e6)
        show("attach, binary known", "µs", timed(lambda: attach(ProcessView(target.pid)).close(), 100) * 1e6)
        attachment = attach(process)
        taker = SnapshotTaker(attachment.memory, attachment.runtime, attachment.calibrated)
        show("snapshot of collectors and GIL", "µs", timed(taker.take, 1000) * 1e6)
        main_interpreter = taker.interpreters[0]
        assert main_interpreter.gc is not None
        assert main_interpreter.gil is not None
        watched = Watched(
            ((0, main_interpreter.gc + attachment.calibrated.layout.gc.collecting),), (main_interpreter.gil,)
        )
        looks = Looks(attachment.memory, watched, per_second=100, clock=SystemClock())
        show("one look", "µs", timed(looks.look, 1000) * 1e6)
        waiters = WaiterWatch(process)
        gil = main_interpreter.gil
        show("who waits, 5 threads", "µs", timed(lambda: waiters.waiters([gil]), 200) * 1e6)
        waiters.close()
        attachment.close()
        for rate in (50.0, 100.0):
            reader = opened(target.pid, rate)
            list(reader.read())
            show(f"source at 1/s with {rate:.0f} looks/s", "% of a core", 100 * cpu_share(reader))
            reader.close()
        try:
            dump = [str(find_py_spy().path), "dump", "--nonblocking", "--pid", str(target.pid)]
            children = cpu(resource.RUSAGE_CHILDREN)
            took = timed(lambda: subprocess.run(dump, capture_output=True, check=False, timeout=30), 10)
            share = (cpu(resource.RUSAGE_CHILDREN) - children) / 10
            show("py-spy dump, wall / CPU each", "µs", took * 1e6)
            show("", "µs", share * 1e6)
        except RazorprofError as error:
            print(f"py-spy: {error}")
        alone, read = throughput(target, target.pid)
        show("target's work per second, left alone", "", alone)
        show("the same, read at 100 looks/s", f"({read / alone - 1:+.1%})", read)
        target.stdin.close()
        target.kill()


def opened(pid: int, rate: float) -> GcReader:
    return GcSource(looks_per_second=rate).open(Target(ProcessView(pid).identity, "benchmark"), SourceOptions())


def cpu_share(reader: GcReader) -> float:
    """CPU seconds a second of reads once a second, looks included."""
    started, before = time.monotonic(), cpu(resource.RUSAGE_SELF)
    while time.monotonic() - started < SECONDS:
        time.sleep(1.0)
        list(reader.read())
    return (cpu(resource.RUSAGE_SELF) - before) / (time.monotonic() - started)


def throughput(target: subprocess.Popen[str], pid: int) -> tuple[float, float]:
    """(alone, read): what the target did a second, medians of turns of one second each."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * ROUNDS):
        reading = bool(turn % 2)
        reader = opened(pid, 100.0) if reading else None
        before, started = done(target), time.monotonic()
        time.sleep(1.0)
        if reader is not None:
            list(reader.read())
        rates[reading].append((done(target) - before) / (time.monotonic() - started))
        if reader is not None:
            reader.close()
    return statistics.median(rates[False]), statistics.median(rates[True])


def done(target: subprocess.Popen[str]) -> int:
    assert target.stdin is not None
    assert target.stdout is not None
    target.stdin.write("\n")
    target.stdin.flush()
    return int(target.stdout.readline())


def timed(call: Callable[[], object], times: int) -> float:
    """Median seconds of one call."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def show(what: str, unit: str, value: float) -> None:
    print(f"{what:<40} {value:>10.2f} {unit}")


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    main()
