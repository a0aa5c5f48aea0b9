"""Events, rows and notes as the records of one segment. Writes bytes into a buffer; knows no file and no time.

Values of samples are written XORed with those before of the same series, bit by bit: what does not change is
zeros, which the segment's zstd stream makes to next to nothing. For recording.rzp_writer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from razorprof.model.alert import AlertChange
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample
from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.model.series import Floats
from razorprof.model.target import Identity, Target
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_records import RecordType
from razorprof.recording.rzp_structures_write import encode_structure
from razorprof.recording.rzp_tables import LayoutKeys, Tables
from razorprof.recording.rzp_values import Added, Context, Cost, Declared, Mark

_KEPT_LAYOUTS = 8  # of one source of one target: figures that are read at slower rates are in some scrapes only
Bits = NDArray[np.uint64]
# what an event of a plugin may fail with when its values are not of their types
BAD_VALUES = (TypeError, ValueError, AttributeError, KeyError, OverflowError, struct.error)


@dataclass(slots=True)
class _Layout:
    keys: LayoutKeys
    number: int
    before: Bits


class HasLabels(Protocol):
    """One series of a row: an entry of the store's index is one."""

    @property
    def labels(self) -> Labels: ...


@dataclass(frozen=True, slots=True)
class _Group:
    """series: held, so that its id is given to no other object; width: how many it was; number: its definition."""

    series: Sequence[HasLabels]
    width: int
    number: int


