"""Sums and extremes of many overlapping windows, each value touched a few times and not once a window.

Rows are combined in aligned blocks of 2, 4, 8 ... rows; a window is made of at most two blocks of each size. So
T windows of n of N rows cost about 2 N + 2 T log n rows, not T n. Sums carry along what rounding took from them:
they are as exact as those of `sums`, only added in another order. For over_time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.sums import two_sum
from razorprof.query.values import Places, Window

_AT_ONCE = 1_000_000  # values of one pyramid, which takes four times their memory
_WORTH = 4  # below so many times the rows of all, windows by themselves are cheaper

Extreme = Callable[[Floats, Floats], Floats]


def pays(window: Window) -> bool:
    """Whether the windows overlap enough."""
    there = window.high > window.low
    if not there.any():
        return False
    rows = int(window.high.max()) - int(window.low[there].min())
    return int((window.high - window.low)[there].sum()) > _WORTH * rows


def sums(window: Window) -> tuple[Floats, Floats]:
    """The rounded sum of each window and what rounding took from it, (T, S); 0 for an empty window."""
    shape = (len(window.low), window.values.shape[1])
    total, lost = np.zeros(shape), np.zeros(shape)
    for columns, rows, low, high in _parts(window):
        totals, losses = [rows], [np.zeros_like(rows)]
        while len(rows) > 1:
            rows, slips = two_sum(*_pairs(totals[-1]))
            one, other = _pairs(losses[-1])
            totals.append(rows)
            losses.append(one + other + slips)
        for level, steps, blocks in _blocks(low, high, len(totals)):
            new, slips = two_sum(total[steps, columns], totals[level][blocks])
            lost[steps, columns] += losses[level][blocks] + slips
            total[steps, columns] = new
    return total, lost


def extremes(window: Window, extreme: Extreme) -> Floats:
    """The value of each window that `extreme` (np.fmin or np.fmax) prefers, (T, S); NaN for none."""
    found = np.full((len(window.low), window.values.shape[1]), np.nan)
    for columns, rows, low, high in _parts(window):
        levels = [rows]
        while len(levels[-1]) > 1:
            levels.append(extreme(*_pairs(levels[-1])))
        for level, steps, blocks in _blocks(low, high, len(levels)):
            found[steps, columns] = extreme(found[steps, columns], levels[level][blocks])
    return found


def _parts(window: Window) -> Iterator[tuple[slice, Floats, Places, Places]]:
    """Some columns at a time, and only the rows that any window holds: (columns, rows, low, high)."""
    first = int(window.low[window.high > window.low].min())
    low, high = np.maximum(window.low - first, 0), np.maximum(window.high - first, 0)
    rows = window.values[first : first + int(high.max())]
    width = max(1, _AT_ONCE // len(rows))
    for start in range(0, window.values.shape[1], width):
        columns = slice(start, start + width)
        yield columns, rows[:, columns], low, high


def _pairs(rows: Floats) -> tuple[Floats, Floats]:
    """Neighbours; a last row without one is in no block of this size."""
    even = len(rows) // 2 * 2
    return rows[0:even:2], rows[1:even:2]


def _blocks(low: Places, high: Places, levels: int) -> Iterator[tuple[int, Places, Places]]:
    """Which block of which level each window is made of: (level, windows, blocks)."""
    low, high = low.copy(), high.copy()
    for level in range(levels):
        steps = np.flatnonzero((low < high) & (low % 2 == 1))
        if len(steps):
            yield level, steps, low[steps]
            low[steps] += 1
        steps = np.flatnonzero((low < high) & (high % 2 == 1))
        if len(steps):
            high[steps] -= 1
            yield level, steps, high[steps]
        low, high = low // 2, high // 2
