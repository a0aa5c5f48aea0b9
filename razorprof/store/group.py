"""The series of one source of one target: they share time stamps, one append per scrape writes one row of all.

Whoever appends resolves its series once (`resolve`) and then hands over values in that order (`append_row`);
`append` does both for samples as they come. Only the pipeline's thread calls what writes; what reads may be called
from any thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.model.metric import Sample
from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats
from razorprof.store.index import Columns, Entry, as_columns
from razorprof.store.layout import NEVER, Chunk, Layout
from razorprof.store.reading import newest_value

if TYPE_CHECKING:
    from razorprof.store.memory import MemoryStore

OUT_OF_ORDER = "out_of_order"
DUPLICATE = "duplicate"
SERIES_LIMIT = "series_limit"
TARGET_LIMIT = "target_limit"
MEMORY = "memory"
_RETRY = 15.0  # seconds after which refused series are tried again
# bytes that a series takes in the index, and a layout for itself and its columns (measured: benchmarks/store.py)
_SERIES_COST, _LAYOUT_COST, _COLUMN_COST = 1200, 1600, 160
_LATER = 0.001  # a stale marker comes at least this long after the last row: Prometheus counts milliseconds


class Allowance:
    """How many living series the groups of one target may have together."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class Row:
    """Resolved series: whose values `append_row` takes, in this order. labels: all of them, as from `Group.named`;
    `Group.resolve` makes one of labels without the group's."""

    __slots__ = ("binding", "columns", "kept", "labels", "refused", "retry")

    def __init__(self, labels: tuple[Labels, ...]) -> None:
        self.labels = labels
        self.binding: object = None  # the group's, when the columns below were found
        self.columns: Columns = slice(0, 0)
        self.kept: NDArray[np.intp] | None = None  # which of the values have a column; None: all
        self.refused: Mapping[str, int] = {}
        self.retry = NEVER


