"""Where a figure leaves what it was usual until then: spikes, and steps that became usual only later.

    find_spikes(times, values, least=0.1)

Usual is the median of the two minutes before, refreshed while they slide. A point is above it when it is further
away than the spread of those minutes allows (six robust standard deviations, told from the median of their
absolute deviations, and twice as far as their highest tenth begins: what comes every few seconds is usual), by
more than half of the median, and by at least `least`, the smallest change that matters. That begins a spike,
which lasts as long as the figure stays above what was usual then, apart from a few seconds. Where it stays there
for two minutes, that is usual: the spike ends, though the figure did not fall.

Only the time before a point counts, so that the beginning of a long disturbance is found and not its absence.
Pure; for recordings that are replayed (session.played_spikes), not for alerting: rules are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from razorprof.model.series import Floats

WINDOW = 120.0  # seconds that tell what is usual
LEAST_POINTS = 4  # before the first point that is judged
DEVIATIONS = 6.0
TENTHS = 2.0  # times the distance at which the highest tenth begins
LEAST_RATIO = 0.5  # of the median
JOINED = 5.0  # seconds between two parts of one spike
_NORMAL = 1.4826  # standard deviation of a normal distribution over the median of its absolute deviations
_FEWEST, _MOST = 8, 240  # points of a window, whatever the interval is
_REFRESHED = 16  # times in each window
_ROWS = 2048  # windows at once: what they take of memory


@dataclass(frozen=True, slots=True)
class Spike:
    """start, end: first and last point above; time, value: of the point that is furthest above `usual`, its
    median; score: how many times as far as it must be to count. Times are Unix seconds."""

    start: float
    end: float
    time: float
    value: float
    usual: float
    score: float

    @property
    def ratio(self) -> float | None:
        """How many times the median it is; None where that is nothing."""
        return self.value / self.usual if self.usual > 0 else None


def find_spikes(times: Floats, values: Floats, *, least: float) -> list[Spike]:
    """In the order of their times. times: ascending; what is no number is passed over. least: above 0."""
    fine = np.isfinite(values)
    times, values = times[fine], values[fine]
    if len(values) <= LEAST_POINTS:
        return []
    width = window_points(times)
    median, spread = usual(values, width)
    excess = values[LEAST_POINTS:] - median
    needed = np.maximum(least, np.maximum(spread, LEAST_RATIO * np.abs(median)))
    above = np.flatnonzero(excess > needed)
    if not len(above):
        return []
    at, judged = times[LEAST_POINTS:], values[LEAST_POINTS:]
    found: list[Spike] = []
    last = -1
    for first in above.tolist():
        if first <= last:
            continue
        limit = first + width
        there = first + np.flatnonzero(judged[first:limit] - median[first] > needed[first])
        breaks = np.flatnonzero(np.diff(at[there]) > JOINED)
        last = int(there[breaks[0]] if len(breaks) else there[-1])
        if found and at[first] - found[-1].end <= JOINED:
            continue  # the end of the one before, which became usual meanwhile
        top = first + int(np.argmax(judged[first : last + 1]))
        score = (judged[top] - median[first]) / needed[first]
        start, end, peak = float(at[first]), float(at[last]), float(at[top])
        found.append(Spike(start, end, peak, float(judged[top]), float(median[first]), float(score)))
    return found


def window_points(times: Floats) -> int:
    """How many points make a window."""
    step = float(np.median(np.diff(times)))
    return int(min(_MOST, max(_FEWEST, WINDOW / step if step > 0 else _MOST)))


def usual(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Of each point but the first LEAST_POINTS: the median of the `width` points before it (of fewer at the
    beginning), and how far above it is usual, too. Refreshed 16 times in a window, not at each point."""
    count = len(values)
    hop = max(1, width // _REFRESHED)
    places = np.arange(LEAST_POINTS, count)
    anchors = np.unique(np.where(places < 2 * _REFRESHED, places, places // hop * hop))
    median, spread = np.empty(len(anchors)), np.empty(len(anchors))
    begun = int(np.searchsorted(anchors, width))
    for row, place in enumerate(anchors[:begun].tolist()):
        median[row : row + 1], spread[row : row + 1] = _both(values[None, :place])
    if begun < len(anchors):
        windows = sliding_window_view(values, width)
        for row in range(begun, len(anchors), _ROWS):
            some = anchors[row : row + _ROWS] - width
            median[row : row + _ROWS], spread[row : row + _ROWS] = _both(windows[some])
    which = np.searchsorted(anchors, places, "right") - 1
    return median[which], spread[which]


def _both(windows: Floats) -> tuple[Floats, Floats]:
    median: Floats = np.median(windows, axis=1)
    deviation: Floats = np.median(np.abs(windows - median[:, None]), axis=1)
    tenth: Floats = np.percentile(windows, 90, axis=1, method="higher")
    return median, np.maximum(DEVIATIONS * _NORMAL * deviation, TENTHS * (tenth - median))
