"""What advice rests on: a process at the beginning and at the end of some seconds, and what was seen in between.

Filled by session.observing; read by the other advice modules. Figures that could not be had are None, and advice
that needs them stays silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from razorprof.model.gc import GcState, InterpreterGc
from razorprof.model.metric import Quality
from razorprof.model.verdict import Verdict

# Below it neither the sampled shares (2 s windows at 50 looks a second) nor a slope of memory mean anything.
SHORTEST_SECONDS = 5.0
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Trend:
    """A gauge over time: (Unix seconds, value), ascending; at least one point."""

    points: tuple[tuple[float, float], ...]

    @property
    def first(self) -> float:
        return self.points[0][1]

    @property
    def last(self) -> float:
        return self.points[-1][1]

    @property
    def growth(self) -> float:
        """From the first to the last value."""
        return self.last - self.first

    def grows_steadily(self) -> bool:
        """Whether most of a growth is spread over the time: each quarter is higher than the one before, by a
        tenth of the growth at least in all but one. A jump, a plateau and a saw's teeth do not."""
        if len(self.points) < _PARTS or self.growth <= 0:
            return False
        start, end = self.points[0][0], self.points[-1][0]
        parts: list[list[float]] = [[] for _ in range(_PARTS)]
        for time, value in self.points:
            parts[min(_PARTS - 1, int(_PARTS * (time - start) / ((end - start) or 1.0)))].append(value)
        if not all(parts):
            return False
        means = [sum(part) / len(part) for part in parts]
        steps = [later - earlier for earlier, later in pairwise(means)]
        risen = sum(step >= 0.1 * self.growth for step in steps)
        return risen >= len(steps) - 1 and min(steps) > -0.1 * self.growth


@dataclass(frozen=True, slots=True)
class Collector:
    """One interpreter's collector between two states. Differences are over the observation."""

    before: InterpreterGc
    now: InterpreterGc

    def collections(self, generation: int) -> int:
        return self._more(generation, "collections")

    def collected(self, generation: int) -> int:
        return self._more(generation, "collected")

    def uncollectable(self) -> int:
        return sum(self._more(number, "uncollectable") for number in range(len(self.now.generations or ())))

    def threshold(self, generation: int) -> int:
        return (self.now.generations or ())[generation].threshold

    @property
    def pending_growth(self) -> int:
        """By how much the youngest generation's count rose: container objects, less those that died."""
        return (self.now.generations or ())[0].count - (self.before.generations or ())[0].count

    @property
    def thresholds(self) -> tuple[int, ...]:
        return tuple(generation.threshold for generation in self.now.generations or ())

    @property
    def seconds(self) -> float | None:
        """Time in the collector, None where it is not known."""
        if self.now.gc_seconds is None or self.before.gc_seconds is None:
            return None
        return max(0.0, self.now.gc_seconds - self.before.gc_seconds)

    @property
    def quality(self) -> Quality:
        return self.now.gc_seconds_quality

    def _more(self, generation: int, what: str) -> int:
        after = (self.now.generations or ())[generation]
        earlier = (self.before.generations or ())[generation]
        return int(getattr(after, what)) - int(getattr(earlier, what))


@dataclass(frozen=True, slots=True)
class Worker:
    """A child that was forked and goes on with its parent's program. Bytes are unique ones: what it shares with
    nobody; frozen: objects; full_collections: how many it ran in the observation."""

    pid: int
    unique_before: float | None
    unique_now: float | None
    frozen: int | None
    full_collections: int
    enabled: bool | None


@dataclass(frozen=True, slots=True)
class Observation:
    """seconds: between `before` and `now`; version: of a CPython, None where it is not known.

    cpu: cores used; gil_held, gil_waiters: averages; gil_switches: of all locks, in the observation; threads:
    at the end. resident, arenas: bytes; blocks: in Python's allocator. verdict: what limits it, at the end.
    runtime, detail: as it was detected; series: every series of the target that has no labels, by name (also in
    `resident` and the like); a histogram's come with their suffix.
    """

    pid: int
    seconds: float
    version: tuple[int, int, int] | None
    before: GcState
    now: GcState
    cpu: float | None = None
    gil_held: float | None = None
    gil_waiters: float | None = None
    gil_switches: int | None = None
    threads: int | None = None
    resident: Trend | None = None
    arenas: Trend | None = None
    blocks: Trend | None = None
    verdict: Verdict | None = None
    workers: tuple[Worker, ...] = ()
    runtime: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Trend] = field(default_factory=dict)

    @property
    def is_long_enough(self) -> bool:
        return self.seconds >= SHORTEST_SECONDS

    def collectors(self) -> Iterator[Collector]:
        """The collectors that were there all the time, with three generations each."""
        earlier = {interpreter.id: interpreter for interpreter in self.before.interpreters}
        for interpreter in self.now.interpreters:
            before = earlier.get(interpreter.id)
            if before is not None and len(before.generations or ()) == len(interpreter.generations or ()) == 3:
                pair = Collector(before, interpreter)
                if all(pair.collections(number) >= 0 for number in range(3)):  # else another program runs now
                    yield pair

    @property
    def is_incremental(self) -> bool:
        """Python 3.14.0 to 3.14.4 collect in small steps: thresholds mean something else there."""
        return self.version is not None and (3, 14, 0) <= self.version <= (3, 14, 4)

    @property
    def gc_share(self) -> float | None:
        """Time in all collectors as a share of the time that passed; None where it is not known."""
        known = [pair.seconds for pair in self.collectors() if pair.seconds is not None]
        return min(1.0, sum(known) / self.seconds) if known and self.seconds > 0 else None


_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def parse_version(text: str | None) -> tuple[int, int, int] | None:
    """(3, 11, 7) from ``3.11.7``; the micro is 0 where it is not told."""
    found = _VERSION.match(text or "")
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
