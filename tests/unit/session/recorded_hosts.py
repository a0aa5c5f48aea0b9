"""Recordings of several hosts for tests: one process each, whose figures and stacks tell whose they are."""

from __future__ import annotations

from pathlib import Path

from razorprof.clock import ManualClock
from razorprof.model.frame import Frame, SamplingReport, StackSample, ThreadId
from razorprof.model.metric import Sample, counter
from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_ring import Ring
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_sink import SegmentBounds
from razorprof.recording.rzp_writer import RecordingWriter
from razorprof.session.pipeline import Pipeline
from razorprof.session.view import Overhead
from razorprof.store.memory import MemoryStore

START = 1_700_000_000.0
CPU = counter("process_cpu_seconds_total", "seconds", "cpu")


def a_target(pid: int = 7, start_ticks: int = 99) -> Target:
    return Target(Identity(pid, start_ticks), "web", 50.0)


def record_host(
    path: Path,
    host: str,
    seconds: range,
    *,
    late: float = 0.0,
    rate: float = 0.5,
    target: Target | None = None,
    ends: bool = False,
    ring: Ring | None = None,
) -> Path:
    """A recording of `host` with a tick each second of the range, `late` seconds after it. rate: CPU seconds a
    second; ends: the process ends at the last tick; ring: into it, and not into the path."""
    header = Header(host.encode().ljust(16)[:16] if ring is None else bytes(16), START, host, "test", 1.0)
    sink = SingleFile.create(path, header) if ring is None else ring
    writer = RecordingWriter(sink, header, clock=ManualClock(), bounds=SegmentBounds(ticks=20))
    feed_host(writer, host, seconds, late=late, rate=rate, target=target, ends=ends)
    writer.close()
    assert writer.error is None
    return path


def feed_host(
    writer: RecordingWriter,
    host: str,
    seconds: range,
    *,
    late: float = 0.0,
    rate: float = 0.5,
    target: Target | None = None,
    ends: bool = False,
) -> None:
    """What is recorded of a host, into a writer."""
    target = target or a_target()
    pipeline = Pipeline(MemoryStore(), host=host, overhead=lambda time: Overhead(), recorder=writer)
    pipeline.declare("process", (CPU,))
    pipeline.add(target, f"web on {host}")
    for second in seconds:
        now = START + second + late
        report = SamplingReport(now - 1, 1.0, 10, 10, 0, 10.0, "nonblocking")
        stacks = (StackSample((Frame(f"on_{host}", "a.py", 1),), rate, ThreadId(7)),)
        pipeline.feed(Scrape(target, "process", now - 0.01, 0.001, (Sample(CPU, rate * second),)))
        pipeline.feed(Scrape(target, "stacks", now - 0.005, 0.0, stacks=stacks, structures=(report,)))
        if ends and second == seconds[-1]:
            pipeline.feed(Ended(target, now, "exit status 1"))
        pipeline.feed(Tick(now, second))
