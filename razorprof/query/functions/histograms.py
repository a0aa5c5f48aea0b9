"""histogram_quantile and histogram_fraction of classic histograms: series NAME_bucket{le="..."}, cumulative.

Series that differ in nothing but `le` are one histogram. Histograms with equal bounds are computed
together; where some of their buckets are missing at some time, those rows are computed by themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import nameless
from razorprof.query.values import Bools, Places, Vector

BUCKET = "le"
# Counts that differ relatively by less were meant to be equal: rates of buckets do, by rounding.
_SMALLEST = 1e-12
_DECIMAL = re.compile(r"[+-]?(?:inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.IGNORECASE | re.ASCII)

# (rows, bounds (B,), counts (rows, B), steps (rows,)) -> (rows,): bounds distinct, ascending, at least one.
Compute = Callable[[Floats, Floats, Places], Floats]


def histogram_quantile(call: Call) -> Vector:
    """histogram_quantile(q, v): the value below which the share q of all observations was."""
    wanted = call.scalar(0).values

    def compute(bounds: Floats, counts: Floats, steps: Places) -> Floats:
        return bucket_quantile(wanted[steps], bounds, counts)

    return _of_histograms(call.vector(1), compute)


def histogram_fraction(call: Call) -> Vector:
    """histogram_fraction(lower, upper, v): the share of observations between the two."""
    lower, upper = call.scalar(0).values, call.scalar(1).values

    def compute(bounds: Floats, counts: Floats, steps: Places) -> Floats:
        return bucket_fraction(lower[steps], upper[steps], bounds, counts)

    return _of_histograms(call.vector(2), compute)


def bucket_quantile(wanted: Floats, bounds: Floats, counts: Floats) -> Floats:
    """The quantile of each row, linear within a bucket. NaN without an +Inf bucket, another one, observations."""
    outside = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, np.nan))
    if not np.isposinf(bounds[-1]) or len(bounds) < 2:
        return outside
    counts = never_falling(counts)
    rank = wanted * counts[:, -1]
    reached = counts[:, :-1] >= rank[:, None]
    top = len(bounds) - 1
    bucket = np.where(reached.any(axis=1), reached.argmax(axis=1), top)
    rows, below = np.arange(len(counts)), np.maximum(bucket - 1, 0)
    start = np.where(bucket > 0, bounds[below], 0.0)
    before = np.where(bucket > 0, counts[rows, below], 0.0)
    share = (rank - before) / (counts[rows, bucket] - before)
    found = start + (bounds[bucket] - start) * share
    found = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], found)
    found = np.where(bucket == top, bounds[top - 1], found)
    found = np.where(counts[:, -1] == 0, np.nan, found)
    return np.where((wanted >= 0) & (wanted <= 1), found, outside)


def bucket_fraction(lower: Floats, upper: Floats, bounds: Floats, counts: Floats) -> Floats:
    """The share of each row's observations between `lower` and `upper`, linear within a bucket."""
    if not np.isposinf(bounds[-1]):
        return np.full(len(counts), np.nan)
    everything = counts[:, -1]
    found = (_below(upper, bounds, counts) - _below(lower, bounds, counts)) / everything
    found = np.where(lower >= upper, 0.0, found)
    return np.where((everything == 0) | np.isnan(lower) | np.isnan(upper), np.nan, found)


def never_falling(counts: Floats) -> Floats:
    """Counts that rise or stay: a fall, and a difference that is but rounding, becomes the count before."""
    fixed = counts.copy()
    before = counts[:, 0]
    for place in range(1, counts.shape[1]):
        now = counts[:, place]
        rounding = np.abs(now - before) < _SMALLEST * (np.abs(now) + np.abs(before))
        before = np.where(rounding | (now < before), before, now)
        fixed[:, place] = before
    return fixed


def _below(value: Floats, bounds: Floats, counts: Floats) -> Floats:
    """How many observations of each row are taken to be below `value`."""
    top = len(bounds) - 1
    bucket = np.minimum(np.searchsorted(bounds, value, side="right"), top)
    rows, under = np.arange(len(counts)), np.maximum(bucket - 1, 0)
    lowest = 0.0 if bounds[0] > 0 else -math.inf
    start = np.where(bucket > 0, bounds[under], lowest)
    before = np.where(bucket > 0, counts[rows, under], 0.0)
    count = counts[rows, bucket]
    inside = before + (count - before) * (value - start) / (bounds[bucket] - start)
    found = np.where(np.isneginf(start), count, inside)
    found = np.where(start >= value, before, found)
    found = np.where(np.isposinf(value), counts[:, -1], found)
    return np.where(found > counts[:, -1], counts[:, -1], found)


def _of_histograms(vector: Vector, compute: Compute) -> Vector:
    steps = len(vector.values)
    labels: list[Labels] = []
    values: list[Floats] = []
    present: list[Bools] = []
    for bounds, some, columns in _layouts(vector.labels):
        counts = vector.values[:, columns].reshape(-1, len(bounds))  # rows: time after time, all histograms each
        there = vector.present[:, columns].reshape(-1, len(bounds))
        of_step = np.repeat(np.arange(steps), len(some))
        found = np.full(len(counts), np.nan)
        with np.errstate(all="ignore"):
            for rows, buckets in _patterns(there):
                distinct, merged = _merged(np.asarray(bounds)[buckets], counts[rows][:, buckets])
                found[rows] = compute(distinct, merged, of_step[rows])
        labels += some
        values.append(found.reshape(steps, -1))
        present.append(there.any(axis=1).reshape(steps, -1))
    if not labels:
        return Vector((), np.empty((steps, 0)), np.empty((steps, 0), bool))
    return Vector(tuple(labels), np.concatenate(values, axis=1), np.concatenate(present, axis=1))


@lru_cache(maxsize=32)
def _layouts(labels: tuple[Labels, ...]) -> tuple[tuple[tuple[float, ...], list[Labels], Places], ...]:
    """Histograms by their bounds: (bounds ascending, their labels, (histogram, bucket) places of the series).
    Series whose `le` is no number belong to none."""
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    for place, one in enumerate(labels):
        bound = _bound(one.get(BUCKET, ""))
        if bound is not None:
            histograms.setdefault(one.without(BUCKET), []).append((bound, place))
    layouts: dict[tuple[float, ...], list[tuple[Labels, list[int]]]] = {}
    for one, buckets in histograms.items():
        buckets.sort()
        layouts.setdefault(tuple(bound for bound, _ in buckets), []).append((one, [at for _, at in buckets]))
    return tuple(
        (bounds, list(nameless(tuple(one for one, _ in some))), np.array([places for _, places in some], np.intp))
        for bounds, some in layouts.items()
    )


def _patterns(there: Bools) -> Iterator[tuple[Places, Bools]]:
    """Rows that have the same buckets, together; rows without any are left out."""
    if there.all():
        yield np.arange(len(there)), np.ones(there.shape[1], bool)
        return
    patterns, which = np.unique(there, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.any():
            yield np.flatnonzero(which.ravel() == number), pattern


def _merged(bounds: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Buckets of equal bounds ("1" and "1.0") as one."""
    distinct, starts = np.unique(bounds, return_index=True)
    if len(distinct) == len(bounds):
        return bounds, counts
    return distinct, np.add.reduceat(counts, starts, axis=1)


def _bound(text: str) -> float | None:
    if _DECIMAL.fullmatch(text):
        bound = float(text)
        return None if math.isnan(bound) else bound
    return None
