"""The figures of a recorded process that are looked at over its whole time: for spikes and for differences.

Which ones, in which unit, and which change of each matters. Counters count as growth a second, and one that begins
anew from zero; memory also as its growth. Read out of the recording's columns, whatever labels came and went
meanwhile. For session.played_spikes and session.difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from razorprof.model.series import Floats, Series
from razorprof.model.target import Target
from razorprof.render import figures as shown
from razorprof.render.catalog import FIGURES, Figure, gc_figure
from razorprof.store.view import SeriesView, equal

_RATE_SECONDS = 0.9  # that a counter's growth is taken over at least: less shows the grain of the kernel's clock
_GROWTH_SECONDS = 5.0  # and that of memory
_BEFORE = 15.0  # seconds before a window in which what a counter began at is looked for
_QUALITIES = ("exact", "estimated", "sampled")


class Kind(StrEnum):
    """What is made of a series. MEAN: of a histogram, its sum by its count."""

    LEVEL = "level"
    RATE = "rate"
    GROWTH = "growth"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class RecordedFigure:
    """least: the smallest change that matters, 0 where it makes no spikes; unit: base unit of the value."""

    figure: Figure
    kind: Kind
    unit: str
    least: float = 0.0

    @property
    def key(self) -> str:
        return self.figure.key

    @property
    def label(self) -> str:
        return self.figure.label


def _known(key: str, unit: str, least: float = 0.0) -> RecordedFigure:
    figure = FIGURES[key]
    return RecordedFigure(figure, Kind.RATE if figure.rate else Kind.LEVEL, unit, least)


def _pause(key: str, metric: str) -> RecordedFigure:
    return RecordedFigure(Figure(key, "pause of a collection", metric, shown.duration), Kind.MEAN, "seconds", 0.02)


RECORDED_FIGURES: tuple[RecordedFigure, ...] = (
    _known("cpu", "ratio", 0.1),
    _known("run_delay", "ratio", 0.25),
    _known("throttled", "ratio", 0.05),
    _known("gil_held", "ratio", 0.25),
    _known("gil_waiters", "", 2.0),
    _known("gil_switches", "/s"),
    _known("rss", "bytes"),
    RecordedFigure(
        Figure("growth", "memory growth", "process_resident_memory_bytes", shown.size_rate),
        Kind.GROWTH,
        "bytes/s",
        2.0**20,
    ),
    _known("unique", "bytes"),
    _known("swap", "bytes"),
    _known("arenas", "bytes"),
    _known("working_set", "bytes"),
    RecordedFigure(
        Figure("blocks", "Python blocks", "python_allocated_blocks", shown.count), Kind.LEVEL, "", 0.0
    ),
    _known("gc_time", "ratio", 0.05),
    _pause("gc_pause", "python_gc_pause_seconds"),
    _pause("go_gc_pause", "go_gc_pause_seconds"),
    _pause("jvm_gc_pause", "jvm_gc_collection_seconds"),
    *(
        RecordedFigure(gc_figure(generation), Kind.RATE, "/s") for generation in range(3)
    ),
    _known("threads", "", 4.0),
    RecordedFigure(Figure("goroutines", "goroutines", "go_goroutines", shown.count), Kind.LEVEL, "", 50.0),
    RecordedFigure(Figure("tasks", "asyncio tasks", "python_asyncio_tasks", shown.count), Kind.LEVEL, "", 20.0),
    _known("fds", "", 16.0),
    _known("read", "bytes/s", 4 * 2.0**20),
    _known("written", "bytes/s", 4 * 2.0**20),
    _known("faults_major", "/s", 50.0),
    _known("involuntary", "/s"),
    _known("pressure_cpu", "ratio", 0.1),
    _known("pressure_memory", "ratio", 0.05),
    _known("pressure_io", "ratio", 0.1),
)  # fmt: skip


def instance_of(target: Target, host: str) -> str:
    """The label by which series tell of a target. host: of the recording."""
    return f"{target.host or host}/{target.pid}"


def points_of(view: SeriesView, instance: str, figure: RecordedFigure) -> tuple[Floats, Floats]:
    """Times and values over all that is recorded, ascending; empty where it was never told. instance: of the
    target, as `instance_of`."""
    if figure.kind is Kind.MEAN:
        parts = [_means(*pair) for pair in _histograms(view, instance, figure, -math.inf, math.inf)]
    else:
        found = _series(view, instance, figure.figure, figure.figure.metric, -math.inf, math.inf)
        parts = [_points(one, figure.kind) for one in found]
    if not parts:
        return np.empty(0), np.empty(0)
    times, values = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    times, first = np.unique(times, return_index=True)
    return times, values[first]


def value_in(view: SeriesView, instance: str, figure: RecordedFigure, start: float, end: float) -> float | None:
    """What it was in [start, end]: a level's mean, a counter's and memory's growth a second. None where it was not
    told there, or not often enough."""
    if figure.kind is Kind.MEAN:
        sums = counts = 0.0
        for total, count in _histograms(view, instance, figure, start - _BEFORE, end):
            sums += _grown(total, start)[0]
            counts += _grown(count, start)[0]
        return sums / counts if counts > 0 else None
    before = 0.0 if figure.kind is Kind.LEVEL else _BEFORE
    found = _series(view, instance, figure.figure, figure.figure.metric, start - before, end)
    if figure.kind is Kind.LEVEL:
        values = [value for one in found for value in _finite(one)[1].tolist()]
        return sum(values) / len(values) if values else None
    grown, seconds = 0.0, 0.0
    for one in found:
        more, passed = _grown(one, start) if figure.kind is Kind.RATE else _risen(one, start)
        grown, seconds = grown + more, seconds + passed
    return grown / seconds if seconds > 0 else None


def _series(view: SeriesView, instance: str, figure: Figure, name: str, start: float, end: float) -> list[Series]:
    """Those of one figure: several where labels of the target changed meanwhile. Of several qualities the best is
    first."""
    wanted = {**figure.labels, "__name__": name, "instance": instance}
    found = view.select([equal(label, value) for label, value in wanted.items()], start, end)
    return sorted(found, key=lambda one: _rank(one.labels.get("quality", "")))


def _rank(quality: str) -> int:
    return _QUALITIES.index(quality) if quality in _QUALITIES else len(_QUALITIES)


def _histograms(
    view: SeriesView, instance: str, figure: RecordedFigure, start: float, end: float
) -> list[tuple[Series, Series]]:
    """Sums with their counts."""
    name = figure.figure.metric
    counts = {
        one.labels.without("__name__"): one
        for one in _series(view, instance, figure.figure, f"{name}_count", start, end)
    }
    sums = _series(view, instance, figure.figure, f"{name}_sum", start, end)
    return [(one, counts[key]) for one in sums if (key := one.labels.without("__name__")) in counts]


def _finite(series: Series) -> tuple[Floats, Floats]:
    fine = np.isfinite(series.values)
    return series.times[fine], series.values[fine]


def _points(series: Series, kind: Kind) -> tuple[Floats, Floats]:
    times, values = _finite(series)
    if kind is Kind.LEVEL:
        return times, values
    heights, seconds = (_total(values), _RATE_SECONDS) if kind is Kind.RATE else (values, _GROWTH_SECONDS)
    before = np.searchsorted(times, times - seconds, "right") - 1
    if kind is Kind.RATE:  # at the beginning, the point before
        before = np.where(before < 0, np.arange(len(times)) - 1, before)
    now = np.flatnonzero(before >= 0)
    before = before[now]
    return times[now], (heights[now] - heights[before]) / (times[now] - times[before])


def _means(total: Series, count: Series) -> tuple[Floats, Floats]:
    """Where something was counted since the point before."""
    times, places, others = np.intersect1d(total.times, count.times, return_indices=True)
    sums, counts = total.values[places], count.values[others]
    fine = np.isfinite(sums) & np.isfinite(counts)
    times, sums, counts = times[fine], sums[fine], counts[fine]
    more, grown = np.diff(counts), np.diff(sums)
    some = (more > 0) & (grown >= 0)
    return times[1:][some], grown[some] / more[some]


def _total(values: Floats) -> Floats:
    """A counter's height, as if it had never begun anew."""
    steps = np.diff(values)
    return np.concatenate((np.zeros(min(1, len(values))), np.cumsum(np.where(steps < 0, values[1:], steps))))


def _grown(series: Series, start: float) -> tuple[float, float]:
    """What a counter grew by since `start`, and in how many seconds: from its last point before."""
    times, values = _since(series, start)
    return (float(_total(values)[-1]), float(times[-1] - times[0])) if len(times) > 1 else (0.0, 0.0)


def _risen(series: Series, start: float) -> tuple[float, float]:
    times, values = _since(series, start)
    return (float(values[-1] - values[0]), float(times[-1] - times[0])) if len(times) > 1 else (0.0, 0.0)


def _since(series: Series, start: float) -> tuple[Floats, Floats]:
    times, values = _finite(series)
    first = max(0, int(np.searchsorted(times, start, "right")) - 1)
    return (times[first:], values[first:]) if len(times) and times[-1] > start else (times[:0], values[:0])
