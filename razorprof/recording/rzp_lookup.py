"""What a segment says once, taken in again: the tables of its definitions. The reading side of rzp_tables.

Every number in a record is hostile: one that leads nowhere is an IndexError, and what tables may grow to is
bounded. Both, and all that unpacking raises, is BROKEN, which the reader turns into damage with its place.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from razorprof.model.frame import Frame, Stack
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.metric import Metric, MetricKind
from razorprof.model.target import Identity, Target
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_records import RecordType

BROKEN = (struct.error, IndexError, ValueError, TypeError, OverflowError)
_MOST_REFERENCES = 4_000_000  # from definitions to other ones: what a few bytes make of memory
_KINDS = tuple(MetricKind(kind) for kind in rec.KINDS)


@dataclass(frozen=True, slots=True)
class SampleLayout:
    """What the samples of a scrape are of, column by column."""

    metrics: tuple[Metric, ...] = ()
    labels: tuple[Labels, ...] = ()
    suffixes: tuple[str, ...] = ()


class Lookup:
    """Takes definitions in their order; the lists answer for their numbers."""

    def __init__(self) -> None:
        self.strings: list[str] = [""]
        self.frames: list[Frame] = [Frame("", "")]
        self.stacks: list[Stack] = [()]
        self.labels: list[Labels] = [NO_LABELS]
        self.metrics: list[Metric] = []
        self.targets: list[Target] = []
        self.layouts: list[SampleLayout] = [SampleLayout()]
        self.series: list[tuple[Labels, ...]] = [()]
        self._references = 0

    def metric(self, number: int) -> Metric:
        """Metrics and targets have no empty one: 0 leads nowhere."""
        return self.metrics[number - 1 if number else len(self.metrics)]

    def target(self, number: int) -> Target:
        return self.targets[number - 1 if number else len(self.targets)]

    def define(self, kind: int, body: bytes) -> None:
        """Take one definition. Raises BROKEN."""
        match kind:
            case RecordType.STRING:
                self._count(1)
                self.strings.append(body.decode("utf-8", "surrogatepass"))
            case RecordType.FRAME:
                self._count(1)
                function, file, line = rec.FRAME.unpack_from(body)
                self.frames.append(Frame(self.strings[function], self.strings[file], line))
            case RecordType.STACK:
                self.stacks.append(tuple([self.frames[number] for number in self._numbers(body)]))
            case RecordType.LABELS:
                self.labels.append(self._labels(self._numbers(body)))
            case RecordType.METRIC:
                self.metrics.append(self._metric(body))
            case RecordType.TARGET:
                self._count(1)
                self.targets.append(self._target(body))
            case RecordType.LAYOUT:
                self.layouts.append(self._layout(self._numbers(body)))
            case RecordType.SERIES:
                self.series.append(tuple([self.labels[number] for number in self._numbers(body)]))

    def _labels(self, numbers: tuple[int, ...]) -> Labels:
        if len(numbers) % 2:
            raise ValueError("labels come in pairs")
        strings = self.strings
        return Labels({strings[name]: strings[value] for name, value in zip(*[iter(numbers)] * 2, strict=True)})

    def _metric(self, body: bytes) -> Metric:
        name, kind, unit, help = rec.METRIC.unpack_from(body)
        labels = tuple([self.strings[number] for number in self._numbers(body[rec.METRIC.size :])])
        return Metric(self.strings[name], _KINDS[kind], self.strings[unit], self.strings[help], labels)

    def _target(self, body: bytes) -> Target:
        pid, start, name, started, selector, job, has_parent, parent = rec.TARGET.unpack_from(body)
        text = self.strings
        return Target(
            Identity(pid, start), text[name], started, text[selector], text[job], parent if has_parent else None
        )

    def _layout(self, numbers: tuple[int, ...]) -> SampleLayout:
        if len(numbers) % 3:
            raise ValueError("a layout's entries are of three")
        return SampleLayout(
            tuple([self.metric(number) for number in numbers[::3]]),
            tuple([self.labels[number] for number in numbers[1::3]]),
            tuple([self.strings[number] for number in numbers[2::3]]),
        )

    def _numbers(self, body: bytes) -> tuple[int, ...]:
        self._count(1 + len(body) // 4)
        return struct.unpack(f"<{len(body) // 4}I", body[: len(body) // 4 * 4])

    def _count(self, more: int) -> None:
        self._references += more
        if self._references > _MOST_REFERENCES:
            raise ValueError("its tables are too large")
