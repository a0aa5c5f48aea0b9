"""What a segment says once: strings, frames, stacks, labels, metrics, targets, layouts. The writing side.

Each is given a number when it is first used, and its definition goes into the buffer before the record that refers
to it. A segment has tables of its own, so that it can be read alone. For recording.rzp_encode.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from razorprof.model.frame import Frame, Stack
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.target import Target
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_records import RecordType

LONGEST_STRING = 64 << 10  # bytes; longer text is cut, and counted
MOST_ENTRIES = 100_000  # of one kind, after which the writer begins a new segment

LayoutKeys = tuple[list[Labels], list[Metric], list[str]]


class Tables:
    """Writes into `buffer`, which its owner empties. cut: how many strings were too long."""

    def __init__(self, buffer: bytearray) -> None:
        self._buffer = buffer
        self._strings: dict[str, int] = {"": 0}
        self._frames: dict[Frame, int] = {}
        self._stacks: dict[Stack, int] = {(): 0}
        self._labels: dict[Labels, int] = {Labels(): 0}
        self._metrics: dict[Metric, int] = {}
        self._targets: dict[Target, int] = {}
        self._layouts = 0
        self._series: dict[tuple[Labels, ...], int] = {}
        self._size = 0
        self.cut = 0

    @property
    def is_full(self) -> bool:
        """Whether a new segment should begin: tables are held in memory, here and by every reader."""
        return self._size > MOST_ENTRIES

    def string(self, text: str) -> int:
        number = self._strings.get(text)
        if number is None:
            body = text.encode("utf-8", "surrogatepass")
            if len(body) > LONGEST_STRING:
                self.cut += 1
                body = body[:LONGEST_STRING].decode("utf-8", "ignore").encode()
            number = self._define(RecordType.STRING, body, len(self._strings))
            self._strings[text] = number
        return number

    def frame(self, frame: Frame) -> int:
        number = self._frames.get(frame)
        if number is None:
            body = rec.FRAME.pack(self.string(frame.function), self.string(frame.file), frame.line)
            number = self._frames[frame] = self._define(RecordType.FRAME, body, len(self._frames) + 1)
        return number

    def stack(self, stack: Stack) -> int:
        number = self._stacks.get(stack)
        if number is None:
            body = _numbers([self.frame(frame) for frame in stack])
            number = self._stacks[stack] = self._define(RecordType.STACK, body, len(self._stacks))
        return number

    def labels(self, labels: Labels) -> int:
        number = self._labels.get(labels)
        if number is None:
            body = _numbers([self.string(text) for pair in labels.items() for text in pair])
            number = self._labels[labels] = self._define(RecordType.LABELS, body, len(self._labels))
        return number

    def metric(self, metric: Metric) -> int:
        number = self._metrics.get(metric)
        if number is None:
            kind = rec.KINDS.index(metric.kind)
            body = rec.METRIC.pack(
                self.string(metric.name), kind, self.string(metric.unit), self.string(metric.help)
            )
            body += _numbers([self.string(label) for label in metric.labels])
            number = self._metrics[metric] = self._define(RecordType.METRIC, body, len(self._metrics) + 1)
        return number

    def target(self, target: Target) -> int:
        number = self._targets.get(target)
        if number is None:
            parent = target.parent
            body = rec.TARGET.pack(
                target.identity.pid,
                target.identity.start_ticks,
                self.string(target.name),
                target.started,
                self.string(target.selector),
                self.string(target.job),
                parent is not None,
                parent or 0,
            )
            number = self._targets[target] = self._define(RecordType.TARGET, body, len(self._targets) + 1)
        return number

    def layout(self, keys: LayoutKeys) -> int:
        """The layout of a scrape's samples. Whoever asks remembers the answer: equal ones are not looked for."""
        if not keys[0]:
            return 0
        numbers = []
        for labels, metric, suffix in zip(*keys, strict=True):
            numbers += [self.metric(metric), self.labels(labels), self.string(suffix)]
        self._layouts += 1
        self._size += len(numbers)
        return self._define(RecordType.LAYOUT, _numbers(numbers), self._layouts)

    def series(self, series: tuple[Labels, ...]) -> int:
        number = self._series.get(series)
        if number is None:
            body = _numbers([self.labels(labels) for labels in series])
            self._size += len(series)
            number = self._series[series] = self._define(RecordType.SERIES, body, len(self._series) + 1)
        return number

    def _define(self, kind: RecordType, body: bytes, number: int) -> int:
        self._buffer += rec.HEAD.pack(kind, len(body)) + body
        self._size += 1
        return number


def _numbers(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)
