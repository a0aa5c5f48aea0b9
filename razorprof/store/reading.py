"""Reads the rows of selected series out of their chunks, as one block of columns. Any thread, without a lock.

Called by the store for each part of a selection. What lies in one chunk side by side is handed out as it is, not
copied; else one copy is made, chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats, Series
from razorprof.store.index import Columns, Entry, Part
from razorprof.store.layout import Chunk, pick
from razorprof.store.view import SeriesBlock


def read_part(part: Part, start: float, end: float) -> SeriesBlock | None:
    """The rows in [start, end] of the part's series; None where there are none."""
    pieces: list[tuple[Chunk, int, int, Columns]] = []
    for layout, columns in zip(part.layouts, part.columns, strict=True):
        for chunk in reversed(layout.chunks):  # queries ask for the newest
            low, high = chunk.span(start, end)
            if low < high:
                pieces.append((chunk, low, high, columns))
            elif chunk.count and chunk.times[0] < start:
                break
    if not pieces:
        return None
    if len(pieces) == 1:
        chunk, low, high, columns = pieces[0]
        return _sealed(part, chunk.times[low:high], pick(chunk, low, high, columns))
    pieces.sort(key=lambda piece: piece[0].times[piece[1]])
    rows = sum(high - low for _, low, high, _ in pieces)
    times, values = np.empty(rows), np.empty((rows, len(part.labels)))
    at = 0
    for chunk, low, high, columns in pieces:
        to = at + high - low
        times[at:to] = chunk.times[low:high]
        if isinstance(columns, slice):
            values[at:to] = chunk.values[low:high, columns]
        else:
            np.take(chunk.values[low:high], columns, axis=1, out=values[at:to], mode="clip")
        at = to
    if len(part.layouts) > 1 and (times[1:] <= times[:-1]).any():
        times, values = _in_order(times, values)
    return _sealed(part, times, values)


def columns_of(block: SeriesBlock) -> Iterable[Series]:
    """A block's series one by one, in arrays of their own; those without a sample left out."""
    there = block.values.view(np.uint64) != MISSING_BITS
    whole = there.all(axis=0)
    for column, labels in enumerate(block.labels):
        if whole[column]:
            yield Series(labels, block.times.copy(), block.values[:, column].copy())
        elif (present := there[:, column]).any():
            yield Series(labels, block.times[present], block.values[present, column])


def newest_value(entry: Entry) -> float | None:
    """The newest value of a series; None where it is stale or absent."""
    for layout in reversed(entry.layouts):
        column = layout.column[entry]
        for chunk in reversed(layout.chunks):
            if (bits := chunk.newest(column)) is not None:
                return None if bits == STALE_BITS else float(np.uint64(bits).view(np.float64))
    return None


def _in_order(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Rows of groups that overlapped (a source that was reopened), sorted; rows of one time become one, in which
    the later written value counts."""
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    bits = values.view(np.uint64)
    again = np.flatnonzero(times[1:] == times[:-1]) + 1
    for row in again:
        missing = bits[row] == MISSING_BITS
        bits[row, missing] = bits[row - 1, missing]
    keep = np.ones(len(times), dtype=np.bool_)
    keep[again - 1] = False
    return times[keep], values[keep]


def _sealed(part: Part, times: Floats, values: Floats) -> SeriesBlock:
    """The block, whose arrays nobody can write into: they may be the store's own."""
    times = times.view()
    values = values.view()
    times.flags.writeable = values.flags.writeable = False
    return SeriesBlock(part.labels, times, values)
