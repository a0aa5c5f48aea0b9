"""When a subquery evaluates its inside: at whole multiples of its step, and only where some window looks."""

from __future__ import annotations

import numpy as np

from razorprof.query.limits import Budget
from razorprof.query.values import Millis


def steps_of(starts: Millis, ends: Millis, step: int, budget: Budget) -> Millis:
    """All multiples of `step` in the windows (starts[t], ends[t]], each once, ascending. starts ascend."""
    joins = np.empty(len(starts), bool)  # whether a window begins where no earlier one reaches
    joins[0] = True
    joins[1:] = starts[1:] > np.maximum.accumulate(ends)[:-1]
    first = starts[joins] // step + 1
    closing = np.append(np.flatnonzero(joins)[1:] - 1, len(ends) - 1)
    last = ends[closing] // step
    counts = np.maximum(last - first + 1, 0)
    total = int(counts.sum())
    budget.hold(total)
    before = np.cumsum(counts) - counts
    places: Millis = np.repeat(first - before, counts) + np.arange(total)
    # Windows that lie apart may end and begin between the same two steps: then their steps differ all the same.
    return places * step
