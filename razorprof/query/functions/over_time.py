"""The functions NAME_over_time, and changes and resets: a window told in one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions import pyramid
from razorprof.query.functions.call import Call
from razorprof.query.functions.sums import exact_mean, exact_sum, settled_mean, settled_sum
from razorprof.query.functions.windows import Cut, PerWindow, over, reduced
from razorprof.query.values import Bools, Places, Vector, Window

_AT_ONCE = 1_000_000  # values of which sums of distances are held
_MOSTLY = 0.2
_NEAR = 1e-6  # the least share of a mean's squared distance that a variance may be: it keeps ten digits


def over_time(compute: PerWindow) -> Callable[[Call], Vector]:
    """The function that tells each window in a number."""
    return lambda call: over(call, call.range(0), compute)


def total(window: Window) -> tuple[Floats, Bools]:
    if not pyramid.pays(window):
        return _totals(window)
    there = window.high > window.low
    found, lost = pyramid.sums(window)
    return np.where(there[:, None], settled_sum(found, lost, _finite(window), _column(window)), np.nan), there


def mean(window: Window) -> tuple[Floats, Bools]:
    if not pyramid.pays(window):
        return _means(window)
    there = window.high > window.low
    counts = np.maximum(window.high - window.low, 1)
    found, lost = pyramid.sums(window)
    means = settled_mean(found, lost, counts, _finite(window), _column(window))
    return np.where(there[:, None], means, np.nan), there


def least(window: Window) -> tuple[Floats, Bools]:
    """NaN only if all are."""
    if pyramid.pays(window):
        return pyramid.extremes(window, np.fmin), window.high > window.low
    return _leasts(window)


def greatest(window: Window) -> tuple[Floats, Bools]:
    """NaN only if all are."""
    if pyramid.pays(window):
        return pyramid.extremes(window, np.fmax), window.high > window.low
    return _greatests(window)


def variance(window: Window) -> tuple[Floats, Bools]:
    """Of the whole population."""
    if not pyramid.pays(window):
        return _variances(window)
    values = np.full((len(window.low), window.values.shape[1]), np.nan)
    width = max(1, _AT_ONCE // len(window.values))
    for first in range(0, window.values.shape[1], width):
        part = slice(first, first + width)
        values[:, part] = _variances_by_sums(replace(window, values=window.values[:, part]))
    return values, window.high > window.low


def deviation(window: Window) -> tuple[Floats, Bools]:
    values, there = variance(window)
    return np.sqrt(values), there


def _variance(cut: Cut) -> Floats:
    """The second term takes back what rounding did to the mean."""
    count = cut.values.shape[1]
    apart = cut.values - exact_mean(cut.values)[:, None]
    return np.asarray((exact_sum(apart * apart) - exact_sum(apart) ** 2 / count) / count)


_totals = reduced(lambda cut: exact_sum(cut.values))
_means = reduced(lambda cut: exact_mean(cut.values))
_leasts = reduced(lambda cut: np.asarray(np.fmin.reduce(cut.values, axis=1)))
_greatests = reduced(lambda cut: np.asarray(np.fmax.reduce(cut.values, axis=1)))


_variances = reduced(_variance)


def _variances_by_sums(window: Window) -> Floats:
    """Variances from sums of distances to a series' mean. Good where a window's mean is not many times its
    deviation away from that; where it is, windows are computed one by one."""
    finite = np.isfinite(window.values).all(axis=0)
    apart = window.values - np.where(finite, window.values.mean(axis=0), 0.0)
    counts = np.maximum(window.high - window.low, 1)[:, None]
    first, first_lost = pyramid.sums(replace(window, values=apart))
    second, second_lost = pyramid.sums(replace(window, values=apart * apart))
    away = (first + first_lost) / counts
    found: Floats = np.asarray((second + second_lost) / counts - away * away)
    bad = ~(finite & (found >= _NEAR * away * away))
    mostly = bad.mean(axis=0) > _MOSTLY  # such series wholly, of the others only the steps where one is
    for some in (mostly, ~mostly):
        steps, series = (np.flatnonzero((bad & some).any(axis=axis)) for axis in (1, 0))
        if len(steps):
            found[np.ix_(steps, series)] = _variances(_piece(window, steps, series))[0]
    return found


def _piece(window: Window, steps: Places, series: Places) -> Window:
    return Window(
        window.labels,
        window.times,
        window.values[:, series],
        window.low[steps],
        window.high[steps],
        window.starts[steps],
        window.ends[steps],
        window.at[steps],
    )


def _finite(window: Window) -> Bools:
    """(T, S) whether all samples of a window are finite."""
    strange = ~np.isfinite(window.values)
    if not strange.any():
        return np.ones((len(window.low), window.values.shape[1]), bool)
    running = np.zeros((len(strange) + 1, window.values.shape[1]), np.int64)
    np.cumsum(strange, axis=0, out=running[1:])
    return np.asarray(running[np.maximum(window.high, window.low)] == running[window.low])


def _column(window: Window) -> Callable[[int, int], Floats]:
    return lambda step, series: window.values[window.low[step] : window.high[step], series]


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
        return quantiles(cut.values, wanted[cut.rows])

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
    return np.repeat(counts[:, None], window.values.shape[1], axis=1), counts > 0


def _ones(window: Window) -> tuple[Floats, Bools]:
    return np.ones((len(window.low), window.values.shape[1])), window.high > window.low


def _newest(window: Window) -> tuple[Floats, Bools]:
    there = window.high > window.low
    values = np.full((len(there), window.values.shape[1]), np.nan)
    values[there] = window.values[window.high[there] - 1]
    return values, there


def _pairs(happens: Callable[[Floats, Floats], Bools]) -> PerWindow:
    """Counts the neighbours in a window of which something is true. Running totals of whole numbers are exact."""

    def compute(window: Window) -> tuple[Floats, Bools]:
        there = window.high > window.low
        values = np.zeros((len(there), window.values.shape[1]))
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
