"""Series read from a view and looked at as of many evaluation times: instant and range selectors.

Whole columns at once: series that share their time stamps cost one search per evaluation time. Only columns with
gaps or stale markers of their own are looked at by themselves. Called by evaluator and subquery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats
from razorprof.query.limits import Budget
from razorprof.query.plan import Edge, When
from razorprof.query.values import Bools, Millis, RangeVector, Vector, Window
from razorprof.store.view import Matcher, SeriesView


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Series that share their time stamps. times: (N,) ms, ascending; values: (N, S)."""

    labels: tuple[Labels, ...]
    times: Millis
    values: Floats


def moments(when: When, at: Millis, start: int, end: int) -> Millis:
    """(T,) where in time to look for each evaluation time; start, end: those of the whole query."""
    if when.at is None:
        return at - when.offset
    edges = {Edge.START: start, Edge.END: end}
    fixed = edges[when.at] if isinstance(when.at, Edge) else when.at
    return np.full(len(at), fixed - when.offset, np.int64)


def read(view: SeriesView, matchers: Sequence[Matcher], low: int, high: int, budget: Budget) -> list[Columns]:
    """The series with their samples in [low, high] ms, gaps and stale markers as the store marks them."""
    # A sample at 0.0004 s is one at 0 ms: half a millisecond more on both sides, cut off by whoever searches.
    blocks = view.blocks(matchers, (low - 1) / 1000, (high + 1) / 1000)
    budget.check_series(sum(len(block.labels) for block in blocks))
    budget.load(sum(block.values.size for block in blocks))
    return [
        Columns(block.labels, np.rint(block.times * 1000).astype(np.int64), block.values)
        for block in blocks
        if len(block.times)
    ]


def size_of(columns: Iterable[Columns]) -> int:
    """How many samples they hold."""
    return sum(one.values.size for one in columns)


def latest(columns: Sequence[Columns], moments: Millis, look_back: int) -> tuple[Vector, Floats]:
    """The newest sample of each series in (moment - look_back, moment], none where that is a stale marker; and
    when those samples were taken, (T, S) Unix seconds."""
    parts = [_latest(one, moments, moments - look_back) for one in columns]
    if len(parts) == 1:
        values, present, times = parts[0]
    else:
        empty = np.empty((len(moments), 0))
        values = np.concatenate([empty, *(part[0] for part in parts)], axis=1)
        present = np.concatenate([empty.astype(bool), *(part[1] for part in parts)], axis=1)
        times = np.concatenate([empty, *(part[2] for part in parts)], axis=1)
    labels = columns[0].labels if len(columns) == 1 else tuple(name for one in columns for name in one.labels)
    return Vector(labels, values, present), times


def _latest(columns: Columns, moments: Millis, after: Millis) -> tuple[Floats, Bools, Floats]:
    rows = np.searchsorted(columns.times, moments, "right") - 1
    fresh = (rows >= 0) & (columns.times[rows] > after)
    values = columns.values[rows]
    shape = values.shape
    present = np.broadcast_to(fresh[:, None], shape)
    times: Floats = np.broadcast_to((columns.times[rows] / 1000)[:, None], shape)
    if not np.isnan(values).any():
        return values, present, times
    missing = values.view(np.uint64) == MISSING_BITS
    gappy = np.flatnonzero(missing.any(axis=0))
    if len(gappy):
        picked = np.ascontiguousarray(columns.values[:, gappy])
        real = picked.view(np.uint64) != MISSING_BITS
        newest = np.maximum.accumulate(np.where(real, np.arange(len(picked))[:, None], -1), axis=0)
        found = np.where(rows[:, None] >= 0, newest[rows], -1)
        present, times = present.copy(), times.copy()
        values[:, gappy] = picked[found, np.arange(len(gappy))]
        present[:, gappy] = (found >= 0) & (columns.times[found] > after[:, None])
        times[:, gappy] = columns.times[found] / 1000
    return values, present & (values.view(np.uint64) != STALE_BITS), times


def without_gaps(columns: Iterable[Columns], real: Bools | None = None) -> list[Columns]:
    """The same samples in columns that are real everywhere: stale markers and gaps are left out, and series whose
    gaps differ stand apart. real: (N, S) for one block of columns whose marks are not in the values."""
    found: list[Columns] = []
    for one in columns:
        marks = real
        if marks is None:
            if not np.isnan(one.values).any():
                found.append(one)
                continue
            bits = np.ascontiguousarray(one.values).view(np.uint64)
            marks = (bits != MISSING_BITS) & (bits != STALE_BITS)
        whole = marks.all(axis=0)
        if whole.all():
            found.append(one)
            continue
        alike: dict[bytes, list[int]] = {}
        packed = np.ascontiguousarray(np.packbits(marks, axis=0).T)
        for column in range(len(one.labels)):
            alike.setdefault(packed[column].tobytes(), []).append(column)
        for members in alike.values():
            rows = marks[:, members[0]]
            if rows.any():
                labels = tuple(one.labels[column] for column in members)
                found.append(Columns(labels, one.times[rows], one.values[rows][:, members]))
    return found


def ranges(columns: Iterable[Columns], at: Millis, moments: Millis, length: int) -> RangeVector:
    """The samples of each series in (moment - length, moment]. columns: without gaps."""
    starts = moments - length
    return RangeVector(
        tuple(
            Window(
                one.labels,
                one.times,
                one.values,
                np.searchsorted(one.times, starts, "right"),
                np.searchsorted(one.times, moments, "right"),
                starts,
                moments,
                at,
            )
            for one in columns
        )
    )
