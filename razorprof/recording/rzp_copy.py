"""Copies of a recording while it is written, by whoever may read its files: of a ring's folder, or of one file.

The writer is not asked and not held up: what lies on the disk when the copy begins is in it, up to the last whole
tick, as one recording that was ended in order. For captures, signals and rings that an earlier run left.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from razorprof.errors import ToolFailed
from razorprof.model.scrape import Ended, Scrape, Tick
from razorprof.recording.output_files import write_with
from razorprof.recording.rzp_format import FrameType, SegmentEnd, frame
from razorprof.recording.rzp_index import SegmentEntry, encode_index, entry_of
from razorprof.recording.rzp_pieces import Piece
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_values import Mark, StoredRow

_CHUNK = 1 << 20
_MORE = 4096  # header, index and END of a segment, at the most usual


def copy_recording(
    path: Path, to: Path, *, since: float = -math.inf, most: int | None = None, force: bool = False
) -> int:
    """Write it as a file of its own, mode 0600, whole or not at all; the number of its bytes. since: what is older
    is left out, segment by segment; most: bytes, the oldest segments are left out above. Raises ToolFailed where
    there is nothing or no room, UsageError as write_with does."""
    with RecordingReader(path) as recording:
        wanted = _wanted(recording, since, most)
        size = 0

        def fill(descriptor: int) -> None:
            nonlocal size
            with open(descriptor, "wb", closefd=False) as out:
                size = _write(recording, wanted, out)

        write_with(to, fill, force=force)
    return size


def copied_bytes(path: Path, *, since: float = -math.inf, most: int) -> bytes:
    """The same as bytes, at most so many. Raises ToolFailed."""
    with RecordingReader(path) as recording:
        out = io.BytesIO()
        _write(recording, _wanted(recording, since, most), out)
        return out.getvalue()


def end_of(recording: RecordingReader, piece: Piece) -> SegmentEnd:
    """What the END of a segment says that has none yet."""
    entry = piece.entry
    low, high, samples = math.inf, -math.inf, 0
    for recorded in recording.recorded(entry.first, entry.last, rows=True):
        for item in recorded.items:
            if isinstance(item, Scrape | Ended | Tick | Mark | StoredRow):
                low, high = min(low, item.time), max(high, item.time)
            if isinstance(item, Scrape):
                samples += len(item.samples)
            elif isinstance(item, StoredRow):
                samples += len(item.values)
    low, high = min(low, entry.first), max(high, entry.last)
    return SegmentEnd(entry.number, entry.ticks, samples, entry.raw, entry.first, entry.last, low, high)


def is_ended(entry: SegmentEntry) -> bool:
    """Whether it has its END: otherwise nobody has said which times it holds."""
    return math.isfinite(entry.low)


def _wanted(recording: RecordingReader, since: float, most: int | None) -> list[Piece]:
    pieces = [piece for piece in recording.pieces.all if piece.entry.ticks and piece.entry.last >= since]
    if not pieces:
        raise ToolFailed("nothing was recorded yet", value=recording.path)
    while most is not None and sum(piece.entry.bytes for piece in pieces) + _MORE > most:
        pieces.pop(0)
        if not pieces:
            raise ToolFailed("there is no room for a copy of the recording", value=f"{most} bytes")
    return pieces


def _write(recording: RecordingReader, pieces: Sequence[Piece], out: BinaryIO) -> int:
    out.write(recording.header.encode())
    entries: list[SegmentEntry] = []
    for piece in pieces:
        begin = out.tell()
        _copy(piece, out)
        entry = piece.entry
        end = SegmentEnd(
            entry.number, entry.ticks, entry.samples, entry.raw, entry.first, entry.last, entry.low, entry.high
        )
        if not is_ended(entry):
            end = end_of(recording, piece)
            out.write(frame(FrameType.END, end.pack()))
        entries.append(entry_of(end, begin, out.tell() - begin))
    out.write(encode_index(entries, out.tell()))
    return out.tell()


def _copy(piece: Piece, out: BinaryIO) -> None:
    at, end = piece.entry.offset, piece.entry.offset + piece.entry.bytes
    while at < end:
        chunk = piece.file.read(at, min(_CHUNK, end - at))
        if not chunk:
            raise ToolFailed("the recording was cut while it was copied", value=piece.file.path)
        out.write(chunk)
        at += len(chunk)
