"""From a range vector to an instant vector: one value for each series and time, computed on many windows at once.

Steps whose windows hold equally many samples are cut out together, so a reduction sees full arrays (t, n, S) and
needs no mask; there are at most as many cuts as there are samples in the longest window. For the modules beside
this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import nameless
from razorprof.query.values import Bools, Millis, Places, RangeVector, Vector, Window

# Elements handled at once: temporaries stay within some tens of megabytes, however long the query's range.
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """t windows of n samples each. steps: (t,) their places among the steps of the window; rows: (t,) those of
    their evaluation times among the T of the call; values: (t, n, S), may be a view of the store's own; times:
    (t, n) ms; at: (t,) ms, the evaluation times."""

    steps: Places
    rows: Places
    values: Floats
    times: Millis
    at: Millis


# The values (T, S) of a window's series and at which times they are there: (T,), the same for all of them.
PerWindow = Callable[[Window], tuple[Floats, Bools]]
# The values (t, S) of a cut.
Reduction = Callable[[Cut], Floats]


def over(call: Call, ranges: RangeVector, compute: PerWindow, *, named: bool = False) -> Vector:
    """The vector of what `compute` says of every window. named: the metric's name is kept."""
    labels, values, present = [], [], []
    for window in ranges.windows:
        if not window.labels:
            continue
        with np.errstate(all="ignore"):
            found, there = compute(window)
        if there.any():
            shape = (len(call.at), len(window.labels))
            labels.append(window.labels if named else nameless(window.labels))
            values.append(found.reshape(shape))
            present.append(np.broadcast_to(there.reshape(len(call.at), -1), shape))
    if not labels:
        return Vector((), np.empty((len(call.at), 0)), np.empty((len(call.at), 0), bool))
    if len(labels) == 1:
        return Vector(labels[0], values[0], present[0])
    joined = tuple(one for some in labels for one in some)
    return Vector(joined, np.concatenate(values, axis=1), np.concatenate(present, axis=1))


def reduced(reduce: Reduction, *, least: int = 1) -> PerWindow:
    """Computes by `reduce` where a window holds at least `least` samples."""

    def compute(window: Window) -> tuple[Floats, Bools]:
        values = np.full((len(window.low), window.values.shape[1]), np.nan)
        for cut in cuts(window, least):
            values[cut.steps] = reduce(cut)
        return values, window.high - window.low >= least

    return compute


def cuts(window: Window, least: int) -> Iterator[Cut]:
    """All windows with at least `least` samples, those of equal length together, in bounded pieces."""
    counts = window.high - window.low
    series = max(1, window.values.shape[1])
    for count in np.unique(counts[counts >= max(1, least)]).tolist():
        same = np.flatnonzero(counts == count)
        piece = max(1, _AT_ONCE // (count * series))
        for start in range(0, len(same), piece):
            yield _cut(window, same[start : start + piece], count)


def _cut(window: Window, steps: Places, count: int) -> Cut:
    rows = steps if window.folded is None else steps // window.folded
    if len(steps) == 1:  # no copy
        only = slice(window.low[steps[0]], window.high[steps[0]])
        return Cut(steps, rows, window.values[None, only], window.times[None, only], window.at[steps])
    places = window.low[steps][:, None] + np.arange(count)
    return Cut(steps, rows, window.values[places], window.times[places], window.at[steps])
