"""Columns and rows: a layout says which series has which column, chunks hold the rows written under it.

A chunk is an array of rows with their time stamps. The writer fills the row after the last and publishes it by
raising `count`; published rows never change, so that readers take them without a lock. A column belongs to one
series for as long as its layout lives; layouts only grow. When series have left, the group begins a new layout,
which reclaims their columns, and the old one goes with its last chunk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from razorprof.model.series import MISSING_BITS, Floats
from razorprof.store.index import Columns, Entry

MOST_ROWS = 256
FEWEST_ROWS = 32
_MOST_CHUNK_BYTES = 2 << 20
NEVER = np.inf  # when a column that holds no living series was seen last


class Chunk:
    """Rows of one layout."""

    __slots__ = ("bits", "count", "rows", "times", "values", "width")

    def __init__(self, rows: int, width: int) -> None:
        self.times: Floats = np.empty(rows)
        self.values: Floats = np.empty((rows, width))
        self.bits: NDArray[np.uint64] = self.values.view(np.uint64)
        self.rows = rows
        self.width = width
        self.count = 0

    @property
    def nbytes(self) -> int:
        return self.times.nbytes + self.values.nbytes

    @property
    def end(self) -> float:
        """The time of the newest row."""
        return float(self.times[self.count - 1]) if self.count else -np.inf

    def seal(self) -> None:
        """No more rows will come: give unused ones back."""
        if self.count < self.rows:
            self.rows = self.count
            self.times, self.values = self.times[: self.count].copy(), self.values[: self.count].copy()
            self.bits = self.values.view(np.uint64)

    def span(self, start: float, end: float) -> tuple[int, int]:
        """The published rows whose times are in [start, end], as low and high. Any thread."""
        count = self.count
        times = self.times[:count]
        if not count or times[-1] < start or times[0] > end:
            return 0, 0
        low = 0 if times[0] >= start else int(times.searchsorted(start, "left"))
        return low, count if times[-1] <= end else int(times.searchsorted(end, "right"))

    def newest(self, column: int) -> int | None:
        """The bits of the newest cell of a column that holds something. Any thread."""
        count = self.count
        if not count:
            return None
        bits = self.bits[:count, column]
        row = count - 1
        if bits[row] == MISSING_BITS:
            there = np.flatnonzero(bits != MISSING_BITS)
            if not len(there):
                return None
            row = int(there[-1])
        return int(bits[row])


class Layout:
    """entries: the series of each column; column: the same the other way round; seen: when each had its last value
    (NEVER where it is not alive); chunks: its rows, oldest first, replaced and never changed."""

    __slots__ = ("chunks", "column", "entries", "seen", "started_with")

    def __init__(self, width: int) -> None:
        self.entries: list[Entry] = []
        self.column: dict[Entry, int] = {}
        self.seen: Floats = np.full(width, NEVER)
        self.chunks: tuple[Chunk, ...] = ()
        self.started_with = 0

    @property
    def width(self) -> int:
        """The columns that there is room for."""
        return len(self.seen)

    def add(self, entry: Entry) -> int:
        """A column for one more series."""
        column = len(self.entries)
        self.entries.append(entry)
        self.column[entry] = column
        return column

    def begin_chunk(self) -> Chunk:
        """Room for more rows: few at first, so that small and short-lived groups cost little."""
        previous = self.chunks[-1].rows if self.chunks else FEWEST_ROWS // 2
        rows = min(MOST_ROWS, 2 * previous, max(FEWEST_ROWS, _MOST_CHUNK_BYTES // (8 * max(1, self.width))))
        chunk = Chunk(rows, self.width)
        self.chunks = (*self.chunks, chunk)
        return chunk


def pick(chunk: Chunk, low: int, high: int, columns: Columns) -> Floats:
    """Some columns of some rows: the chunk's own memory where they lie side by side."""
    rows = chunk.values[low:high]
    return rows[:, columns] if isinstance(columns, slice) else rows.take(columns, axis=1)
