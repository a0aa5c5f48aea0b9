"""Collects what advice needs while a session watches one target: figures over time, and its forked workers.

A tap of a session (`see`), and two looks at the workers, at the beginning and at the end. What is dear and hence
read slowly in a session (allocated blocks, unique memory) is read here by readers that are opened anew for it, so
that it is known at both ends. Called by the command line; not by the dashboard, which looks for hours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from razorprof.analysis.advice_observation import Observation, Trend, Worker, parse_version
from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.metric import Sample
from razorprof.model.scrape import Detected, Event, Reading, Scrape
from razorprof.model.target import Identity, Target
from razorprof.model.verdict import Verdict
from razorprof.plugin.loading import detect_runtime, sources
from razorprof.plugin.protocols import Detection, Source, SourceOptions
from razorprof.remote.process import ProcessView, all_processes
from razorprof.targets.endpoint import endpoint_of

MOST_WORKERS = 64
MOST_SERIES, MOST_POINTS = 2_000, 512  # kept for advice
LONGEST_LOOK = 2.0  # seconds for all workers: a large one takes some 100 ms
_FORKED = 0x40  # PF_FORKNOEXEC, include/linux/sched.h: forked, and still the program that forked it
_CPU, _RESIDENT = "process_cpu_seconds_total", "process_resident_memory_bytes"
_ARENAS, _BLOCKS, _UNIQUE = "python_arena_bytes", "python_allocated_blocks", "process_unique_memory_bytes"


@dataclass(frozen=True, slots=True)
class WorkerLook:
    """A forked worker at one moment."""

    identity: Identity
    unique: float | None
    gc: GcState | None


class Observing:
    """Of one target. `see` takes a session's events in its thread; `observation` is asked when it is over."""

    def __init__(self, target: Target, detection: Detection | None = None) -> None:
        """detection: of what runs there, as far as it is known."""
        self._target = target
        self._detection = detection or Detection("", None)
        self._states: list[GcState] = []
        self._gils: list[GilState] = []
        self._series: dict[str, _Points] = {}

    @property
    def seconds(self) -> float:
        """How much time the collector's states span."""
        return self._states[-1].time - self._states[0].time if self._states else 0.0

    @property
    def last(self) -> tuple[GcState | None, GilState | None]:
        """The newest states."""
        return (self._states[-1] if self._states else None), (self._gils[-1] if self._gils else None)

    def see(self, event: Event) -> None:
        """Take one event of the session."""
        if not isinstance(event, Scrape) or event.target.identity != self._target.identity:
            return
        for structure in event.structures:
            if isinstance(structure, GcState):
                self._states = [self._states[0], structure] if self._states else [structure]
            elif isinstance(structure, GilState):
                self._gils.append(structure)
            elif isinstance(structure, Detected):
                known = self._detection
                if structure.runtime and (structure.runtime, structure.version) != (known.runtime, known.version):
                    self._detection = Detection(structure.runtime, structure.version or known.version)
        self.note(event.time, event.samples)

    def note(self, time: float, samples: Iterable[Sample]) -> None:
        """Take samples that were read at one time."""
        for sample in samples:
            if not sample.labels and (sample.name in self._series or len(self._series) < MOST_SERIES):
                self._series.setdefault(sample.name, _Points()).add(time, sample.value)

    def observation(
        self, *, verdict: Verdict | None, before: Sequence[WorkerLook] = (), now: Sequence[WorkerLook] = ()
    ) -> Observation | None:
        """What was seen; None where the collector was not seen at all. before, now: looks at the workers."""
        if not self._states:
            return None
        cpu = self._trend(_CPU)
        cpu_seconds = cpu.points[-1][0] - cpu.points[0][0] if cpu is not None else 0.0
        # a GilState's shares cover its last two seconds: the first ones cover less, and say little
        held = [_most(state, "held_ratio") for state in self._gils[1:]]
        waiters = [_most(state, "mean_waiters") for state in self._gils[1:]]
        return Observation(
            pid=self._target.pid,
            seconds=self.seconds,
            version=parse_version(self._detection.version),
            before=self._states[0],
            now=self._states[-1],
            cpu=cpu.growth / cpu_seconds if cpu is not None and cpu_seconds > 0 else None,
            gil_held=_mean(held),
            gil_waiters=_mean(waiters),
            gil_switches=self._switches(),
            resident=self._trend(_RESIDENT),
            arenas=self._trend(_ARENAS),
            blocks=self._trend(_BLOCKS),
            verdict=verdict,
            workers=tuple(_workers(before, now)),
            runtime=self._detection.runtime,
            detail=self._detection.detail,
            series={name: trend for name in self._series if (trend := self._trend(name)) is not None},
        )

    def _trend(self, name: str) -> Trend | None:
        known = self._series.get(name)
        points = sorted(known.points) if known is not None else []
        return Trend(tuple(points)) if len(points) >= 2 else None

    def _switches(self) -> int | None:
        ends = [[gil.switches for gil in state.gils] for state in (self._gils[:1] + self._gils[-1:])]
        known = [[count for count in end if count is not None] for end in ends]
        if len(known) < 2 or not known[0] or len(known[0]) != len(known[1]):
            return None
        more = sum(known[1]) - sum(known[0])
        return more if more >= 0 else None  # else another program runs there now


