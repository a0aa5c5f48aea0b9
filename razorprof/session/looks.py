"""Looks for the verdict, out of the samples and structures of a target: counters become rates between ticks."""

from __future__ import annotations

from collections import deque

from razorprof.analysis.limits import Look
from razorprof.model.scrape import Scrape
from razorprof.model.threads import ThreadDump
from razorprof.session.gc_series import COUNTERS

WINDOW = 5.0  # seconds of looks that a verdict rests on
THREADS_WINDOW = 20.0  # and of thread states, which are instants

_COUNTERS = {
    "process_cpu_seconds_total": "cpu",
    "process_run_delay_seconds_total": "run_delay",
    "container_cpu_cfs_throttled_seconds_total": "throttled",
    "container_pressure_memory_waiting_seconds_total": "memory_stalled",
}
_SIBLING_GAUGES = {
    "process_resident_memory_bytes": "rss",
    "process_threads": "threads",
    "process_open_fds": "fds",
}
_GAUGES = {"python_gil_held_ratio": "gil_held", "python_gil_waiters": "gil_waiters"}


class LookMaker:
    """One per target. `see` takes scrapes as they come, `looks` is asked once a tick."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, float]] = {}
        self._rates: dict[str, float] = {}
        self._figures: dict[str, float] = {}
        self._io: dict[str, float] = {}
        self._threads: ThreadDump | None = None
        self._dumps: deque[ThreadDump] = deque()
        self._given: dict[str, set[str]] = {}
        self._last_tick: float | None = None
        self._looks: deque[Look] = deque()

    def see(self, scrape: Scrape) -> None:
        """Take what matters of a scrape. What a source gave is unknown once it fails."""
        if scrape.error is not None:
            for figure in self._given.pop(scrape.source, ()):
                self._rates.pop(figure, None)
                self._before.pop(figure, None)
        before = set(self._rates)
        gc: list[float] = []
        for sample in scrape.samples:
            name = sample.name
            if name in _COUNTERS:
                self._count(_COUNTERS[name], scrape.time, sample.value)
            elif name in COUNTERS:  # one series a collector
                gc.append(sample.value)
            elif name in _GAUGES:
                self._rates[_GAUGES[name]] = sample.value
            elif name in _SIBLING_GAUGES:
                self._figures[_SIBLING_GAUGES[name]] = sample.value
            elif name == "process_io_bytes_total":
                self._io[sample.labels.get("direction", "")] = sample.value
            elif name == "process_page_faults_total" and sample.labels.get("kind") == "major":
                self._count("major_faults", scrape.time, sample.value)
        if gc:
            self._count("gc", scrape.time, sum(gc))
        if self._io:
            self._count("io", scrape.time, sum(self._io.values()))
        self._given.setdefault(scrape.source, set()).update(self._rates.keys() - before)
        for structure in scrape.structures:
            if isinstance(structure, ThreadDump):
                self._threads = structure
                self._dumps.append(structure)
                while self._dumps[0].time < structure.time - THREADS_WINDOW:
                    self._dumps.popleft()

    def figures(self) -> dict[str, float]:
        """What workers are compared by: cpu (cores), rss (bytes), threads, fds, io (bytes per second)."""
        rates: dict[str, float] = {name: self._rates[name] for name in ("cpu", "io") if name in self._rates}
        return {**self._figures, **rates}

    @property
    def dumps(self) -> tuple[ThreadDump, ...]:
        """The threads as they were in the last 20 seconds."""
        return tuple(self._dumps)

    def looks(self, time: float, *, stopped: bool) -> tuple[Look, ...]:
        """The looks of the last seconds, with the one of this tick."""
        if self._last_tick is not None and time > self._last_tick:
            rates = self._rates
            threads, self._threads = self._threads, None  # a dump counts once
            self._looks.append(
                Look(
                    time - self._last_tick,
                    cpu=rates.get("cpu"),
                    threads=threads,
                    gc=rates.get("gc"),
                    gil_held=rates.get("gil_held"),
                    gil_waiters=rates.get("gil_waiters"),
                    throttled=rates.get("throttled"),
                    run_delay=rates.get("run_delay"),
                    memory_stalled=rates.get("memory_stalled"),
                    major_faults=rates.get("major_faults"),
                    stopped=stopped,
                )
            )
        self._last_tick = time
        total = 0.0
        kept: list[Look] = []
        for look in reversed(self._looks):
            if kept and total + look.seconds > WINDOW * 1.01:
                break
            total += look.seconds
            kept.append(look)
        while len(self._looks) > len(kept):
            self._looks.popleft()
        return tuple(reversed(kept))

    def _count(self, figure: str, time: float, value: float) -> None:
        before = self._before.get(figure)
        self._before[figure] = (time, value)
        if before is not None and time > before[0] and value >= before[1]:
            self._rates[figure] = (value - before[1]) / (time - before[0])
