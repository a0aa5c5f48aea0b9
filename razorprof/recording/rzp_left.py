"""A ring that an earlier run left in its folder, made ready to be gone on with. For recording.rzp_ring.

A kill leaves the newest segment without its end, maybe with half a frame: the half is cut off and the end written.
What cannot be gone on with (another host, another interval, times to come, a newer version) is for the caller to
set aside.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.labels import Labels
from razorprof.model.target import Identity
from razorprof.recording.rzp_copy import end_of, is_ended
from razorprof.recording.rzp_format import FrameType, Header, SegmentEnd, frame
from razorprof.recording.rzp_open import ring_files
from razorprof.recording.rzp_pieces import Piece
from razorprof.recording.rzp_reader import RecordingReader
from razorprof.recording.rzp_values import Added, Forgotten

_LOOK_BACK = 300.0  # of queries: what is older is taken for nobody's
_MEND = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class RingPiece:
    """A segment of a ring that has ended, in a file of its own."""

    path: Path
    end: SegmentEnd
    size: int


@dataclass(frozen=True, slots=True)
class Left:
    """What an earlier run left. number: of its last segment; last: time of its last tick; targets: whom it looked
    at then; series: that had a value then; crashed: it was not ended in order."""

    header: Header
    pieces: tuple[RingPiece, ...]
    number: int
    last: float
    targets: tuple[Identity, ...]
    series: tuple[Labels, ...]
    crashed: bool


def take_up(folder: Path, wanted: Header, now: float) -> Left | None:
    """What can be gone on with, its files mended; None where nothing can. The folder is locked by the caller."""
    try:
        with RecordingReader(folder) as recording:
            if not _fits(recording, wanted, now):
                return None
            pieces = [_mended(recording, piece) for piece in recording.pieces.all if piece.entry.ticks]
            targets, series = _targets(recording), _series(recording)
            crashed = not all(is_ended(piece.entry) for piece in recording.pieces.all)
    except (ToolFailed, NotSupported):
        return None
    kept = {piece.path for piece in pieces}
    for path in ring_files(folder):
        if path not in kept:  # begun when the kill came
            with suppress(OSError):
                os.unlink(path)
    header, last = recording.header, max(piece.end.last for piece in pieces)
    number = max(piece.end.number for piece in pieces)
    return Left(header, tuple(pieces), number, last, targets, series, crashed)


def _fits(recording: RecordingReader, wanted: Header, now: float) -> bool:
    found, span, pieces = recording.header, recording.span, recording.pieces.all
    one_each = len({piece.file.path for piece in pieces}) == len(pieces)
    same = (found.host, found.interval, found.program) == (wanted.host, wanted.interval, wanted.program)
    return span is not None and one_each and same and span[1] <= now


def _targets(recording: RecordingReader) -> tuple[Identity, ...]:
    known: dict[Identity, None] = {}
    for item in recording.context(math.inf):
        if isinstance(item, Added):
            known[item.target.identity] = None
        elif isinstance(item, Forgotten):
            known.pop(item.identity, None)
    return tuple(known)


def _series(recording: RecordingReader) -> tuple[Labels, ...]:
    end = recording.span[1] if recording.span is not None else 0.0
    found = recording.series(end - _LOOK_BACK).view.select([], -math.inf, math.inf)
    return tuple(series.labels for series in found if series.last() is not None)


def _mended(recording: RecordingReader, piece: Piece) -> RingPiece:
    """Raises ToolFailed where the file cannot be changed."""
    entry, path = piece.entry, piece.file.path
    size = entry.offset + entry.bytes
    if is_ended(entry):
        end = SegmentEnd(
            entry.number, entry.ticks, entry.samples, entry.raw, entry.first, entry.last, entry.low, entry.high
        )
        return RingPiece(path, end, piece.file.size)
    end = end_of(recording, piece)
    content = frame(FrameType.END, end.pack())
    try:
        descriptor = os.open(path, _MEND)
        try:
            os.ftruncate(descriptor, size)
            os.pwrite(descriptor, content, size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ToolFailed("the recording cannot be gone on with", value=f"{path}: {error.strerror}") from error
    return RingPiece(path, end, size + len(content))
