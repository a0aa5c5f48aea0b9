"""Sums of many floats with the rounding errors kept, as Prometheus' Kahan-Neumaier sums: {1e100, 1, -1e100} is 1.

Added up by error-free additions (Knuth's two-sum): few samples one after the other, as Prometheus does; many as a
tree, so that whole arrays are added at once: the order differs then, what is left of the rounding does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.values import Bools, Places

_FEW = 10_000  # samples: so many, one after the other, cost less than the steps of a tree (benchmarks/rules.py)
Column = Callable[[int, int], Floats]  # (step, series) -> the samples of one window


def exact_sum(values: Floats) -> Floats:
    """Sum over axis 1 of (t, n, S), n >= 1; IEEE's answer where samples are infinite or NaN."""
    total, lost = sum_and_lost(values)
    result: Floats = total + lost
    if np.isfinite(result).all():
        return result
    finite: Bools = np.asarray(np.isfinite(values).all(axis=1))
    return settled_sum(total, lost, finite, lambda step, series: values[step, :, series])


def exact_mean(values: Floats) -> Floats:
    """Mean over axis 1 of (t, n, S), n >= 1; finite for finite samples, though their sum may not be."""
    count = values.shape[1]
    total, lost = sum_and_lost(values)
    result: Floats = total / count + lost / count
    if np.isfinite(result).all():
        return result
    finite: Bools = np.asarray(np.isfinite(values).all(axis=1))
    counts = np.full(len(values), count)
    return settled_mean(total, lost, counts, finite, lambda step, series: values[step, :, series])


def settled_sum(total: Floats, lost: Floats, finite: Bools, column: Column) -> Floats:
    """The sum of what `sum_and_lost` says. finite: (t, S) where all samples are; `column` gives the samples."""
    result: Floats = np.where(finite, total + lost, total)
    for step, series in np.argwhere(finite & ~np.isfinite(result)).tolist():
        # In another order it may not have overflowed: finite samples are added one by one.
        result[step, series] = _in_order(column(step, series))
    return result


def settled_mean(total: Floats, lost: Floats, counts: Places, finite: Bools, column: Column) -> Floats:
    """The mean of what `sum_and_lost` says; counts: (t,)."""
    number = counts[:, None]
    result: Floats = np.where(finite, total / number + lost / number, total)
    for step, series in np.argwhere(finite & ~np.isfinite(result)).tolist():
        scaled, rest = sum_and_lost(column(step, series)[None, :, None] / counts[step])
        result[step, series] = (scaled + rest)[0, 0]
    return result


def sum_and_lost(values: Floats) -> tuple[Floats, Floats]:
    """The rounded sum over axis 1 and what rounding took from it. The second means nothing if the first is not
    finite."""
    if values.size <= _FEW:
        totals = np.add.accumulate(values, axis=1)
        slips = _slips(totals[:, :-1], values[:, 1:], totals[:, 1:])
        return totals[:, -1], np.add.reduce(slips, axis=1)
    lost = np.zeros((values.shape[0], values.shape[2]))
    while (count := values.shape[1]) > 1:
        half = count // 2
        one, other = values[:, :half], values[:, half : 2 * half]
        total, slips = two_sum(one, other)
        lost += slips.sum(axis=1)
        values = total if count % 2 == 0 else np.concatenate((total, values[:, 2 * half :]), axis=1)
    return values[:, 0], lost


def two_sum(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """The rounded sum and what rounding took from it (Knuth)."""
    total = one + other
    return total, _slips(one, other, total)


def _slips(one: Floats, other: Floats, total: Floats) -> Floats:
    shadow = total - one
    return (one - (total - shadow)) + (other - shadow)


def _in_order(column: Floats) -> float:
    """Neumaier's sum, one after the other: an overflow stays infinite."""
    total = lost = 0.0
    for value in column.tolist():
        new = total + value
        if math.isinf(new):
            lost = 0.0
        elif abs(total) >= abs(value):
            lost += (total - new) + value
        else:
            lost += (value - new) + total
        total = new
    return total if math.isinf(total) else total + lost