class Encoder:
    """Of one segment. Its methods append to `buffer` whole records only, also when they raise BAD_VALUES."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.tables = Tables(self.buffer)
        self.samples = 0
        self._layouts: dict[tuple[int, str], list[_Layout]] = {}
        self._groups: dict[int, _Group] = {}
        self._rows: dict[int, Bits] = {}  # by number: groups that follow each other may have the same series

    def scrape(self, scrape: Scrape) -> None:
        tables = self.tables
        target, source = tables.target(scrape.target), tables.string(scrape.source)
        layout, values = self._sampled(target, scrape.source, scrape.samples)
        error = scrape.error
        flags = 0
        if error is not None:
            flags = rec.HAS_ERROR | (rec.IS_FINAL if error.final else 0)
        tail = [
            rec.SAMPLED.pack(
                tables.stack(sample.stack),
                sample.weight,
                tables.string(sample.unit),
                sample.thread.native,
                tables.string(sample.thread.name),
            )
            for sample in scrape.stacks
        ]
        tail += [encode_structure(structure, tables) for structure in scrape.structures]
        tail += [rec.PAIR.pack(tables.string(name), tables.string(why)) for name, why in scrape.missing]
        if error is not None:
            tail.append(
                rec.TRIPLE.pack(tables.string(error.name), tables.string(error.message), tables.string(error.hint))
            )
        head = rec.SCRAPE.pack(
            target,
            source,
            layout.number,
            scrape.time,
            scrape.duration,
            flags,
            len(scrape.stacks),
            len(scrape.structures),
            len(scrape.missing),
        )
        changed = (values ^ layout.before).tobytes()
        layout.before = values
        self.samples += len(values)
        self._record(RecordType.SCRAPE, b"".join((head, changed, *tail)))

    def row(self, time: float, series: Sequence[HasLabels], bits: Bits, *, ruled: bool) -> None:
        """A row of the store. series: while it is the same object of the same length, it is the same series."""
        known = self._groups.get(id(series))
        if known is None or known.width != len(series):
            number = self.tables.series(tuple(one.labels for one in series))
            known = self._groups[id(series)] = _Group(series, len(series), number)
        before = self._rows.get(known.number)
        changed = (bits if before is None else bits ^ before).tobytes()
        self._rows[known.number] = bits.copy()
        self.samples += len(bits)
        self._record(RecordType.ROW, rec.ROW.pack(known.number, rec.IS_RULED if ruled else 0, time) + changed)

    def ended(self, ended: Ended) -> None:
        body = rec.ENDED.pack(self.tables.target(ended.target), ended.time, self.tables.string(ended.how))
        self._record(RecordType.ENDED, body)

    def tick(self, tick: Tick) -> None:
        self._record(RecordType.TICK, rec.TICK.pack(tick.time, tick.number))

    def add(self, target: Target, command: str) -> None:
        body = rec.PAIR.pack(self.tables.target(target), self.tables.string(command))
        self._record(RecordType.ADD, body)

    def forget(self, identity: Identity) -> None:
        self._record(RecordType.FORGET, rec.FORGET.pack(*identity))

    def declare(self, source: str, metrics: Sequence[Metric], *, open_ended: bool) -> None:
        numbers = [self.tables.metric(metric) for metric in metrics]
        body = rec.DECLARE.pack(self.tables.string(source), open_ended)
        self._record(RecordType.DECLARE, body + struct.pack(f"<{len(numbers)}I", *numbers))

    def cost(self, cost: Cost) -> None:
        flags = rec.HAS_CPU if cost.cpu_ratio is not None else 0
        flags |= rec.HAS_RESIDENT if cost.resident_bytes is not None else 0
        flags |= rec.IS_BEHIND if cost.behind else 0
        body = rec.COST.pack(cost.time, flags, cost.cpu_ratio or 0.0, cost.resident_bytes or 0.0)
        self._record(RecordType.COST, body)

    def mark(self, mark: Mark) -> None:
        body = rec.MARK.pack(mark.time, self.tables.string(mark.kind), self.tables.string(mark.text))
        self._record(RecordType.MARK, body)

    def change(self, change: AlertChange) -> None:
        alert, text = change.alert, self.tables.string
        times = (alert.fired_at, alert.resolved_at, alert.keep_firing_since)
        body = rec.CHANGE.pack(
            change.time,
            rec.ALERT_STATES.index(change.before),
            text(alert.rule.file),
            text(alert.rule.group),
            alert.rule.place,
            text(alert.rule.name),
            self.tables.labels(alert.labels),
            rec.ALERT_STATES.index(alert.state),
            alert.value,
            alert.active_at,
            sum(flag for flag, time in zip(_TIME_FLAGS, times, strict=True) if time is not None),
            *(0.0 if time is None else time for time in times),
            alert.evaluated,
            len(alert.annotations),
        )
        pairs = (rec.PAIR.pack(text(name), text(words)) for name, words in alert.annotations.items())
        self._record(RecordType.CHANGE, body + b"".join(pairs))

    def carried(self, items: Iterable[Context] = ()) -> None:
        """The start of a segment: what was so before it began."""
        for item in items:
            match item:
                case Declared():
                    self.declare(item.source, item.metrics, open_ended=item.open_ended)
                case Added():
                    self.add(item.target, item.command)
                case Scrape():
                    self.scrape(item)
                case Ended():
                    self.ended(item)
        self._record(RecordType.CARRIED, b"")

    def take(self) -> bytes:
        """What was appended since the last call."""
        taken = bytes(self.buffer)
        self.buffer.clear()
        return taken

    def _record(self, kind: RecordType, body: bytes) -> None:
        self.buffer += rec.HEAD.pack(kind, len(body)) + body

    def _sampled(self, target: int, source: str, samples: Sequence[Sample]) -> tuple[_Layout, Bits]:
        """The layout of samples and their values. Those whose value is no number are left out."""
        if not samples:
            return _Layout(([], [], []), 0, _NOTHING), _NOTHING
        try:
            values: Floats = np.array([sample.value for sample in samples], dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            good = [sample for sample in samples if _is_number(sample.value)]
            if len(good) == len(samples):
                raise
            return self._sampled(target, source, good)
        if values.ndim != 1:
            raise TypeError("a sample's value is no number")
        keys = (
            [sample.labels for sample in samples],
            [sample.metric for sample in samples],
            [sample.suffix for sample in samples],
        )
        known = self._layouts.setdefault((target, source), [])
        layout = next((one for one in known if one.keys == keys), None)
        if layout is None:
            layout = _Layout(keys, self.tables.layout(keys), np.zeros(len(samples), dtype=np.uint64))
            known.insert(0, layout)
            del known[_KEPT_LAYOUTS:]
        return layout, values.view(np.uint64)


_TIME_FLAGS = (rec.HAS_FIRED, rec.HAS_RESOLVED, rec.HAS_KEPT)
_NOTHING: Bits = np.zeros(0, dtype=np.uint64)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return True
