"""Recordings as nobody would write them: frames and records put together by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_format import BLOCK_HEAD, SEGMENT_HEAD, FrameType, frame
from razorprof.recording.rzp_records import RecordType
from razorprof.recording.rzp_zstd import Packer
from tests.unit.recording.rzp_samples import HEADER, START


def record(kind: int, body: bytes = b"") -> bytes:
    return rec.HEAD.pack(kind, len(body)) + body


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


STRINGS = record(RecordType.STRING, b"web") + record(RecordType.STRING, b"process")
TARGET = record(RecordType.TARGET, rec.TARGET.pack(7, 99, 1, 0.0, 0, 0, 0, 0))
BEGIN = STRINGS + TARGET + record(RecordType.CARRIED)


def tick(number: int = 1) -> bytes:
    return record(RecordType.TICK, rec.TICK.pack(START + number, number))


def block(
    raw: bytes, packer: Packer, *, time: float = START + 1, claims: int | None = None, flags: int = 1
) -> bytes:
    """claims: how long it says that it unpacks to."""
    length = len(raw) if claims is None else claims
    return frame(FrameType.BLOCK, BLOCK_HEAD.pack(length, flags, time) + packer.pack(raw))


def segment(*blocks: bytes, number: int = 1) -> bytes:
    return frame(FrameType.SEGMENT, SEGMENT_HEAD.pack(HEADER.id, number, START, START)) + b"".join(blocks)


def recording(raws: Iterable[bytes]) -> bytes:
    """One segment, each raw one a block with a tick."""
    packer = Packer()
    blocks = [block(raw, packer, time=START + place) for place, raw in enumerate(raws, start=1)]
    return HEADER.encode() + segment(*blocks)


def scrape(
    tail: bytes = b"", *, target: int = 1, layout: int = 0, counts: tuple[int, int, int] = (0, 0, 0)
) -> bytes:
    head = rec.SCRAPE.pack(target, 2, layout, START, 0.0, 0, *counts)
    return record(RecordType.SCRAPE, head + tail)
