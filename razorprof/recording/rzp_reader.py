"""A recording as it was: targets, times, events tick by tick, series and stacks of any window.

    with RecordingReader(path) as recording:
        for item in recording.context(time): ...        # what must be known before
        for event in recording.events(time, math.inf): ...
        view = recording.series(start, end).view        # a SeriesView for queries

Opens by the index, or by going through the frames; a folder is the ring of `record --last`. What is damaged is
passed over and told in `damage`, which grows while more is read. One thread at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType

import numpy as np

from razorprof.model.alert import AlertChange
from razorprof.model.profile import Profile
from razorprof.model.scrape import Ended, Event, Scrape, Tick
from razorprof.model.series import Floats
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_carried import Carried
from razorprof.recording.rzp_decode import Decoder, Records
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_index import SegmentEntry
from razorprof.recording.rzp_lookup import BROKEN
from razorprof.recording.rzp_pieces import Piece, Pieces
from razorprof.recording.rzp_profile import StackCollector
from razorprof.recording.rzp_records import RecordType
from razorprof.recording.rzp_segment import Block
from razorprof.recording.rzp_series import MOST_SAMPLES, RecordedSeries, SeriesReader
from razorprof.recording.rzp_values import (
    Added,
    Context,
    Cost,
    Damage,
    Declared,
    Forgotten,
    Gap,
    Item,
    Mark,
    Recorded,
)

_LATEST_STACKS = 60.0  # seconds after the middle of their window, at the longest interval
_LONG = 3.5  # intervals between two ticks that are a gap


_SCRAPE, _TICK, _CARRIED = map(int, (RecordType.SCRAPE, RecordType.TICK, RecordType.CARRIED))  # compared often
_EVERYTHING = frozenset(map(int, RecordType))
_FRAMEWORK = frozenset(kind for kind in _EVERYTHING if kind < _SCRAPE) | {_TICK, _CARRIED}
_CONTEXT = _FRAMEWORK | {
    int(kind)
    for kind in (RecordType.DECLARE, RecordType.ADD, RecordType.FORGET, RecordType.SCRAPE, RecordType.ENDED)
}


class RecordingReader:
    """See above."""

    def __init__(self, path: Path) -> None:
        """Raises ToolFailed where there is no recording, or none that can be read; NotSupported for one of a newer
        version."""
        self.path = path
        self.pieces = Pieces(path)

    @property
    def header(self) -> Header:
        """Who recorded, and when that began."""
        return self.pieces.header

    @property
    def is_complete(self) -> bool:
        """Whether it was ended in order."""
        return self.pieces.is_complete

    @property
    def is_live(self) -> bool:
        """Whether somebody records into it now."""
        return self.pieces.is_live

    @property
    def damage(self) -> list[Damage]:
        """Where it cannot be read, as far as it was looked at."""
        return self.pieces.damage

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return self.pieces.size

    def __enter__(self) -> RecordingReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files. Twice is once."""
        self.pieces.close()

    @property
    def segments(self) -> tuple[SegmentEntry, ...]:
        return tuple(piece.entry for piece in self.pieces.all)

    @property
    def span(self) -> tuple[float, float] | None:
        """Times of the first and the last tick, Unix seconds; None where there is none."""
        ticked = [piece.entry for piece in self.pieces.all if piece.entry.ticks]
        return (ticked[0].first, max(entry.last for entry in ticked)) if ticked else None

    def ticks(self, start: float = -math.inf, end: float = math.inf) -> Floats:
        """Times of the ticks in [start, end], ascending. Reads the heads of blocks, and unpacks nothing."""
        found = [
            block.time
            for piece in self.pieces.within(start, end)
            for block in self.pieces.blocks(piece)
            if block.has_tick and start <= block.time <= end
        ]
        return np.array(found, dtype=np.float64)

    def gaps(self, longer: float | None = None) -> list[Gap]:
        """Where ticks are more than `longer` seconds apart (default: some of the intervals that were usual)."""
        times = self.ticks()
        steps = np.diff(times)
        usual = max(self.header.interval, 1.0, float(np.median(steps)) if len(steps) else 0.0)
        wide = np.flatnonzero(steps > (_LONG * usual if longer is None else longer)).tolist()
        return [Gap(float(times[place]), float(times[place + 1])) for place in wide]

    def context(self, time: float) -> list[Context]:
        """What was known before the first tick at or after `time`: targets, what they run, what cannot be read of
        them, which have ended, what sources give. To be taken before `events(time, ...)`."""
        carried = Carried()
        found = [piece for piece in self.pieces.all if piece.entry.first <= time] or self.pieces.all[:1]
        end = max([time, *(piece.entry.first for piece in found[-1:])])
        for tick, items in self._walk(found[-1:], -math.inf, end, _CONTEXT, carried=True, glance=True):
            if tick is not None and tick.time >= time:
                break
            for item in items:
                _carry(carried, item)
        return carried.items()

    def recorded(
        self, start: float = -math.inf, end: float = math.inf, *, rows: bool = False
    ) -> Iterator[Recorded]:
        """Tick by tick, in order, everything that was recorded between the tick before `start` and the last one at
        or before `end`. rows: with what the store took. What came after the last tick of all has tick None."""
        kinds = _EVERYTHING if rows else _EVERYTHING - {int(RecordType.ROW)}
        for tick, items in self._walk(self.pieces.within(start, end), start, end, kinds):
            yield Recorded(tick, tuple(items))

    def events(self, start: float = -math.inf, end: float = math.inf) -> Iterator[Event]:
        """The events of `recorded`, equal to those that were recorded, bit for bit."""
        for recorded in self.recorded(start, end):
            yield from recorded.events

    def series(
        self,
        start: float = -math.inf,
        end: float = math.inf,
        *,
        ruled: bool = True,
        samples: int = MOST_SAMPLES,
        progress: Callable[[int, int], None] = lambda done, whole: None,
    ) -> RecordedSeries:
        """All series of [start, end], for queries: those that were read, those that razorprof made of them, and
        with `ruled` what rules made. progress: hears bytes read, and bytes in all. Raises ToolFailed where there
        are more samples than may be."""
        reader = SeriesReader(start, end, ruled=ruled, samples=samples)
        wanted = [piece for piece in self.pieces.all if piece.entry.low <= end and piece.entry.high >= start]
        done, whole = 0, sum(piece.entry.bytes for piece in wanted)
        for piece in wanted:
            reader.take(piece, self.pieces)
            done += piece.entry.bytes
            progress(done, whole)
        return reader.result()

    def profile(
        self, start: float = -math.inf, end: float = math.inf, *, target: Identity | None = None
    ) -> Profile:
        """The stacks of a window, of one target or of all together."""
        collector = StackCollector(start, end)
        for recorded in self.recorded(start, end + _LATEST_STACKS):
            for item in recorded.items:
                if isinstance(item, Scrape) and target in (None, item.target.identity):
                    collector.take(item)
        return collector.profile()

    def targets(self) -> list[Target]:
        """Who was looked at, in the order in which they came."""
        found = self._items(RecordType.ADD, -math.inf, math.inf, carried=True)
        return list({item.target.identity: item.target for item in found if isinstance(item, Added)}.values())

    def declared(self) -> list[Declared]:
        """What the sources give, as it was known at the end."""
        found = self._items(RecordType.DECLARE, -math.inf, math.inf, carried=True)
        carried = Carried()
        for item in found:
            _carry(carried, item)
        return [item for item in carried.items() if isinstance(item, Declared)]

    def changes(self, start: float = -math.inf, end: float = math.inf) -> list[AlertChange]:
        """How alerts changed."""
        return [item for item in self._items(RecordType.CHANGE, start, end) if isinstance(item, AlertChange)]

    def marks(self, start: float = -math.inf, end: float = math.inf) -> list[Mark]:
        """Notes, of people and of razorprof."""
        return [item for item in self._items(RecordType.MARK, start, end) if isinstance(item, Mark)]

    def notes(self) -> tuple[list[AlertChange], list[Mark]]:
        """All changes of alerts and all marks, in one go."""
        kinds = _FRAMEWORK | {int(RecordType.CHANGE), int(RecordType.MARK)}
        found = [item for _, items in self._walk(self.pieces.all, -math.inf, math.inf, kinds) for item in items]
        changes = [item for item in found if isinstance(item, AlertChange)]
        return changes, [item for item in found if isinstance(item, Mark)]

    def costs(self, start: float = -math.inf, end: float = math.inf) -> list[Cost]:
        """What razorprof cost."""
        return [item for item in self._items(RecordType.COST, start, end) if isinstance(item, Cost)]

    def _walk(
        self,
        pieces: Iterable[Piece],
        start: float,
        end: float,
        kinds: frozenset[int],
        *,
        carried: bool = False,
        glance: bool = False,
    ) -> Iterator[tuple[Tick | None, list[Item]]]:
        """The items of each tick in [start, end], of some types (TICK is one of them). carried: before them,
        without a tick, what a segment says of the time before it; glance: of scrapes only what Carried keeps."""
        items: list[Item] = []
        for piece in pieces:
            segment = self.pieces.segment(piece)
            decoder, records, before = Decoder(), Records(segment), list[Item]()
            for blocks in _by_tick(segment.blocks):
                time, has_tick = blocks[-1].time, blocks[-1].has_tick
                if time > end and has_tick:
                    return
                tick: Tick | None = None
                is_wanted = time >= start or not has_tick
                try:
                    for kind, body in chain.from_iterable(map(records.of, blocks)):
                        if kind not in kinds:
                            continue
                        if not is_wanted:
                            decoder.follow(kind, body)
                            continue
                        if kind == _CARRIED and carried:
                            yield None, before
                        into = before if decoder.is_carried else items
                        item = decoder.glance(body) if glance and kind == _SCRAPE else decoder.take(kind, body)
                        if item is None:
                            continue
                        into.append(item)
                        if kind == _TICK and isinstance(item, Tick):
                            tick = item
                except BROKEN as error:
                    self.pieces.note_broken(piece, blocks[0], str(error))
                    items = []
                    break
                if is_wanted and tick is not None:
                    yield tick, items
                if has_tick:
                    items = []
            if segment.damage is not None:
                items = []  # of a tick that is lost
        if items and end == math.inf:
            yield None, items

    def _items(self, kind: RecordType, start: float, end: float, *, carried: bool = False) -> Iterator[Item]:
        """All items of one type, in order. Skips what scrapes and rows hold."""
        kinds = _FRAMEWORK | {int(kind)}
        for _, items in self._walk(self.pieces.within(start, end), start, end, kinds, carried=carried):
            yield from items


def _by_tick(blocks: Iterable[Block]) -> list[list[Block]]:
    """Blocks that belong to one tick: some without, and the one with it. What follows the last one is a group."""
    groups: list[list[Block]] = []
    group: list[Block] = []
    for block in blocks:
        group.append(block)
        if block.has_tick:
            groups.append(group)
            group = []
    return [*groups, group] if group else groups


def _carry(carried: Carried, item: Item) -> None:
    match item:
        case Declared():
            carried.declare(item.source, item.metrics, open_ended=item.open_ended)
        case Added():
            carried.add(item.target, item.command)
        case Forgotten():
            carried.forget(item.identity)
        case Scrape():
            carried.scrape(item)
        case Ended():
            carried.ended(item)
