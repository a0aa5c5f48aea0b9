"""Records of a segment back into events, rows and notes, equal to what was recorded bit for bit. For rzp_reader.

One pass from the segment's start: tables fill, and every row of values is the one before with its bits changed.
What lies before the wanted time is followed, but not built.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from razorprof.model.alert import Alert, AlertChange, AlertState, RuleKey
from razorprof.model.frame import StackSample, ThreadId
from razorprof.model.metric import Sample
from razorprof.model.scrape import Ended, ReadError, Scrape, Structure, Tick
from razorprof.model.target import Identity
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_encode import Bits
from razorprof.recording.rzp_lookup import Lookup
from razorprof.recording.rzp_records import RecordType, StructureType
from razorprof.recording.rzp_segment import Block, Segment
from razorprof.recording.rzp_structures_read import Cursor, decode_structure
from razorprof.recording.rzp_values import Added, Cost, Declared, Forgotten, Item, Mark, StoredRow

_STATES = tuple(AlertState(state) for state in rec.ALERT_STATES)


class Records:
    """The records of a segment, block by block: (type, body). Raises ValueError where one does not end within its
    block, or there are too many."""

    def __init__(self, segment: Segment) -> None:
        self._raw = segment.raw
        self._left = segment.most_records

    def of(self, block: Block) -> Iterator[tuple[int, bytes]]:
        raw, at, end, head = self._raw, block.start, block.end, rec.HEAD
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError("there are too many records")
            if at + head.size > end:
                raise ValueError("a record breaks off")
            kind, length = head.unpack_from(raw, at)
            at += head.size
            if at + length > end:
                raise ValueError("a record is longer than its block")
            yield kind, raw[at : at + length]
            at += length


class Decoder:
    """Of one segment. Definitions, and every record of a type that is wanted, must be given to it in order."""

    def __init__(self) -> None:
        self.lookup = Lookup()
        self.is_carried = True  # what comes now was so before the segment began
        self._sampled: dict[tuple[int, int], Bits] = {}
        self._rows: dict[int, Bits] = {}

    def take(self, kind: int, body: bytes) -> Item | None:
        """What the record tells; None for definitions and for what this version does not know. Raises
        rzp_lookup.BROKEN."""
        lookup = self.lookup
        match kind:
            case RecordType.SCRAPE:
                return self._scrape(body)
            case RecordType.ROW:
                return self._row(body)
            case RecordType.TICK:
                return Tick(*rec.TICK.unpack_from(body))
            case RecordType.ENDED:
                target, time, how = rec.ENDED.unpack_from(body)
                return Ended(lookup.target(target), time, lookup.strings[how])
            case RecordType.ADD:
                target, command = rec.PAIR.unpack_from(body)
                return Added(lookup.target(target), lookup.strings[command])
            case RecordType.FORGET:
                return Forgotten(Identity(*rec.FORGET.unpack_from(body)))
            case RecordType.DECLARE:
                return self._declared(body)
            case RecordType.COST:
                return _cost(body)
            case RecordType.MARK:
                time, kind_of, text = rec.MARK.unpack_from(body)
                return Mark(time, lookup.strings[text], lookup.strings[kind_of])
            case RecordType.CHANGE:
                return self._change(body)
        self.follow(kind, body)
        return None

    def glance(self, body: bytes) -> Scrape:
        """A scrape, but of its content only what the process runs, and why it failed: what Carried keeps."""
        lookup = self.lookup
        target, source, layout, time, duration, flags, stacks, structures, missing = rec.SCRAPE.unpack_from(body)
        count = len(lookup.layouts[layout].suffixes)
        cursor = Cursor(body, rec.SCRAPE.size + 8 * count + rec.SAMPLED.size * stacks)
        found: list[Structure] = []
        for _ in range(structures):
            kind, length = cursor.take(rec.STRUCTURE)
            content = cursor.bytes(length)
            if kind == StructureType.DETECTED and (detected := decode_structure(kind, content, lookup)):
                found.append(detected)
        error = self._error(cursor, flags, missing) if flags & rec.HAS_ERROR else None
        return Scrape(
            lookup.target(target), lookup.strings[source], time, duration, structures=tuple(found), error=error
        )

    def follow(self, kind: int, body: bytes) -> None:
        """Keep up with a record whose item is not wanted now, but later ones of its type are."""
        if kind < RecordType.SCRAPE:
            self.lookup.define(kind, body)
        elif kind == RecordType.SCRAPE:
            target, _, layout = rec.TRIPLE.unpack_from(body)
            self._values(target, layout, len(self.lookup.layouts[layout].suffixes), body)
        elif kind == RecordType.ROW:
            self._row_values(body)
        elif kind == RecordType.CARRIED:
            self.is_carried = False

    def _scrape(self, body: bytes) -> Scrape:
        lookup, text = self.lookup, self.lookup.strings
        target, source, layout, time, duration, flags, stacks, structures, missing = rec.SCRAPE.unpack_from(body)
        sampled = lookup.layouts[layout]
        count = len(sampled.suffixes)
        values = self._values(target, layout, count, body).view(np.float64).tolist()
        cursor = Cursor(body, rec.SCRAPE.size + 8 * count)
        samples = tuple(map(Sample, sampled.metrics, values, sampled.labels, sampled.suffixes))
        seen = tuple([self._stack(*cursor.take(rec.SAMPLED)) for _ in range(stacks)])
        found = [self._structure(cursor) for _ in range(structures)]
        lacking = [cursor.take(rec.PAIR) for _ in range(missing)]
        error = self._error(cursor, flags, 0) if flags & rec.HAS_ERROR else None
        return Scrape(
            lookup.target(target),
            text[source],
            time,
            duration,
            samples,
            seen,
            tuple([structure for structure in found if structure is not None]),
            tuple([(text[name], text[why]) for name, why in lacking]),
            error,
        )

    def _error(self, cursor: Cursor, flags: int, before: int) -> ReadError:
        """before: how many missing metrics stand before it."""
        cursor.bytes(rec.PAIR.size * before)
        name, message, hint = cursor.take(rec.TRIPLE)
        text = self.lookup.strings
        return ReadError(text[name], text[message], text[hint], bool(flags & rec.IS_FINAL))

    def _values(self, target: int, layout: int, count: int, body: bytes) -> Bits:
        bits: Bits = np.frombuffer(body, np.uint64, count, rec.SCRAPE.size)
        before = self._sampled.get((target, layout))
        if before is not None:
            bits = bits ^ before
        self._sampled[target, layout] = bits
        return bits

    def _stack(self, stack: int, weight: float, unit: int, native: int, name: int) -> StackSample:
        lookup = self.lookup
        thread = ThreadId(native, lookup.strings[name])
        return StackSample(lookup.stacks[stack], weight, thread, lookup.strings[unit])

    def _structure(self, cursor: Cursor) -> Structure | None:
        kind, length = cursor.take(rec.STRUCTURE)
        return decode_structure(kind, cursor.bytes(length), self.lookup)

    def _row(self, body: bytes) -> StoredRow:
        number, flags, time = rec.ROW.unpack_from(body)
        values = self._row_values(body).view(np.float64)
        return StoredRow(self.lookup.series[number], time, values, bool(flags & rec.IS_RULED))

    def _row_values(self, body: bytes) -> Bits:
        number = rec.ROW.unpack_from(body)[0]
        bits: Bits = np.frombuffer(body, np.uint64, len(self.lookup.series[number]), rec.ROW.size)
        before = self._rows.get(number)
        if before is not None:
            bits = bits ^ before
        self._rows[number] = bits
        return bits

    def _declared(self, body: bytes) -> Declared:
        source, open_ended = rec.DECLARE.unpack_from(body)
        count = (len(body) - rec.DECLARE.size) // 4
        numbers = np.frombuffer(body, np.uint32, count, rec.DECLARE.size).tolist()
        metrics = tuple([self.lookup.metric(number) for number in numbers])
        return Declared(self.lookup.strings[source], metrics, bool(open_ended))

    def _change(self, body: bytes) -> AlertChange:
        text = self.lookup.strings
        cursor = Cursor(body)
        (
            time, before, file, group, place, name, labels, state, value, active, flags,
            fired, resolved, kept, evaluated, count,
        ) = cursor.take(rec.CHANGE)  # fmt: skip
        pairs = [cursor.take(rec.PAIR) for _ in range(count)]
        alert = Alert(
            RuleKey(text[file], text[group], place, text[name]),
            self.lookup.labels[labels],
            {text[key]: text[words] for key, words in pairs},
            _STATES[state],
            value,
            active,
            fired if flags & rec.HAS_FIRED else None,
            resolved if flags & rec.HAS_RESOLVED else None,
            kept if flags & rec.HAS_KEPT else None,
            evaluated,
        )
        return AlertChange(time, _STATES[before], alert)


def _cost(body: bytes) -> Cost:
    time, flags, cpu, resident = rec.COST.unpack_from(body)
    return Cost(
        time,
        cpu if flags & rec.HAS_CPU else None,
        resident if flags & rec.HAS_RESIDENT else None,
        bool(flags & rec.IS_BEHIND),
    )
