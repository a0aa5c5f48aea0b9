"""What the stack feed and the threads source cost a second, beside `py-spy top` in a terminal.

Run: python benchmarks/stack_feed.py [ROUNDS]. In turns on one target, tests/programs/five_threads.py (five busy
threads, 30 to 38 frames deep), each at its defaults and read once a second. CPU is that of the tools, of their
supervisor and of our own parsing, from WARM to WARM + SECONDS after the start. Nothing here asserts: machines are
noisy.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from razorprof.model.frame import SamplingReport
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.plugin.protocols import Source, SourceOptions
from razorprof.profilers.pyspy import find_py_spy
from razorprof.profilers.supervisor import SharedSupervisor
from razorprof.remote.process import CLOCK_TICKS, ProcessView
from razorprof.runtimes.cpython.stacks import StacksSource
from razorprof.runtimes.cpython.threads import ThreadsSource

WARM, SECONDS = 4.0, 8.0
PROGRAM = Path(__file__).parents[1] / "tests" / "programs" / "five_threads.py"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    contestants: dict[str, Callable[[int], tuple[float, str]]] = {
        "razorprof stacks": lambda pid: measure_source(pid, StacksSource),
        "razorprof threads": lambda pid: measure_source(pid, ThreadsSource),
        "py-spy top": measure_py_spy_top,
    }
    shares: dict[str, list[float]] = {name: [] for name in contestants}
    notes: dict[str, str] = {}
    lifetime = str(rounds * len(contestants) * (WARM + SECONDS + 5) + 30)
    with subprocess.Popen([sys.executable, PROGRAM, lifetime], stdout=subprocess.PIPE) as target:
        try:
            assert target.stdout is not None
            while target.stdout.readline() not in (b"ready\n", b""):
                pass
            for _ in range(rounds):
                for name, measure in contestants.items():
                    share, notes[name] = measure(target.pid)
                    shares[name].append(share)
        finally:
            target.kill()
    print(f"CPU, % of one core, over {SECONDS:g} s, {rounds} rounds\n")
    print(f"{'what':<20} {'median':>7} {'least':>7} {'most':>7}  notes")
    for name, found in shares.items():
        figures = " ".join(f"{value * 100:>7.2f}" for value in (statistics.median(found), min(found), max(found)))
        print(f"{name:<20} {figures}  {notes[name]}")


def measure_source(pid: int, kind: Callable[..., Source]) -> tuple[float, str]:
    shared = SharedSupervisor()
    shared.acquire()  # so that it is there, and its pid known, from the first window to the last figure
    reader = kind(supervisor=shared).open(Target(ProcessView(pid).identity, "benchmark"), SourceOptions())
    try:
        read_once_a_second(reader.read, WARM)
        supervisor = shared.pid
        assert supervisor is not None
        before = time.process_time() + cpu_of(supervisor, with_children=True)
        began = time.monotonic()
        readings = read_once_a_second(reader.read, SECONDS)
        used = time.process_time() + cpu_of(supervisor, with_children=True) - before
        passed = time.monotonic() - began
    finally:
        reader.close()
        shared.release()
    reports = [reading for reading in readings if isinstance(reading, SamplingReport)]
    return used / passed, describe(reports) if reports else "one read a second, dumps at their own pace"


def describe(reports: list[SamplingReport]) -> str:
    whole = reports[-1].start + reports[-1].seconds - reports[0].start
    covered = sum(report.seconds for report in reports) / whole
    return (
        f"{reports[-1].rate_hz:g} Hz, {sum(r.samples for r in reports)} stacks, {covered:.1%} of the time covered"
    )


def read_once_a_second(read: Callable[[], Iterable[Reading]], seconds: float) -> list[Reading]:
    readings: list[Reading] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        readings.extend(read())
        time.sleep(1.0)
    return readings


def measure_py_spy_top(pid: int) -> tuple[float, str]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [find_py_spy().path, "top", "--pid", str(pid)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    swallower = threading.Thread(target=swallow, args=(ours,), daemon=True)
    swallower.start()
    try:
        time.sleep(WARM)
        before, began = cpu_of(process.pid), time.monotonic()
        time.sleep(SECONDS)
        return (cpu_of(process.pid) - before) / (
            time.monotonic() - began
        ), "100 Hz, stops the target at each sample"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(5)
        swallower.join(5)
        os.close(ours)


def swallow(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # EIO: nobody holds the other side any more
        return


def cpu_of(pid: int, *, with_children: bool = False) -> float:
    """User and system seconds of a process; with those of children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11 : 15 if with_children else 13]) / CLOCK_TICKS


if __name__ == "__main__":
    main()
