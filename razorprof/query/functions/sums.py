"""Sums of many floats with the rounding errors kept, as Prometheus' Kahan-Neumaier sums: {1e100, 1, -1e100} is 1.

Added up as a tree of error-free additions (Knuth's two-sum), so that whole arrays are added at once: the order
differs from Prometheus', what is left of the rounding does not.
"""

from __future__ import annotations

import math

import numpy as np

from razorprof.model.series import Floats


def exact_sum(values: Floats) -> Floats:
    """Sum over axis 1 of (t, n, S), n >= 1; IEEE's answer where samples are infinite or NaN."""
    total, lost = sum_and_lost(values)
    result: Floats = total + lost
    for step, series in np.argwhere(~np.isfinite(result)).tolist():
        column = values[step, :, series]
        # In another order it may not have overflowed: finite samples are added one by one.
        result[step, series] = _in_order(column) if np.isfinite(column).all() else total[step, series]
    return result


def exact_mean(values: Floats) -> Floats:
    """Mean over axis 1 of (t, n, S), n >= 1; finite for finite samples, though their sum may not be."""
    count = values.shape[1]
    total, lost = sum_and_lost(values)
    result: Floats = total / count + lost / count
    for step, series in np.argwhere(~np.isfinite(result)).tolist():
        column = values[step : step + 1, :, series : series + 1]
        if np.isfinite(column).all():
            scaled, rest = sum_and_lost(column / count)
            result[step, series] = (scaled + rest)[0, 0]
        else:
            result[step, series] = total[step, series]
    return result


def sum_and_lost(values: Floats) -> tuple[Floats, Floats]:
    """The rounded sum over axis 1 and what rounding took from it. The second means nothing if the first is not
    finite."""
    lost = np.zeros((values.shape[0], values.shape[2]))
    while (count := values.shape[1]) > 1:
        half = count // 2
        one, other = values[:, :half], values[:, half : 2 * half]
        total = one + other
        shadow = total - one
        lost += ((one - (total - shadow)) + (other - shadow)).sum(axis=1)
        values = total if count % 2 == 0 else np.concatenate((total, values[:, 2 * half :]), axis=1)
    return values[:, 0], lost


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
