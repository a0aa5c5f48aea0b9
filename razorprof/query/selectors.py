"""Series read from a view and looked at as of many evaluation times: instant and range selectors.

Whole columns at once: series that share their time stamps cost one search per evaluation time. Only columns with
gaps or stale markers of their own are looked at by themselves. Called by evaluator and subquery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats
from razorprof.query.limits import Budget
from razorprof.query.plan import Edge, When
from razorprof.query.values import Bools, Millis, Places, RangeVector, Vector, Window
from razorprof.store.view import Matcher, SeriesView


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Series that share their time stamps. times: (N,) ms, ascending; values: (N, S); real: (N, S) which of them
    are samples, None for all or where the values say it themselves."""

    labels: tuple[Labels, ...]
    times: Millis
    values: Floats
    real: Bools | None = None


_MANY = 16  # so many series with the same gaps are looked at as columns of their own
_STEPS = 400_000  # evaluation times of all series together, of one folded window


def moment(when: When, at: int, start: int, end: int) -> int:
    """Where in time to look for an evaluation time, ms; start, end: those of the whole query."""
    if when.at is None:
        return at - when.offset
    edges = {Edge.START: start, Edge.END: end}
    return (edges[when.at] if isinstance(when.at, Edge) else when.at) - when.offset


def moments(when: When, at: Millis, start: int, end: int) -> Millis:
    """(T,) the same for many."""
    if when.at is None:
        return at - when.offset if when.offset else at
    return np.full(len(at), moment(when, 0, start, end), np.int64)


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


def latest(columns: Sequence[Columns], moments: Millis, look_back: int) -> Vector:
    """The newest sample of each series in (moment - look_back, moment], none where that is a stale marker."""
    parts = [_latest(one, moments, moments - look_back)[:2] for one in columns]
    labels = columns[0].labels if len(columns) == 1 else tuple(name for one in columns for name in one.labels)
    if len(parts) == 1:
        return Vector(labels, *parts[0])
    empty = np.empty((len(moments), 0))
    values = np.concatenate([empty, *(part[0] for part in parts)], axis=1)
    present = np.concatenate([empty.astype(bool), *(part[1] for part in parts)], axis=1)
    return Vector(labels, values, present)


def latest_times(columns: Sequence[Columns], moments: Millis, look_back: int) -> Floats:
    """When those samples were taken: (T, S) Unix seconds."""
    rows = [np.empty((len(moments), 0))]
    for one in columns:
        picked = _latest(one, moments, moments - look_back)[2]
        rows.append(np.broadcast_to(one.times[picked] / 1000, (len(moments), len(one.labels))))
    return np.concatenate(rows, axis=1)


def _latest(columns: Columns, moments: Millis, after: Millis) -> tuple[Floats, Bools, Places]:
    """Values, whether they are there, and their rows, which may be one for all series: (T, 1)."""
    rows = columns.times.searchsorted(moments, "right") - 1
    fresh = (rows >= 0) & (columns.times[rows] > after)
    values = columns.values[rows]
    present = np.repeat(fresh[:, None], values.shape[1], axis=1)
    picked = rows[:, None]
    if not np.isnan(values).any():
        return values, present, picked
    missing = values.view(np.uint64) == MISSING_BITS
    gappy = np.flatnonzero(missing.any(axis=0))
    if len(gappy):
        some = np.ascontiguousarray(columns.values[:, gappy])
        real = some.view(np.uint64) != MISSING_BITS
        newest = np.maximum.accumulate(np.where(real, np.arange(len(some))[:, None], -1), axis=0)
        found = np.where(rows[:, None] >= 0, newest[rows], -1)
        picked = np.repeat(picked, values.shape[1], axis=1)
        picked[:, gappy] = found
        values[:, gappy] = some[found, np.arange(len(gappy))]
        present[:, gappy] = (found >= 0) & (columns.times[found] > after[:, None])
    return values, present & (values.view(np.uint64) != STALE_BITS), picked


def without_gaps(columns: Iterable[Columns], real: Bools | None = None) -> list[Columns]:
    """The same samples without stale markers and gaps: in columns that are real everywhere where many series
    have the same gaps, else with their marks. real: (N, S) for one block whose marks are not in the values."""
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
        if whole.any():
            found.append(_some(one, np.flatnonzero(whole)))
        found += _broken(one, np.flatnonzero(~whole), marks)
    return found


def _broken(columns: Columns, places: Places, marks: Bools) -> Iterable[Columns]:
    alike: dict[bytes, list[int]] = {}
    packed = np.ascontiguousarray(np.packbits(marks[:, places], axis=0).T)
    for place, mark in zip(places.tolist(), packed, strict=True):
        alike.setdefault(mark.tobytes(), []).append(place)
    single: list[int] = []
    for members in alike.values():
        if len(members) < _MANY and len(alike) > 1:
            single += members
        elif marks[:, members[0]].any():
            yield _some(columns, np.array(members, np.intp), np.flatnonzero(marks[:, members[0]]))
    if single:
        kept = np.array(single, np.intp)
        yield replace(_some(columns, kept), real=marks[:, kept])


def _some(columns: Columns, members: Places, rows: Places | None = None) -> Columns:
    """Some of the series, all their rows or some."""
    labels = tuple(columns.labels[column] for column in members.tolist())
    if rows is None:
        return Columns(labels, columns.times, columns.values[:, members])
    return Columns(labels, columns.times[rows], columns.values[rows[:, None], members])


def ranges(columns: Iterable[Columns], at: Millis, moments: Millis, length: int) -> RangeVector:
    """The samples of each series in (moment - length, moment]. columns: without gaps."""
    windows: list[Window] = []
    for one in columns:
        starts = moments - length
        low = np.searchsorted(one.times, starts, "right")
        high = np.searchsorted(one.times, moments, "right")
        if one.real is None:
            windows.append(Window(one.labels, one.times, one.values, low, high, starts, moments, at))
            continue
        width = max(1, _STEPS // len(at))
        for first in range(0, len(one.labels), width):
            part = slice(first, first + width)
            some = Columns(one.labels[part], one.times, one.values[:, part], one.real[:, part])
            windows.append(_folded(some, low, high, starts, moments, at))
    return RangeVector(tuple(windows))


def _folded(columns: Columns, low: Places, high: Places, starts: Millis, ends: Millis, at: Millis) -> Window:
    """Series with gaps of their own, one behind the other. low, high: (T,) in the time stamps they share."""
    assert columns.real is not None  # noqa: S101
    marks = columns.real.T
    count = len(marks)
    before = np.zeros((count, marks.shape[1] + 1), np.intp)  # real samples of a series before each row, and
    np.cumsum(marks, axis=1, out=before[:, 1:])
    before[1:] += np.cumsum(before[:-1, -1])[:, None]  # those of all series in front
    return Window(
        columns.labels,
        np.broadcast_to(columns.times, marks.shape)[marks],
        columns.values.T[marks][:, None],
        before[:, low].T.ravel(),
        before[:, high].T.ravel(),
        np.repeat(starts, count),
        np.repeat(ends, count),
        np.repeat(at, count),
        count,
    )
