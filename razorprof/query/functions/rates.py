"""rate, increase, delta, irate, idelta: how fast something changes, counters freed of their resets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.windows import over
from razorprof.query.values import Bools, Places, Vector, Window

# A gap to the border of the range up to this many times the usual distance of samples is bridged wholly.
_BRIDGED = 1.1


def extrapolated(*, counter: bool, per_second: bool) -> Callable[[Call], Vector]:
    """rate (both), increase (counter only) and delta (neither): the change over the whole range, extrapolated to
    its borders."""

    def compute(window: Window) -> tuple[Floats, Bools]:
        return _extrapolated(window, counter, per_second)

    return lambda call: over(call, call.range(0), compute)


def instantaneous(*, per_second: bool) -> Callable[[Call], Vector]:
    """irate (per second, of a counter) and idelta: the change between the last two samples."""

    def compute(window: Window) -> tuple[Floats, Bools]:
        there = window.high - window.low >= 2
        steps = np.flatnonzero(there)
        last = window.high[steps] - 1
        new, old = window.values[last], window.values[last - 1]
        values = np.full((len(there), window.values.shape[1]), np.nan)
        if per_second:
            gap = (window.times[last] - window.times[last - 1])[:, None] / 1000
            values[steps] = np.where(new < old, new, new - old) / gap
        else:
            values[steps] = new - old
        return values, there

    return lambda call: over(call, call.range(0), compute)


def _extrapolated(window: Window, counter: bool, per_second: bool) -> tuple[Floats, Bools]:
    there = window.high - window.low >= 2
    if len(there) and there.all():  # as it is nearly always: nothing has to be picked
        return _changes(window, slice(None), counter, per_second), there
    values = np.full((len(there), window.values.shape[1]), np.nan)
    steps = np.flatnonzero(there)
    if len(steps):
        values[steps] = _changes(window, steps, counter, per_second)
    return values, there


def _changes(window: Window, steps: Places | slice, counter: bool, per_second: bool) -> Floats:
    """At the steps that have two samples or more."""
    first, last = window.low[steps], window.high[steps] - 1
    start_value = window.values[first]
    change = window.values[last] - start_value
    if counter:
        change += lost_in_resets(window.values, first, last)
    start, end = window.times[first], window.times[last]
    seconds = (end - start) / 1000
    usual = seconds / (last - first)
    to_start = (start - window.starts[steps]) / 1000
    to_start = np.where(to_start >= _BRIDGED * usual, usual / 2, to_start)
    to_end = (window.ends[steps] - end) / 1000
    to_end = np.where(to_end >= _BRIDGED * usual, usual / 2, to_end)
    before = to_start[:, None]
    if counter:
        # A counter was never negative: going back in time, it is cut off where it would have been zero.
        zero = seconds[:, None] * (start_value / change)
        before = np.where((change > 0) & (start_value >= 0) & (zero < before), zero, before)
    factor = (seconds[:, None] + before + to_end[:, None]) / seconds[:, None]
    if per_second:
        factor = factor / ((window.ends[steps] - window.starts[steps])[:, None] / 1000)
    found: Floats = change * factor
    return found


def lost_in_resets(values: Floats, first: Places, last: Places) -> Floats:
    """What a counter had reached before each reset in values[first[t]:last[t] + 1], added up: (t, S).

    Added for each window by itself, never as a difference of running totals, in which a small reset would drown
    behind a large one. A comparison with NaN is no reset.
    """
    low, high = int(first.min()), int(last.max())
    block = values[low : high + 1]
    drops = block[1:] < block[:-1]
    lost = np.zeros((len(first), values.shape[1]))
    if not drops.any():
        return lost
    series, rows = np.nonzero(drops.T)  # ordered by series, then time
    amounts = np.append(block[rows, series], 0.0)
    fallen = np.unique(series)
    places = series * len(block) + rows
    base = fallen[:, None] * len(block) - low
    begin = np.searchsorted(places, (base + first).ravel())
    end = np.searchsorted(places, (base + last).ravel())
    # reduceat sums between neighbours of a list of borders: every second sum is one of ours.
    borders = np.column_stack((begin, end)).ravel()
    sums = np.where(begin < end, np.add.reduceat(amounts, borders)[::2], 0.0)
    lost[:, fallen] = sums.reshape(len(fallen), len(first)).T
    return lost
