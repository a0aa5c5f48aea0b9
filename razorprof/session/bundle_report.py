"""From a bundle's parts to its HTML report. For session.bundle only; the page is render.report's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from razorprof.recording.bundle import Manifest
from razorprof.render.catalog import FIGURES
from razorprof.render.report import Report, report_page
from razorprof.render.report_plots import Plot
from razorprof.render.trace import Trace

if TYPE_CHECKING:
    from razorprof.session.bundle import Parts

_PLOTTED = (  # in the order of the page; what is nought all the time is left out below the line
    *("cpu", "rss", "gil_held", "gc_time", "threads", "unique", "arenas"),
    *("gil_waiters", "run_delay", "read", "written", "fds", "swap", "throttled"),
    *("working_set", "pressure_cpu", "pressure_memory", "pressure_io", "faults_major", "involuntary"),
)
_ALWAYS = frozenset(_PLOTTED[:5])
_KINDS = {
    "process": "facts of the process",
    "metrics": "series over time",
    "threads": "all threads at one moment",
    "cpu": "CPU profile",
    "heap": "allocations held at the peak",
    "memory": "memory by kind",
    "gc": "garbage collector and GIL",
    "findings": "verdict, deadlocks, advice",
    "doctor": "what razorprof may see",
}


def make_report(parts: Parts, manifest: Manifest) -> bytes:
    """The page's content, UTF-8."""
    seen, target = parts.seen, manifest.target
    page = report_page(
        Report(
            pid=parts.target.pid,
            name=parts.target.name,
            host=manifest.host,
            created=manifest.created,
            seconds=manifest.seconds,
            runtime=str(target["runtime"] or ""),
            version=str(target["version"] or ""),
            ended=manifest.ended,
            interrupted=manifest.interrupted,
            redacted=manifest.redacted,
            verdict=seen.verdict,
            advice=seen.advice,
            dump=parts.dump,
            plots=[
                Plot(FIGURES[key].label, trace, FIGURES[key].show)
                for key in _PLOTTED
                if (trace := seen.traces.get(key)) is not None and (key in _ALWAYS or _moves(trace))
            ],
            cpu=parts.cpu,
            heap=None if parts.heap is None else parts.heap.peak,
            gc=seen.gc,
            gil=seen.gil,
            memory=parts.memory,
            facts=parts.facts,
            checks=parts.checks,
            skipped=dict(parts.skipped),
            links=[(piece.path, _KINDS.get(piece.kind, piece.kind)) for piece in parts.pieces],
        )
    )
    return page.encode(errors="backslashreplace")


def _moves(trace: Trace) -> bool:
    return bool(trace.high)
