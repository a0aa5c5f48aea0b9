"""The outer shape of a recording (.rzp): its header, its frames, and the bounds of both; razorprof-recording(5).

A recording is a header and then frames, appended and never changed. A frame of type SEGMENT begins a segment,
which stands for itself: its blocks are one zstd stream, flushed after every tick, with tables of its own. Bytes
only: what stands in a segment is recording.rzp_records', where files lie is recording.rzp_file's.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from razorprof.errors import NotSupported, ToolFailed

VERSION = 1
ENDING = ".rzp"
RING_NAME = re.compile(r"\d{8}\.rzp", re.ASCII)  # of a segment's file in a ring
MAGIC = b"\x89RZP\r\n\x1a\n"  # as PNG's: what takes the file for text breaks it visibly
ID_BYTES = 16

LARGEST_HEADER = 64 << 10
LARGEST_FRAME = 48 << 20  # of a frame's payload, as it lies in the file
LARGEST_RAW = 32 << 20  # what the blocks of a segment unpack to, together, and
LARGEST_RATIO = 4000  # by how much, beyond a mebibyte: what never changes packs very well, but no better
MOST_RECORDS = 20  # in a segment, for each byte of it, beyond ten thousand
LARGEST_INDEX = 8 << 20  # unpacked

_PREFIX = struct.Struct("<8sII")  # magic, version, bytes of JSON
_CHECK = struct.Struct("<I")
_HEAD = struct.Struct("<BII")  # type, bytes of payload, CRC-32 of type, length and payload
_CHECKED = struct.Struct("<BI")
BLOCK_HEAD = struct.Struct("<IBd")  # bytes unpacked, flags, time
SEGMENT_HEAD = struct.Struct(f"<{ID_BYTES}sIdd")  # the recording's id, number, time of its first tick, created
END_HEAD = struct.Struct("<IIQIdddd")  # number, ticks, samples, raw bytes; first, last, low, high
TRAILER_BODY = struct.Struct("<Q8s")  # where the INDEX frame begins, the magic again
HEAD_BYTES = _HEAD.size
TRAILER_BYTES = HEAD_BYTES + TRAILER_BODY.size
HAS_TICK = 1  # flag of a block


class FrameType(IntEnum):
    """What a frame is. A reader passes over types that it does not know."""

    SEGMENT = 1
    BLOCK = 2
    END = 3
    INDEX = 4
    TRAILER = 5


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """What a segment holds, as its END says. number: in the recording, from 1; raw: bytes that its blocks unpack
    to; first, last: times of its ticks; low, high: the oldest and the newest time of anything in it (a read that
    took long is older than the ticks around it)."""

    number: int
    ticks: int
    samples: int
    raw: int
    first: float
    last: float
    low: float
    high: float

    def pack(self) -> bytes:
        return END_HEAD.pack(
            self.number, self.ticks, self.samples, self.raw, self.first, self.last, self.low, self.high
        )


@dataclass(frozen=True, slots=True)
class Header:
    """Who recorded. id: of this recording, the same in the files of a ring; created: Unix seconds; interval:
    seconds between ticks, as asked for. All text may come from a stranger."""

    id: bytes
    created: float
    host: str = ""
    program: str = ""
    interval: float = 1.0

    def encode(self) -> bytes:
        """The bytes that begin the file."""
        document = {
            "id": self.id.hex(),
            "created": self.created,
            "host": self.host,
            "program": self.program,
            "interval": self.interval,
        }
        text = json.dumps(document).encode()
        start = _PREFIX.pack(MAGIC, VERSION, len(text)) + text
        return start + _CHECK.pack(zlib.crc32(start))


def parse_header(start: bytes) -> tuple[Header, int]:
    """The header and the number of its bytes, out of a file's first bytes (all of it, or LARGEST_HEADER and some).

    Raises ToolFailed: no recording, or a damaged one; NotSupported: a newer version, which is named."""
    if len(start) < _PREFIX.size or not start.startswith(MAGIC):
        raise ToolFailed("this is no recording of razorprof")
    _, version, length = _PREFIX.unpack_from(start)
    if version > VERSION:
        raise NotSupported(
            "the recording was written by a newer razorprof", value=f"version {version}", hint="update razorprof"
        )
    end = _PREFIX.size + length
    if version != VERSION or length > LARGEST_HEADER or len(start) < end + _CHECK.size:
        raise ToolFailed("the recording's header is damaged", value=f"at byte {len(MAGIC)}")
    if _CHECK.unpack_from(start, end)[0] != zlib.crc32(start[:end]):
        raise ToolFailed("the recording's header is damaged", value=f"its checksum at byte {end} is wrong")
    try:
        document = json.loads(start[_PREFIX.size : end])
    except (ValueError, RecursionError) as error:
        raise ToolFailed("the recording's header is damaged", value=error) from error
    if not isinstance(document, dict):
        raise ToolFailed("the recording's header is damaged", value="it is no object")
    return _header(document), end + _CHECK.size


def _header(document: Mapping[str, Any]) -> Header:
    try:
        identity = bytes.fromhex(document["id"])
        created, interval = float(document["created"]), float(document["interval"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ToolFailed("the recording's header is damaged", value=error) from error
    if len(identity) != ID_BYTES or not abs(created) < 1e11 or not 0 < interval < 1e9:
        raise ToolFailed("the recording's header is damaged", value="a number in it cannot be")
    host, program = (document.get(key, "") for key in ("host", "program"))
    if not isinstance(host, str) or not isinstance(program, str):
        raise ToolFailed("the recording's header is damaged", value="a text in it is none")
    return Header(identity, created, host, program, interval)


def frame(kind: FrameType, payload: bytes) -> bytes:
    """A frame as it lies in the file."""
    check = zlib.crc32(payload, zlib.crc32(_CHECKED.pack(kind, len(payload))))
    return _HEAD.pack(kind, len(payload), check) + payload


def frame_head(content: bytes, at: int = 0) -> tuple[int, int, int]:
    """(type, bytes of payload, checksum) of the frame that begins at `at`. struct.error where it is cut off."""
    found: tuple[int, int, int] = _HEAD.unpack_from(content, at)
    return found


def is_intact(kind: int, check: int, payload: bytes) -> bool:
    """Whether a frame's payload is as it was written."""
    return zlib.crc32(payload, zlib.crc32(_CHECKED.pack(kind, len(payload)))) == check
