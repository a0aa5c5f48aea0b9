"""Where the segments of a recording go, when one ends, and what is known of the one that is being written.

What recording.rzp_writer and its sinks (rzp_single, rzp_ring) agree upon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from razorprof.recording.rzp_format import LARGEST_RATIO, SegmentEnd

SEGMENT_TICKS = 300  # five minutes: in some 30 ms a reader has gone through them
SEGMENT_RAW = 8 << 20  # bytes
_BLOCK_ROOM = 1 << 20


class Sink(Protocol):
    """Where frames go: one file, or the files of a ring. Raises RazorprofError where the system refuses."""

    @property
    def size(self) -> int: ...

    def begin(self, number: int, frames: bytes) -> bool:
        """A new segment, with its first frames. False where there is no room for it: then nothing was written."""

    def append(self, frames: bytes) -> bool:
        """More of the segment."""

    def end(self, frames: bytes, end: SegmentEnd) -> None:
        """The segment's end. Where it raises, the segment still is the one that is being written."""

    def close(self) -> None:
        """No more comes."""


@dataclass(frozen=True, slots=True)
class SegmentBounds:
    """When a new segment begins: what is lost where one is damaged, and read to jump into it."""

    ticks: int = SEGMENT_TICKS
    raw: int = SEGMENT_RAW
    bytes: int = 16 << 20


@dataclass(slots=True)
class OpenSegment:
    """The one that is being written. first, last: times of its ticks; low, high: of all that is in it."""

    number: int
    first: float = math.inf
    last: float = -math.inf
    low: float = math.inf
    high: float = -math.inf
    ticks: int = 0
    samples: int = 0
    raw: int = 0
    bytes: int = 0

    @property
    def is_begun(self) -> bool:
        return self.raw > 0

    def exceeds(self, bounds: SegmentBounds) -> bool:
        packs_too_well = self.raw > 2 * (_BLOCK_ROOM + LARGEST_RATIO * self.bytes) // 3  # for a reader
        return self.ticks >= bounds.ticks or self.raw >= bounds.raw or self.bytes >= bounds.bytes or packs_too_well

    def end(self) -> SegmentEnd:
        first, last = (self.first, self.last) if self.ticks else (self.low, self.high)
        return SegmentEnd(self.number, self.ticks, self.samples, self.raw, first, last, self.low, self.high)