class Group:
    """`drops` counts samples that were refused, by reason."""

    def __init__(
        self, store: MemoryStore, base: Labels, *, max_series: int, hold: float, allowance: Allowance
    ) -> None:
        self._store = store
        self._base = base
        self._max_series = max_series
        self._hold = hold
        self._allowance = allowance
        self._binding = object()  # replaced when rows must look for their columns anew
        self._layout: Layout | None = None
        self._chunk: Chunk | None = None
        self._names: dict[tuple[str, Labels], Labels] = {}
        self._last_time = -np.inf
        self._alive = 0
        self.layouts: tuple[Layout, ...] = ()
        self.bytes = 0
        self.drops: Counter[str] = Counter()

    @property
    def dropped(self) -> int:
        """All refused samples."""
        return self.drops.total()

    @property
    def alive(self) -> int:
        """How many series are not stale."""
        return self._alive

    @property
    def has_history(self) -> bool:
        """Whether there is more than the newest chunk."""
        return len(self.layouts) > 1 or (bool(self.layouts) and len(self.layouts[0].chunks) > 1)

    def resolve(self, series: Sequence[Labels]) -> Row:
        """The series whose values will be appended together. Their labels hold __name__; the group's are added."""
        return Row(tuple(self._base.with_(labels) for labels in series))

    def named(self, name: str, labels: Labels) -> Labels:
        """All labels of one of the group's series: those of a Row."""
        full = self._names.get((name, labels))
        if full is None:
            if len(self._names) > 4 * max(64, self._alive):
                self._names = {}
            full = self._names[name, labels] = self._base.with_(labels, __name__=name)
        return full

    def append(self, time: float, samples: Iterable[Sample]) -> bool:
        """One row: the samples of one scrape at `time`, Unix seconds."""
        samples = list(samples)
        row = Row(tuple(self.named(sample.name, sample.labels) for sample in samples))
        return self.append_row(time, row, np.array([sample.value for sample in samples], dtype=np.float64))

    def append_row(self, time: float, row: Row, values: Floats) -> bool:
        """Append the values of a resolved row. Series without a value in it become stale once their last one is
        older than the group's `hold`. A row that is not newer than the last is refused and counted."""
        if not time > self._last_time:
            self.drops[OUT_OF_ORDER] += len(values)
            return False
        chunk = self._chunk
        if chunk is None or row.binding is not self._binding or chunk.count == chunk.rows or time >= row.retry:
            chunk = self._bind(time, row)
        if row.refused:
            self.drops.update(row.refused)
        if row.kept is not None:
            values = values[row.kept]
        if np.isnan(values).any():
            values = _plain(values)
        self._write(chunk, time, row.columns, values, self._hold)
        return True

    def mark_stale(self, time: float) -> None:
        """Say that all series of this group have ended."""
        if self._alive and self._layout is not None:
            chunk = self._room(self._layout)
            self._write(chunk, max(time, self._last_time + _LATER), slice(0, 0), _NOTHING, -1.0)

    def release(self, labels: Labels) -> None:
        """Let go of a series without saying that it has ended: another group goes on with it. labels: all."""
        layout, entry = self._layout, self._store.index.entry(labels)
        column = None if layout is None or entry is None else layout.column.get(entry)
        if layout is not None and column is not None and layout.seen[column] != NEVER:
            layout.seen[column] = NEVER
            self._revive(-1)
            self._binding = object()

    def drop_oldest(self) -> None:
        """Give up the oldest chunk, and the series that have no other."""
        layout = self.layouts[0]
        self._count(-layout.chunks[0].nbytes)
        layout.chunks = layout.chunks[1:]
        if layout.chunks:
            return
        self.layouts = self.layouts[1:]
        if layout is self._layout:
            self._retire()
            self._layout = self._chunk = None
        for entry in layout.entries:
            rest = tuple(other for other in entry.layouts if other is not layout)
            self._store.index.move(entry, rest)
            if not rest:
                self._count(-_SERIES_COST)
        self._count(-_cost(layout))
        self._store.index.changed()

    def _write(self, chunk: Chunk, time: float, columns: Columns, values: Floats, hold: float) -> None:
        layout = self._layout
        if layout is None:
            return
        row = chunk.count
        bits = chunk.bits[row]
        bits[:] = MISSING_BITS
        chunk.values[row, columns] = values
        seen = layout.seen
        seen[columns] = time
        gone = np.flatnonzero(seen < time - hold)
        if len(gone):
            bits[gone] = STALE_BITS
            seen[gone] = NEVER
            self._revive(-len(gone))
            self._binding = object()
        elif not len(values):
            return
        chunk.times[row] = time
        chunk.count = row + 1  # published
        self._last_time = time
        if self._store.journal is not None:
            self._store.journal(time, layout.entries, bits[: len(layout.entries)])

    def _bind(self, time: float, row: Row) -> Chunk:
        """Find or make a column for each series of the row, and a chunk with a free line."""
        index, layout = self._store.index, self._layout
        kept: list[int] = []
        entries: list[Entry | Labels] = []  # labels where the series is new to the index
        refused: Counter[str] = Counter()
        taken: set[Labels] = set()
        fresh = new = 0
        for place, labels in enumerate(row.labels):
            entry = index.entry(labels)
            column = None if layout is None or entry is None else layout.column.get(entry)
            if labels in taken:
                refused[DUPLICATE] += 1
                continue
            if layout is None or column is None or layout.seen[column] == NEVER:
                if reason := self._refusal(entry, fresh):
                    refused[reason] += 1
                    continue
                fresh += 1
                new += column is None
            taken.add(labels)
            kept.append(place)
            entries.append(entry or labels)
        if layout is None or not self._fits(layout, new):
            layout = self._begin(layout, entries)
        columns = [self._column(layout, entry) for entry in entries]
        self._revive(fresh)
        if new:
            self._store.index.changed()
        row.kept = None if len(kept) == len(row.labels) else np.array(kept, dtype=np.intp)
        row.columns = as_columns(columns)
        row.refused = refused
        row.retry = time + _RETRY if refused else NEVER
        row.binding = self._binding
        return self._room(layout)

    def _refusal(self, entry: Entry | None, fresh: int) -> str:
        """Why a series may not begin (or begin again) to live here; empty where it may."""
        if self._alive + fresh >= self._max_series:
            return SERIES_LIMIT
        if self._allowance.used + fresh >= self._allowance.limit:
            return TARGET_LIMIT
        if entry is None:
            return MEMORY if self._store.full else ""
        elsewhere = (layout for layout in entry.layouts if layout not in self.layouts)
        return DUPLICATE if any(layout.seen[layout.column[entry]] != NEVER for layout in elsewhere) else ""

    def _fits(self, layout: Layout, new: int) -> bool:
        """Whether the layout has room for new columns. A chunk that is full is the moment to reclaim columns."""
        full = self._chunk is not None and self._chunk.count == self._chunk.rows
        if full and self._alive < len(layout.entries):
            return False
        return len(layout.entries) + new <= layout.width

    def _begin(self, old: Layout | None, first: Sequence[Entry | Labels]) -> Layout:
        """A layout with columns for `first`, and for all others that are alive."""
        others: list[Entry] = []
        spare = 2
        if old is not None:
            wanted = {id(entry) for entry in first}
            living = [entry for entry, seen in zip(old.entries, old.seen, strict=False) if seen != NEVER]
            others = [entry for entry in living if id(entry) not in wanted]
            # as many as came lately, but no more than there are
            spare += min(len(old.entries) - old.started_with, len(first) + len(others))
        layout = Layout(len(first) + len(others) + spare)
        known = [self._column(layout, entry) for entry in (*first, *others)]
        layout.started_with = len(known)
        if old is not None:
            for entry in layout.entries:
                if (before := old.column.get(entry)) is not None:
                    layout.seen[layout.column[entry]] = old.seen[before]
            old.seen = np.full(old.width, NEVER)
            if self._chunk is not None:
                self._count(-self._chunk.nbytes)
                self._chunk.seal()
                self._count(self._chunk.nbytes)
        self._chunk = None
        self._binding = object()
        self._layout = layout
        self.layouts = (*self.layouts, layout)
        self._count(_cost(layout))
        self._store.index.changed()
        return layout

    def _column(self, layout: Layout, series: Entry | Labels) -> int:
        index = self._store.index
        if isinstance(series, Entry):
            entry = series
        elif (known := index.entry(series)) is not None:
            entry = known
        else:
            entry = index.add(series)
            self._count(_SERIES_COST)
        column = layout.column.get(entry)
        if column is None:
            column = layout.add(entry)
        if not entry.layouts or entry.layouts[-1] is not layout:  # the newest is the last
            index.move(entry, (*(other for other in entry.layouts if other is not layout), layout))
        return column

    def _room(self, layout: Layout) -> Chunk:
        """The chunk with a free line."""
        chunk = self._chunk
        if chunk is None or chunk.count == chunk.rows:
            chunk = self._chunk = layout.begin_chunk()
            self._count(chunk.nbytes)
            self._store.holds(self)
        return chunk

    def _retire(self) -> None:
        """No series is alive any more."""
        self._revive(-self._alive)
        self._binding = object()

    def _revive(self, number: int) -> None:
        self._alive += number
        self._allowance.used += number

    def _count(self, nbytes: int) -> None:
        self.bytes += nbytes
        self._store.bytes += nbytes

    def live(self) -> list[tuple[Labels, float]]:
        """(labels, newest value) of every series that is not stale. Any thread."""
        layout = self._layout
        if layout is None:
            return []
        pairs = zip(tuple(layout.entries), layout.seen.tolist(), strict=False)
        found = ((entry.labels, newest_value(entry)) for entry, seen in pairs if seen != NEVER)
        return [(labels, value) for labels, value in found if value is not None]


_NOTHING: Floats = np.empty(0)
_PLAIN_NAN = np.float64(np.nan)


def _plain(values: Floats) -> Floats:
    """Values in which no NaN looks like one of our marks."""
    return np.where(np.isnan(values), _PLAIN_NAN, values)


def _cost(layout: Layout) -> int:
    return _LAYOUT_COST + _COLUMN_COST * layout.width
