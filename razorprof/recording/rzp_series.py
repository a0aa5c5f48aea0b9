"""The series of a recording, as the store had them: all labels, stale markers, and when each row came in.

Whole columns are put together segment by segment; no event is built. Rows of one group of series lie in one block.
A group changes its series now and then: what shares a series then is put together, with gaps. For rzp_reader and
for queries over recordings.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from razorprof.errors import ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats, Series
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_decode import Records
from razorprof.recording.rzp_lookup import BROKEN, Lookup
from razorprof.recording.rzp_pieces import Piece, Pieces
from razorprof.recording.rzp_records import RecordType
from razorprof.store.fixed import FixedView
from razorprof.store.reading import columns_of
from razorprof.store.view import SeriesBlock

MOST_SAMPLES = 50_000_000
_SPARSE = 4  # times as many cells as samples: then series are kept one by one


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of the same series. arrived: the time of the tick with which each came in."""

    labels: tuple[Labels, ...]
    times: Floats
    values: Floats
    arrived: Floats


class RecordedSeries:
    """A SeriesView of all that was read; `as_of` one of a tick."""

    def __init__(self, rows: Iterable[Rows], metrics: Iterable[Metric]) -> None:
        self.rows = [part for family in _families([_sorted(one) for one in rows]) for part in _together(family)]
        blocks = [SeriesBlock(rows.labels, rows.times, rows.values) for rows in self.rows]
        self.view = FixedView.of_blocks(blocks, metrics)

    @property
    def samples(self) -> int:
        """How many there are, stale markers included."""
        return sum(int((rows.values.view(np.uint64) != MISSING_BITS).sum()) for rows in self.rows)

    def as_of(self, tick: float) -> FixedView:
        """What the store held when the tick at this time was evaluated: rows that came in later are not there,
        even if they are older (a read that took long). Some ten microseconds."""
        return self.view.with_rows(
            [slice(0, int(np.searchsorted(rows.arrived, tick, "right"))) for rows in self.rows]
        )

    def beside(
        self,
        change: Callable[[Labels], Labels],
        arrive: Callable[[Floats], Floats],
        *,
        shift: float = 0.0,
        ends: float | None = None,
    ) -> RecordedSeries:
        """The same among those of other recordings: with other labels, other times of arrival, `shift` seconds
        later, and stale at `ends`, behind which nobody looked."""
        rows = [
            Rows(tuple(map(change, one.labels)), one.times + shift, one.values, arrive(one.arrived))
            for one in self.rows
        ]
        if ends is not None:
            rows = [_ended(one, ends) for one in rows]
        return RecordedSeries(rows, self.view.metrics())


@dataclass(slots=True)
class _Collected:
    """Rows of one number in one segment, as bytes."""

    times: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    changes: list[bytes] = field(default_factory=list)


class SeriesReader:
    """Takes segments one after the other, and keeps the rows of [start, end]. ruled: results of rules too."""

    def __init__(self, start: float, end: float, *, ruled: bool, samples: int = MOST_SAMPLES) -> None:
        self._start, self._end, self._ruled = start, end, ruled
        self._most, self._left = samples, samples
        self._parts: dict[tuple[Labels, ...], list[Rows]] = defaultdict(list)
        self._metrics: dict[str, Metric] = {}

    def take(self, piece: Piece, pieces: Pieces) -> None:
        """The rows of one segment, up to where it is damaged. Raises ToolFailed where there are more samples than
        may be."""
        segment = pieces.segment(piece)
        lookup, collected = Lookup(), dict[int, _Collected]()
        ticks = [block.time if block.has_tick else math.inf for block in segment.blocks]
        for place in range(len(ticks) - 1, 0, -1):  # what lies in a block without a tick came in with the next one
            ticks[place - 1] = min(ticks[place - 1], ticks[place])
        records = Records(segment)
        for block, arrived in zip(segment.blocks, ticks, strict=True):
            try:
                for kind, body in records.of(block):
                    if kind == RecordType.ROW:
                        self._collect(body, arrived, lookup, collected)
                    elif kind in _NEEDED:
                        lookup.define(kind, body)
            except BROKEN as error:
                pieces.note_broken(piece, block, str(error))
                break
        for metric in lookup.metrics:
            self._metrics.setdefault(metric.name, metric)
        for number, rows in collected.items():
            self._keep(lookup.series[number], rows)

    def result(self) -> RecordedSeries:
        rows = [_joined(parts) for parts in self._parts.values()]
        return RecordedSeries(rows, self._metrics.values())

    def _collect(self, body: bytes, arrived: float, lookup: Lookup, collected: dict[int, _Collected]) -> None:
        number, flags, time = rec.ROW.unpack_from(body)
        width = len(lookup.series[number])
        change = body[rec.ROW.size :]
        if len(change) != 8 * width:
            raise ValueError("a row is not as wide as its series")
        if flags & rec.IS_RULED and not self._ruled:
            return
        self._left -= width
        if self._left < 0:
            raise ToolFailed(
                "the recording holds too many samples",
                value=f"more than {self._most}",
                hint="ask for a shorter time, or raise --max-samples",
            )
        rows = collected.setdefault(number, _Collected())
        rows.times.append(time)
        rows.arrived.append(arrived)
        rows.changes.append(change)

    def _keep(self, labels: tuple[Labels, ...], collected: _Collected) -> None:
        changes = np.frombuffer(b"".join(collected.changes), np.uint64).reshape(len(collected.times), -1)
        values: NDArray[np.uint64] = np.bitwise_xor.accumulate(changes, axis=0)
        times, arrived = np.array(collected.times), np.array(collected.arrived)
        inside = (times >= self._start) & (times <= self._end)
        if inside.any():
            self._parts[labels].append(
                Rows(labels, times[inside], values[inside].view(np.float64), arrived[inside])
            )


