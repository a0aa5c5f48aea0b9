"""A segment read from its file and unpacked, within bounds, up to where it is damaged. For rzp_reader."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from razorprof.recording import rzp_format as form
from razorprof.recording.rzp_format import FrameType
from razorprof.recording.rzp_index import SegmentEntry
from razorprof.recording.rzp_open import SourceFile, read_frame
from razorprof.recording.rzp_values import Damage
from razorprof.recording.rzp_zstd import unpack


@dataclass(frozen=True, slots=True)
class Block:
    """A tick's part of the unpacked bytes. offset: of its frame in the file."""

    start: int
    end: int
    time: float
    has_tick: bool
    offset: int


@dataclass(frozen=True, slots=True)
class Segment:
    """raw: all that its blocks unpack to; damage: where it cannot be read any further, None where it is whole."""

    entry: SegmentEntry
    raw: bytes
    blocks: tuple[Block, ...]
    damage: Damage | None = None

    @property
    def most_records(self) -> int:
        """More than so many records of it nobody wrote who meant well."""
        return 10_000 + form.MOST_RECORDS * self.entry.bytes


def read_blocks(file: SourceFile, entry: SegmentEntry) -> tuple[list[Block], list[bytes], Damage | None]:
    """The blocks of a segment and their packed bytes, up to where it is damaged."""
    limit = min(file.size, entry.offset + entry.bytes)
    at, raw, size, newest = entry.offset, 0, 0, -math.inf
    blocks: list[Block] = []
    packed: list[bytes] = []

    def damaged(why: str) -> Damage:
        return Damage(str(file.path), at, max(0, entry.offset + entry.bytes - at), why)

    while at < limit:
        frame = read_frame(file, at, limit)
        if isinstance(frame, str):
            return blocks, packed, damaged(frame)
        if frame.kind == FrameType.BLOCK:
            try:
                length, flags, time = form.BLOCK_HEAD.unpack_from(frame.payload)
            except struct.error:
                return blocks, packed, damaged("a block is too short")
            size += len(frame.payload)
            bound = min(form.LARGEST_RAW, (1 << 20) + form.LARGEST_RATIO * size)
            if max(raw + length, size) > bound:
                return blocks, packed, damaged(f"it would unpack to more than {bound} bytes")
            has_tick = bool(flags & form.HAS_TICK)
            if not math.isfinite(time) or (has_tick and time < newest):
                return blocks, packed, damaged("its time goes back")
            newest = time if has_tick else newest
            blocks.append(Block(raw, raw + length, time, has_tick, at))
            packed.append(frame.payload[form.BLOCK_HEAD.size :])
            raw += length
        at = frame.end
    cut = None if at >= entry.offset + entry.bytes else damaged("it breaks off")
    return blocks, packed, cut


def read_segment(file: SourceFile, entry: SegmentEntry) -> Segment:
    """The segment. Holds at most LARGEST_RAW bytes unpacked, whatever the file says."""
    blocks, packed, damage = read_blocks(file, entry)
    wanted = blocks[-1].end if blocks else 0
    raw = unpack(packed, wanted)
    if len(raw) < wanted:
        good = [block for block in blocks if block.end <= len(raw)]
        at = blocks[len(good)].offset
        damage = Damage(str(file.path), at, entry.offset + entry.bytes - at, "a block cannot be unpacked")
        blocks, raw = good, raw[: good[-1].end if good else 0]
    return Segment(entry, raw, tuple(blocks), damage)
