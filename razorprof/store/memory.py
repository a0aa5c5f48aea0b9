"""The in-memory engine: groups of series that share time stamps, in chunks of rows; one writer, many readers.

A group belongs to one source of one target: one append per scrape writes one row of all its series. Readers take
no lock and the writer never waits for one: rows are published when they are complete and never change, and all
else that is shared is replaced, not changed (store/layout.py, store/index.py).

Memory: 8 bytes a sample and 8 bytes a row, plus about 1 KB a series for its labels and the index; `bytes` is the
sum, and `max_bytes` bounds it. When it is reached, the largest group gives up its oldest chunk, so that a greedy
source shortens its own history first; where nothing is left to give up, new series are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import Series
from razorprof.store.group import Allowance, Group
from razorprof.store.index import Entry, LabelIndex
from razorprof.store.reading import columns_of, newest_value, read_part
from razorprof.store.view import Matcher, SeriesBlock

MOST_METRICS = 10_000
# time, the series of a group (the same object while they are the same; it may grow), their bits in the row
Journal = Callable[[float, Sequence[Entry], NDArray[np.uint64]], None]


class MemoryStore:
    """A SeriesView over groups. Bounded by `seconds` of history and by `max_bytes`.

    max_series: living series of one group where it gives no bound of its own.
    """

    def __init__(self, *, seconds: float = 3600.0, max_bytes: int = 64 << 20, max_series: int = 10_000) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._max_series = max_series
        self._groups: dict[Group, None] = {}  # those that hold rows
        self._metrics: dict[str, Metric] = {}
        self.index = LabelIndex()
        self.bytes = 0
        self.full = False
        self.journal: Journal | None = None  # told of every row that is written

    @property
    def series(self) -> int:
        """How many series have samples, stale ones included."""
        return len(self.index)

    def declare(self, metrics: Iterable[Metric]) -> None:
        """Make metrics known. The first declaration of a name stays; there are at most MOST_METRICS."""
        for metric in metrics:
            if len(self._metrics) < MOST_METRICS:
                self._metrics.setdefault(metric.name, metric)

    def declared(self, name: str) -> Metric | None:
        """The metric of that name."""
        return self._metrics.get(name)

    def metrics(self) -> Iterable[Metric]:
        return tuple(self._metrics.values())

    def group(
        self, base: Labels, *, hold: float = 0.0, max_series: int | None = None, allowance: Allowance | None = None
    ) -> Group:
        """A new group whose series all carry the labels `base`. Only the pipeline's thread.

        hold: seconds for which a series may have no value before it is stale (figures read at a slow rate);
        allowance: shared by the groups of a target, bounds their living series together.
        """
        limit = self._max_series if max_series is None else max_series
        return Group(self, base, max_series=limit, hold=hold, allowance=allowance or Allowance(limit))

    def keep(self, seconds: float) -> None:
        """Keep so much history from now on, if that is more than before. Any thread."""
        self._seconds = max(self._seconds, seconds)

    def holds(self, group: Group) -> None:
        """Called by a group: it has rows now."""
        self._groups[group] = None

    def expire(self, now: float) -> None:
        """Drop chunks that are wholly older than the history, and the oldest ones of the largest groups while the
        byte bound is exceeded. Only the pipeline's thread, once a tick."""
        oldest = now - self._seconds
        for group in list(self._groups):
            while (
                group.layouts and group.layouts[0].chunks[0].times[group.layouts[0].chunks[0].count - 1] < oldest
            ):
                group.drop_oldest()
            if not group.layouts:
                del self._groups[group]
        while self.bytes > self._max_bytes:
            candidates = [group for group in self._groups if group.has_history]
            if not candidates:
                break
            max(candidates, key=lambda group: group.bytes).drop_oldest()
        self.full = self.bytes > self._max_bytes

    def forget(self, group: Group) -> None:
        """Drop a whole group: its target is of no interest any more."""
        while group.layouts:
            group.drop_oldest()
        self._groups.pop(group, None)

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        return [series for block in self.blocks(matchers, start, end) for series in columns_of(block)]

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        read = (read_part(part, start, end) for part in self.index.parts(matchers))
        return [block for block in read if block is not None]

    def read(self, labels: Labels, start: float, end: float) -> Series | None:
        """The samples of exactly this series in [start, end]; None where there are none. Any thread."""
        entry = self.index.entry(labels)
        part = None if entry is None else self.index.part_of(entry)
        block = None if part is None else read_part(part, start, end)
        return None if block is None else next(iter(columns_of(block)), None)

    def last(self, labels: Labels) -> float | None:
        """The newest value of exactly this series, None where it is stale or absent. Any thread."""
        entry = self.index.entry(labels)
        return None if entry is None else newest_value(entry)