class _Points:
    """One series over time, thinned out where it grows long: the first and the newest value stay."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self._every, self._skipped = 1, 0

    def add(self, time: float, value: float) -> None:
        if self._skipped and self.points:
            self.points.pop()  # the newest one stood in for those that are left out
        self.points.append((time, value))
        self._skipped = (self._skipped + 1) % self._every
        if len(self.points) >= MOST_POINTS and not self._skipped:
            newest, self.points = self.points[-1], self.points[::2]
            self.points.append(newest)
            self._skipped = self._every
            self._every *= 2


def read_now(target: Target, *names: str) -> list[Reading]:
    """One read of some of the target's sources (gc, process), each by a reader of its own. What cannot be read is
    left out."""
    found: list[Reading] = []
    for source in _sources(target.pid):
        if source.name not in names:
            continue
        with contextlib.suppress(RazorprofError, OSError):
            reader = source.open(target, SourceOptions(url=endpoint_of(target)))
            try:
                found.extend(reader.read())
            finally:
                reader.close()
    return found


def look_at_workers(target: Target, clock: Clock | None = None) -> list[WorkerLook]:
    """The children that were forked off and still run the target's program, each with its unique memory. As many
    as LONGEST_LOOK allows, the lowest pids first, so that a second look sees the same ones."""
    clock = clock or SystemClock()
    deadline = clock.monotonic() + LONGEST_LOOK
    looks: list[WorkerLook] = []
    for view in _forked_children(target.pid):
        if clock.monotonic() >= deadline:
            break
        with contextlib.suppress(RazorprofError):
            worker = Target(view.identity, view.comm())
            readings = read_now(worker, "gc", "process")
            samples = [reading for reading in readings if isinstance(reading, Sample)]
            unique = next((sample.value for sample in samples if sample.name == _UNIQUE), None)
            state = next((reading for reading in readings if isinstance(reading, GcState)), None)
            looks.append(WorkerLook(view.identity, unique, state))
    return looks


def _sources(pid: int) -> Iterator[Source]:
    yield from sources()
    found = None
    with contextlib.suppress(RazorprofError):
        found = detect_runtime(ProcessView(pid))
    if found is not None:
        yield from found[0].sources(found[1])


def _forked_children(parent: int) -> Iterator[ProcessView]:
    number = 0
    for view in all_processes():
        with contextlib.suppress(RazorprofError):
            stat = view.stat()
            if stat.ppid == parent and stat.flags & _FORKED and not stat.has_ended and number < MOST_WORKERS:
                number += 1
                yield view


def _workers(before: Sequence[WorkerLook], now: Sequence[WorkerLook]) -> Iterator[Worker]:
    earlier = {look.identity: look for look in before}
    for look in now:
        first = earlier.get(look.identity)
        collector = look.gc.interpreters[0] if look.gc is not None and look.gc.interpreters else None
        full = 0
        if first is not None and first.gc is not None and look.gc is not None:
            full = max(0, _full(look.gc) - _full(first.gc))
        yield Worker(
            pid=look.identity.pid,
            unique_before=None if first is None else first.unique,
            unique_now=look.unique,
            frozen=None if collector is None else collector.frozen,
            full_collections=full,
            enabled=None if collector is None else collector.enabled,
        )


def _full(state: GcState) -> int:
    return sum(part.generations[-1].collections for part in state.interpreters if part.generations)


def _most(state: GilState, what: str) -> float | None:
    """Of the lock that is held most, where there are several."""
    busiest = max(state.gils, key=lambda gil: gil.held_ratio or 0.0, default=None)
    value = None if busiest is None else getattr(busiest, what)
    return None if value is None else float(value)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
