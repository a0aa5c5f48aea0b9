"""The in-memory engine: groups of series that share time stamps, in chunks of rows; one writer, many readers.

A group belongs to one source of one target: one append per scrape writes one row of all its series. A chunk
has a column map of its own, so series that come and go (functions, threads) leave with their chunks and cost
nothing afterwards. The writer fills a row and then publishes it by raising the chunk's count; readers copy
published rows only and never hold a lock that an append needs. The lock guards the label index alone, which
changes when a series appears or its last chunk goes.

Memory: 8 bytes a sample, plus 8 bytes a row, plus spare columns (a quarter) of the newest chunk of a group.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample
from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats, Series
from razorprof.store.view import Matcher, MatchOp, SeriesBlock, blocks_of

_ROWS = 128
_STALE = STALE_BITS.view(np.float64)
_MISSING = MISSING_BITS.view(np.float64)
_SeriesKey = tuple[str, Labels]


class _Chunk:
    """Up to `_ROWS` rows. Columns are only ever added; `count` is raised last."""

    def __init__(self, columns: int) -> None:
        self.times: Floats = np.empty(_ROWS)
        self.values: Floats = np.full((_ROWS, columns), _MISSING)
        self.column: dict[Labels, int] = {}
        self.count = 0

    @property
    def full(self) -> bool:
        return self.count == _ROWS

    @property
    def size(self) -> int:
        return self.times.nbytes + self.values.nbytes

    def newest(self, column: int) -> float | None:
        """The newest value of a column, a stale marker too; None where it has none."""
        values = self.values
        for row in range(self.count - 1, -1, -1):
            value = values[row, column]
            if value.view(np.uint64) != MISSING_BITS:
                return float(value)
        return None

    def seal(self) -> int:
        """No more rows will come: give unused ones back. Answers how many bytes that freed."""
        before = self.size
        self.times, self.values = self.times[: self.count].copy(), self.values[: self.count].copy()
        return before - self.size


class Group:
    """The series of one source of one target. Only the pipeline's thread calls it.

    `dropped` counts samples refused because the group has `max_series` live series already.
    """

    def __init__(self, store: MemoryStore, base: Labels, max_series: int, hold: float) -> None:
        self._store = store
        self._base = base
        self._max_series = max_series
        self._hold = hold
        self._resolved: dict[_SeriesKey, Labels] = {}
        self._live: dict[Labels, float] = {}  # and the time of the newest value
        self._last_time = -np.inf
        self.chunks: deque[_Chunk] = deque()
        self.dropped = 0

    def append(self, time: float, samples: Iterable[Sample]) -> None:
        """One row: the samples of one scrape at `time`, Unix seconds.

        Series without a value in this row become stale once their last one is older than the group's `hold`. A
        row that is not newer than the last is refused and counted: time never goes back in a group.
        """
        row: dict[Labels, float] = {}
        for sample in samples:
            labels = self._labels_of(sample)
            if labels in row or labels in self._live or len(row) < self._max_series:
                row[labels] = sample.value
            else:
                self.dropped += 1
        self._write(time, row)

    def mark_stale(self, time: float) -> None:
        """Say that all series of this group have ended."""
        if self._live:
            self._write(time, {}, hold=-1.0)

    def _write(self, time: float, row: dict[Labels, float], *, hold: float | None = None) -> None:
        if time <= self._last_time:
            self.dropped += len(row)
            return
        hold = self._hold if hold is None else hold
        gone = [labels for labels, seen in self._live.items() if labels not in row and time - seen > hold]
        if not row and not gone:
            return
        chunk = self._chunk_for([*row, *gone])
        values = chunk.values[chunk.count]
        for labels, value in row.items():
            values[chunk.column[labels]] = value
        for labels in gone:
            values[chunk.column[labels]] = _STALE
        chunk.times[chunk.count] = time
        chunk.count += 1
        self._last_time = time
        for labels in gone:
            del self._live[labels]
        self._live.update(dict.fromkeys(row, time))

    def _chunk_for(self, wanted: Sequence[Labels]) -> _Chunk:
        """A chunk with a free row and a column for each of `wanted`."""
        chunk = self.chunks[-1] if self.chunks else None
        if chunk is not None and not chunk.full:
            new = [labels for labels in wanted if labels not in chunk.column]
            if len(chunk.column) + len(new) <= chunk.values.shape[1]:
                self._add_columns(chunk, new)
                return chunk
        chunk = _Chunk(len(wanted) + max(2, len(wanted) // 4))
        self._add_columns(chunk, wanted)
        if self.chunks and not self.chunks[-1].full:
            self._store.bytes -= self.chunks[-1].seal()
        self.chunks.append(chunk)
        self._store.bytes += chunk.size
        if len(self._resolved) > 4 * max(64, len(wanted)):  # forget names that no longer come
            self._resolved = {key: labels for key, labels in self._resolved.items() if labels in chunk.column}
        return chunk

    def _add_columns(self, chunk: _Chunk, new: Sequence[Labels]) -> None:
        for labels in new:
            chunk.column[labels] = len(chunk.column)
            self._store.index(labels, self)

    def _labels_of(self, sample: Sample) -> Labels:
        key = (sample.name, sample.labels)
        labels = self._resolved.get(key)
        if labels is None:
            labels = self._base.with_(sample.labels, __name__=sample.name)
            self._resolved[key] = labels
        return labels

    def read(self, labels: Labels, start: float, end: float) -> Series | None:
        """The samples of one series in [start, end]. Any thread."""
        times: list[Floats] = []
        values: list[Floats] = []
        for chunk in tuple(self.chunks):
            count, column = chunk.count, chunk.column.get(labels)
            if column is None or not count or chunk.times[count - 1] < start or chunk.times[0] > end:
                continue
            low = int(np.searchsorted(chunk.times[:count], start, "left"))
            high = int(np.searchsorted(chunk.times[:count], end, "right"))
            picked = chunk.values[low:high, column]
            present: NDArray[np.bool_] = picked.view(np.uint64) != MISSING_BITS
            times.append(chunk.times[low:high][present])
            values.append(picked[present])
        if not times:
            return None
        all_times = np.concatenate(times)
        return Series(labels, all_times, np.concatenate(values)) if len(all_times) else None

    def last(self, labels: Labels) -> float | None:
        """The newest value of a series, None where it is stale or absent. Any thread."""
        for chunk in (*reversed(self.chunks),):
            column = chunk.column.get(labels)
            if column is not None and (value := chunk.newest(column)) is not None:
                return None if np.float64(value).view(np.uint64) == STALE_BITS else value
        return None

    def live(self) -> list[tuple[Labels, float]]:
        """(labels, newest value) of every series that is not stale. Any thread."""
        found = ((labels, self.last(labels)) for labels in tuple(self._live))
        return [(labels, value) for labels, value in found if value is not None]


class MemoryStore:
    """A SeriesView over groups. Bounded by `seconds` of history and by `max_bytes`, oldest chunks first."""

    def __init__(self, *, seconds: float = 3600.0, max_bytes: int = 64 << 20, max_series: int = 10_000) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._max_series = max_series
        self._lock = threading.Lock()
        self._groups: list[Group] = []
        self._group_of: dict[Labels, Group] = {}
        self._by_pair: dict[tuple[str, str], set[Labels]] = {}
        self._metrics: dict[str, Metric] = {}
        self.bytes = 0

    def declare(self, metrics: Iterable[Metric]) -> None:
        """Make metrics known. The first declaration of a name stays."""
        for metric in metrics:
            self._metrics.setdefault(metric.name, metric)

    def metrics(self) -> Iterable[Metric]:
        return tuple(self._metrics.values())

    def group(self, base: Labels, *, hold: float = 0.0) -> Group:
        """A new group whose series all carry the labels `base`. Only the pipeline's thread.

        hold: seconds for which a series may have no value before it is stale (figures read at a slow rate).
        """
        group = Group(self, base, self._max_series, hold)
        self._groups.append(group)
        return group

    def expire(self, now: float) -> None:
        """Drop chunks that are wholly older than the history, and the oldest ones above the byte bound.

        Only the pipeline's thread, once a tick.
        """
        for group in self._groups:
            while len(group.chunks) > 1 and group.chunks[0].times[-1] < now - self._seconds:
                self._drop_oldest(group)
        while self.bytes > self._max_bytes:
            candidates = [g for g in self._groups if len(g.chunks) > 1]
            if not candidates:
                break
            self._drop_oldest(min(candidates, key=lambda g: float(g.chunks[0].times[0])))

    def forget(self, group: Group) -> None:
        """Drop a whole group: its target is of no interest any more."""
        while group.chunks:
            self._drop_oldest(group)
        self._groups.remove(group)

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        with self._lock:
            found = [(labels, self._group_of[labels]) for labels in self._matching(matchers)]
        read = (group.read(labels, start, end) for labels, group in found)
        return [series for series in read if series is not None]

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        return blocks_of(self.select(matchers, start, end))

    def one(self, labels: Labels) -> Group | None:
        """The group that holds exactly this series, if any."""
        return self._group_of.get(labels)

    def index(self, labels: Labels, group: Group) -> None:
        """Called by a group: a series got a column."""
        if self._group_of.get(labels) is group:
            return
        with self._lock:
            self._group_of[labels] = group
            for pair in labels.items():
                self._by_pair.setdefault(pair, set()).add(labels)

    def _drop_oldest(self, group: Group) -> None:
        chunk = group.chunks.popleft()
        self.bytes -= chunk.size
        still = {labels for other in group.chunks for labels in other.column}
        with self._lock:
            for labels in chunk.column:
                if labels not in still and self._group_of.get(labels) is group:
                    del self._group_of[labels]
                    for pair in labels.items():
                        members = self._by_pair[pair]
                        members.discard(labels)
                        if not members:
                            del self._by_pair[pair]

    def _matching(self, matchers: Sequence[Matcher]) -> list[Labels]:
        equal = [m for m in matchers if m.op is MatchOp.EQUAL and m.value]
        if equal:
            sets = sorted((self._by_pair.get((m.label, m.value), set()) for m in equal), key=len)
            candidates: Iterable[Labels] = sets[0].intersection(*sets[1:])
        else:
            candidates = list(self._group_of)
        tests = [(m, re.compile(m.value, re.DOTALL) if "~" in m.op else None) for m in matchers if m not in equal]
        return [labels for labels in candidates if all(_fulfils(labels, m, regex) for m, regex in tests)]


def _fulfils(labels: Labels, matcher: Matcher, regex: re.Pattern[str] | None) -> bool:
    value = labels.get(matcher.label, "")  # an absent label equals an empty one
    if regex is not None:
        return bool(regex.fullmatch(value)) is (matcher.op is MatchOp.REGEX)
    return (value == matcher.value) is (matcher.op is MatchOp.EQUAL)
