"""What the collector did over the window: counters between looks, and what memory did around full collections.

Filled by tui.garbage for the GC screen only; drawn by render.garbage and render.garbage_time. Everything here is
what was counted from look to look: a single collection is not seen, only how many there were between two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from razorprof.model.series import Floats
from razorprof.render.trace import EMPTY, Trace, growth_trace

FULL = 2  # the generation whose collections look at every object
_SLACK = 2.0  # a figure may be this many distances between looks away from them, else it tells nothing of them


@dataclass(frozen=True, slots=True)
class GarbageHistory:
    """Counters as they are, oldest first. collections, collected: by generation, over all interpreters; rates:
    collections a second by (interpreter, generation), where there are several; seconds: time in GC; resident,
    arenas: bytes; pauses: cumulative buckets of the histogram by upper bound, only where Python records each
    collection's length."""

    collections: Mapping[int, Trace] = field(default_factory=dict)
    collected: Mapping[int, Trace] = field(default_factory=dict)
    rates: Mapping[tuple[int, int], Trace] = field(default_factory=dict)
    seconds: Trace = EMPTY
    resident: Trace = EMPTY
    arenas: Trace = EMPTY
    pauses: Mapping[float, Trace] = field(default_factory=dict)

    def grown(self, generation: int) -> Trace:
        """Collections of a generation from look to look."""
        return growth_trace(self.collections.get(generation, EMPTY))


@dataclass(frozen=True, slots=True)
class FullCollections:
    """Full collections between two looks, and what was seen around them; what could not be is None.

    start, end: of the looks, Unix seconds; collected: objects that full collections freed; seconds: time in all
    collections between them; resident: bytes after; resident_change, arenas_change: observed, whatever else the
    program did meanwhile is in it.
    """

    start: float
    end: float
    number: int
    collected: float | None = None
    seconds: float | None = None
    resident: float | None = None
    resident_change: float | None = None
    arenas_change: float | None = None


@dataclass(frozen=True, slots=True)
class PauseBucket:
    """Collections of a length between two bounds (seconds), by the look that found them."""

    over: float
    up_to: float
    times: Floats
    counts: Floats


def full_collections(history: GarbageHistory) -> list[FullCollections]:
    """Pairs of neighbouring looks between which there were full collections, newest first."""
    counter = history.collections.get(FULL, EMPTY)
    found = []
    for place in np.flatnonzero(np.diff(counter.values) > 0).tolist():
        start, end = float(counter.times[place]), float(counter.times[place + 1])
        _, after = around(history.resident, start, end)
        found.append(
            FullCollections(
                start,
                end,
                round(float(counter.values[place + 1] - counter.values[place])),
                collected=_not_falling(_change(history.collected.get(FULL, EMPTY), start, end)),
                seconds=_not_falling(_change(history.seconds, start, end)),
                resident=after,
                resident_change=_change(history.resident, start, end),
                arenas_change=_change(history.arenas, start, end),
            )
        )
    return found[::-1]


def around(trace: Trace, start: float, end: float) -> tuple[float | None, float | None]:
    """The last value up to `start` and the first from `end` on; None where it is too far away to tell."""
    slack = (end - start) * _SLACK
    before = int(np.searchsorted(trace.times, start, "right")) - 1
    after = int(np.searchsorted(trace.times, end, "left"))
    first = float(trace.values[before]) if before >= 0 and start - trace.times[before] <= slack else None
    fits = after < len(trace.times) and trace.times[after] - end <= slack
    return first, float(trace.values[after]) if fits else None


def pause_buckets(history: GarbageHistory) -> list[PauseBucket]:
    """Collections of each length, the longest first, from the shortest to the longest that there were."""
    bounds = sorted(history.pauses)
    made: list[PauseBucket] = []
    below: Floats | None = None
    for place, bound in enumerate(bounds):
        grown = growth_trace(history.pauses[bound])
        if below is not None and len(grown.values) != len(below):
            return []  # not of one read: their difference would say nothing
        counts = grown.values if below is None else grown.values - below
        below = grown.values
        made.append(PauseBucket(bounds[place - 1] if place else 0.0, bound, grown.times, counts))
    held = [place for place, bucket in enumerate(made) if bucket.counts.sum() > 0]
    return made[held[0] : held[-1] + 1][::-1] if held else []


def _change(trace: Trace, start: float, end: float) -> float | None:
    before, after = around(trace, start, end)
    return None if before is None or after is None else after - before


def _not_falling(change: float | None) -> float | None:
    return change if change is not None and change >= 0 else None
