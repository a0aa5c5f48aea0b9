"""The spikes of a recording: of all figures that matter, of all its targets, and the moments to jump to.

Found once, out of the columns, when somebody asks. What a spike is: analysis.spikes. For session.player.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from razorprof.analysis.spikes import Spike, find_spikes
from razorprof.model.target import Identity, Target
from razorprof.session.recorded_figures import RECORDED_FIGURES, RecordedFigure, instance_of, points_of
from razorprof.store.view import SeriesView

MOST_SPIKES = 1000  # the highest ones by their score
_TOGETHER = 3.0  # seconds between peaks that are one moment


@dataclass(frozen=True, slots=True)
class RecordedSpike:
    """tick: the first one that shows its peak, Unix seconds."""

    target: Identity
    figure: RecordedFigure
    spike: Spike
    tick: float


def spikes_of(
    view: SeriesView, targets: Iterable[Target], host: str, ticks: Sequence[float], grace: float = 0.0
) -> tuple[RecordedSpike, ...]:
    """In the order of their peaks. host, ticks: of the recording; ticks ascending, at least one. grace: seconds
    that what a tick shows may be younger than the tick."""
    found = []
    for target in targets:
        instance = instance_of(target, host)
        for figure in RECORDED_FIGURES:
            if not figure.least:
                continue
            times, values = points_of(view, instance, figure)
            for spike in find_spikes(times, values, least=figure.least):
                tick = ticks[min(bisect_left(ticks, spike.time - grace), len(ticks) - 1)]
                found.append(RecordedSpike(target.identity, figure, spike, tick))
    highest = sorted(found, key=lambda one: -one.spike.score)[:MOST_SPIKES]
    return tuple(sorted(highest, key=lambda one: (one.spike.time, -one.spike.score)))


def moments(spikes: Sequence[RecordedSpike]) -> list[tuple[RecordedSpike, ...]]:
    """Spikes whose peaks lie together, the highest first. spikes: in the order of their peaks."""
    groups: list[list[RecordedSpike]] = []
    for one in spikes:
        if not groups or one.spike.time - groups[-1][0].spike.time > _TOGETHER:
            groups.append([])
        groups[-1].append(one)
    return [tuple(sorted(group, key=lambda one: -one.spike.score)) for group in groups]
