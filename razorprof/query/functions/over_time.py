"""The functions NAME_over_time, and changes and resets: a window told in one number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.sums import exact_mean, exact_sum
from razorprof.query.functions.windows import Cut, PerWindow, Reduction, over, reduced
from razorprof.query.values import Bools, Vector, Window


def over_time(reduce: Reduction) -> Callable[[Call], Vector]:
    """The function that reduces the samples of each window to a number."""
    compute = reduced(reduce)
    return lambda call: over(call, call.range(0), compute)


def total(cut: Cut) -> Floats:
    return exact_sum(cut.values)


def mean(cut: Cut) -> Floats:
    return exact_mean(cut.values)


def least(cut: Cut) -> Floats:
    """NaN only if all are."""
    return np.asarray(np.fmin.reduce(cut.values, axis=1))


def greatest(cut: Cut) -> Floats:
    """NaN only if all are."""
    return np.asarray(np.fmax.reduce(cut.values, axis=1))


def variance(cut: Cut) -> Floats:
    """Of the whole population. The second term takes back what rounding did to the mean."""
    count = cut.values.shape[1]
    apart = cut.values - exact_mean(cut.values)[:, None]
    return np.asarray((exact_sum(apart * apart) - exact_sum(apart) ** 2 / count) / count)


def deviation(cut: Cut) -> Floats:
    return np.sqrt(variance(cut))


def count_over_time(call: Call) -> Vector:
    return over(call, call.range(0), _counts)


def present_over_time(call: Call) -> Vector:
    return over(call, call.range(0), _ones)


def last_over_time(call: Call) -> Vector:
    """The newest sample, name and all."""
    return over(call, call.range(0), _newest, named=True)


def changes(call: Call) -> Vector:
    """How often a value differs from the one before; NaN after NaN is no change."""
    return over(call, call.range(0), _pairs(_differs))


def resets(call: Call) -> Vector:
    """How often a value is less than the one before."""
    return over(call, call.range(0), _pairs(_falls))


def quantile_over_time(call: Call) -> Vector:
    """quantile_over_time(q, range): -Inf below q = 0, +Inf above 1, NaN for NaN."""
    wanted = call.scalar(0).values

    def quantile(cut: Cut) -> Floats:
        return quantiles(cut.values, wanted[cut.steps])

    return over(call, call.range(1), reduced(quantile))


def quantiles(values: Floats, wanted: Floats) -> Floats:
    """The quantile wanted[t] of (t, n, S) over axis 1: (t, S). Between two samples it is interpolated; NaN counts
    as less than every number."""
    count = values.shape[1]
    ordered = np.sort(values, axis=1)  # NaN last: seen as a ring, they stand before the least
    unknown = np.isnan(ordered).sum(axis=1)
    inside = np.where((wanted >= 0) & (wanted <= 1), wanted, 0.0)
    rank = inside * (count - 1)
    low = np.floor(rank).astype(np.intp)
    high = np.minimum(low + 1, count - 1)
    weight = (rank - np.floor(rank))[:, None]

    def at(place: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
        turned = (place[:, None] - unknown) % count
        return np.take_along_axis(ordered, turned[:, None], axis=1)[:, 0]

    found = at(low) * (1 - weight) + at(high) * weight
    outside = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, np.nan))
    return np.where(((wanted >= 0) & (wanted <= 1))[:, None], found, outside[:, None])


def _counts(window: Window) -> tuple[Floats, Bools]:
    counts = (window.high - window.low).astype(np.float64)
    return np.repeat(counts[:, None], len(window.labels), axis=1), counts > 0


def _ones(window: Window) -> tuple[Floats, Bools]:
    return np.ones((len(window.low), len(window.labels))), window.high > window.low


def _newest(window: Window) -> tuple[Floats, Bools]:
    there = window.high > window.low
    values = np.full((len(there), len(window.labels)), np.nan)
    values[there] = window.values[window.high[there] - 1]
    return values, there


def _pairs(happens: Callable[[Floats, Floats], Bools]) -> PerWindow:
    """Counts the neighbours in a window of which something is true. Running totals of whole numbers are exact."""

    def compute(window: Window) -> tuple[Floats, Bools]:
        there = window.high > window.low
        values = np.zeros((len(there), len(window.labels)))
        if there.any():
            low, high = int(window.low[there].min()), int(window.high[there].max())
            block = window.values[low:high]
            running = np.zeros(block.shape, np.int64)
            np.cumsum(happens(block[:-1], block[1:]), axis=0, out=running[1:])
            values[there] = running[window.high[there] - 1 - low] - running[window.low[there] - low]
        return values, there

    return compute


def _differs(old: Floats, new: Floats) -> Bools:
    return np.asarray((old != new) & ~(np.isnan(old) & np.isnan(new)))


def _falls(old: Floats, new: Floats) -> Bools:
    return new < old