_NEEDED = frozenset({RecordType.STRING, RecordType.LABELS, RecordType.METRIC, RecordType.SERIES})


def merged(recordings: Sequence[RecordedSeries]) -> RecordedSeries:
    """Several recordings as one: of series that are in more than one, the later one counts where both have a
    sample at the same time."""
    metrics = {metric.name: metric for one in recordings for metric in one.view.metrics()}
    rows = [rows for one in recordings for rows in one.rows]
    return RecordedSeries(rows, metrics.values())


def _ended(rows: Rows, time: float) -> Rows:
    """With a row of stale markers at a time, unless there are later rows."""
    if not len(rows.times) or rows.times[-1] >= time:
        return rows
    stale = np.full((1, len(rows.labels)), STALE_BITS, dtype=np.uint64).view(np.float64)
    return Rows(
        rows.labels,
        np.append(rows.times, time),
        np.concatenate((rows.values, stale)),
        np.append(rows.arrived, max(time, float(rows.arrived[-1]))),
    )


def _joined(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    return Rows(
        parts[0].labels,
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.arrived for part in parts]),
    )


def _families(rows: Sequence[Rows]) -> list[list[Rows]]:
    """Rows that share series, directly or through others, together."""
    leader = list(range(len(rows)))  # of each: one of its family, itself for the family's first

    def lead(number: int) -> int:
        while leader[number] != number:
            leader[number] = number = leader[leader[number]]
        return number

    seen: dict[Labels, int] = {}
    for number, one in enumerate(rows):
        for labels in one.labels:
            other = lead(seen.setdefault(labels, number))
            own = lead(number)
            leader[max(own, other)] = min(own, other)
    families: dict[int, list[Rows]] = defaultdict(list)
    for number, one in enumerate(rows):
        families[lead(number)].append(one)
    return list(families.values())


def _together(family: Sequence[Rows]) -> list[Rows]:
    """One block of all series of a family, its rows in the order of their times, as the store gives them out."""
    if len(family) == 1:
        return list(family)
    columns = {labels: None for one in family for labels in one.labels}
    height, cells = sum(len(one.times) for one in family), sum(one.values.size for one in family)
    if height * len(columns) > _SPARSE * cells + 4096:
        return _one_by_one(family)
    place = {labels: column for column, labels in enumerate(columns)}
    bits: NDArray[np.uint64] = np.full((height, len(columns)), MISSING_BITS, dtype=np.uint64)
    at = 0
    for one in family:
        to = at + len(one.times)
        bits[at:to, [place[labels] for labels in one.labels]] = one.values.view(np.uint64)
        at = to
    times = np.concatenate([one.times for one in family])
    arrived = np.concatenate([one.arrived for one in family])
    return [_in_order(tuple(columns), times, bits, arrived)]


def _one_by_one(family: Sequence[Rows]) -> list[Rows]:
    """Each series for itself: where they come and go, a block of all would be gaps for the most part."""
    found: dict[Labels, list[tuple[Series, Floats]]] = defaultdict(list)
    for one in family:
        for series in columns_of(SeriesBlock(one.labels, one.times, one.values)):
            found[series.labels].append((series, one.arrived[one.times.searchsorted(series.times)]))
    blocks = []
    for labels, parts in found.items():
        times = np.concatenate([series.times for series, _ in parts])
        bits = np.concatenate([series.values for series, _ in parts]).view(np.uint64).reshape(-1, 1)
        blocks.append(_in_order((labels,), times, bits, np.concatenate([arrived for _, arrived in parts])))
    return blocks


def _sorted(rows: Rows) -> Rows:
    """The same in the order of time: where a source was opened anew, its rows may overlap with those before."""
    if (rows.times[1:] > rows.times[:-1]).all():
        return rows
    return _in_order(rows.labels, rows.times, rows.values.view(np.uint64), rows.arrived)


def _in_order(labels: tuple[Labels, ...], times: Floats, bits: NDArray[np.uint64], arrived: Floats) -> Rows:
    """Rows sorted by time; rows of one time become one, in which what came in later counts."""
    order = np.argsort(times, kind="stable")
    times, bits, arrived = times[order], bits[order], arrived[order]
    again = np.flatnonzero(times[1:] == times[:-1]) + 1
    for row in again.tolist():
        missing = bits[row] == MISSING_BITS
        bits[row, missing] = bits[row - 1, missing]
    keep = np.ones(len(times), dtype=np.bool_)
    keep[again - 1] = False
    arrived = np.maximum.accumulate(arrived[keep])  # as_of cuts: an older row behind a later one waits for it
    return Rows(labels, times[keep], bits[keep].view(np.float64), arrived)
