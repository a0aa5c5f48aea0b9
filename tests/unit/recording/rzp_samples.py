"""Recordings made by hand for tests: a target with figures, stacks and a collector, tick by tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from razorprof.clock import ManualClock
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge
from razorprof.model.scrape import Detected, Event, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_writer import RecordingWriter

START = 1_700_000_000.0
TARGET = Target(Identity(7, 99), "web", 50.0)
CPU = counter("process_cpu_seconds_total", "seconds", "cpu")
RSS = gauge("process_resident_memory_bytes", "bytes", "rss")
HEADER = Header(bytes(range(16)), START, "box", "razorprof 0", 1.0)
DETECTED = Scrape(
    TARGET,
    "runtime",
    START,
    0.001,
    structures=(Detected(TARGET, START, "cpython", "3.11.7", name="web", command="python web.py"),),
)


def a_tick(second: int, *, depth: int = 3) -> list[Event]:
    """What is read in one second, and its tick."""
    time = START + second
    report = SamplingReport(time - 1, 1.0, 20, 10, 0, 20.0, "nonblocking")
    stack = tuple(Frame("descend", "web.py", line) for line in range(1, depth))
    stacks = (
        StackSample((*stack, Frame("work", "web.py", 9)), 0.6, ThreadId(7, "main")),
        StackSample((*stack, Frame("wait", "web.py", 12)), 0.1 * (second % 5), ThreadId(8, "other")),
    )
    figures = (Sample(CPU, 10 + 0.37 * second), Sample(RSS, 5e6 + 4096 * (second % 7), Labels(kind="a")))
    return [
        Scrape(TARGET, "process", time + 0.001, 0.002, figures),
        Scrape(TARGET, "stacks", time + 0.002, 0.0001, stacks=stacks, structures=(report,)),
        Tick(time, second),
    ]


def events(seconds: int) -> Iterator[Event]:
    yield DETECTED
    for second in range(1, seconds + 1):
        yield from a_tick(second)


def a_writer(
    path: Path,
    *,
    bounds: SegmentBounds | None = None,
    max_bytes: int | None = None,
    clock: ManualClock | None = None,
) -> RecordingWriter:
    sink = SingleFile.create(path, HEADER, max_bytes=max_bytes)
    return RecordingWriter(sink, HEADER, clock=clock or ManualClock(), bounds=bounds)


def record(path: Path, what: Iterable[Event], *, bounds: SegmentBounds | None = None) -> Path:
    """Write events as a recording that was ended in order."""
    writer = a_writer(path, bounds=bounds)
    for event in what:
        writer(event)
    writer.close()
    assert writer.error is None
    return path
