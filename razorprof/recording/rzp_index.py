"""The index at the end of a recording that was ended in order: which segments there are, and of what times.

With it a recording of any length opens at once; without it (a crash) the reader goes through the frames.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from razorprof.recording.rzp_format import LARGEST_INDEX, MAGIC, TRAILER_BODY, FrameType, SegmentEnd, frame
from razorprof.recording.rzp_zstd import Packer, unpack

MOST_SEGMENTS = 50_000  # years; whoever has more does without an index


_TIMES = ("first", "last", "low", "high")


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment in a file. offset, bytes: of all its frames; the rest as in SegmentEnd."""

    offset: int
    bytes: int
    number: int
    ticks: int
    samples: int
    raw: int
    first: float
    last: float
    low: float
    high: float


def entry_of(end: SegmentEnd, offset: int, bytes: int) -> SegmentEntry:
    """The entry of a segment that has ended."""
    return SegmentEntry(
        offset, bytes, end.number, end.ticks, end.samples, end.raw, end.first, end.last, end.low, end.high
    )


def encode_index(entries: Sequence[SegmentEntry], at: int) -> bytes:
    """The frames INDEX and TRAILER. at: the byte where they begin."""
    text = json.dumps({"segments": [asdict(entry) for entry in entries]}, separators=(",", ":")).encode()
    packer = Packer()
    packed = packer.pack(text) + packer.end()
    return frame(FrameType.INDEX, packed) + frame(FrameType.TRAILER, TRAILER_BODY.pack(at, MAGIC))


def decode_index(packed: bytes, file_bytes: int) -> tuple[SegmentEntry, ...] | None:
    """The segments; None where it says what cannot be, so that the frames must be gone through."""
    try:
        document = json.loads(unpack([packed], LARGEST_INDEX))
    except (ValueError, RecursionError):
        return None
    listed = document.get("segments") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_SEGMENTS:
        return None
    entries: list[SegmentEntry] = []
    end = 0
    for one in listed:
        entry = _entry(one)
        if entry is None or entry.offset < end or entry.offset + entry.bytes > file_bytes:
            return None
        if entries and entry.number <= entries[-1].number:
            return None
        end = entry.offset + entry.bytes
        entries.append(entry)
    return tuple(entries)


def _entry(document: Any) -> SegmentEntry | None:
    if not isinstance(document, dict):
        return None
    values: dict[str, Any] = {}
    for field in fields(SegmentEntry):
        value = document.get(field.name)
        is_time = field.name in _TIMES
        if isinstance(value, bool) or not isinstance(value, (int, float) if is_time else int):
            return None
        if not 0 <= abs(value) < (1e11 if is_time else 2**62) or (value < 0 and not is_time):
            return None
        values[field.name] = float(value) if is_time else value
    return SegmentEntry(**values)
