"""A recording's file opened for reading: where its segments lie, and where it is damaged.

With its index that is one look at the end of the file; without it, or where the index does not fit, the frames are
gone through, and after damage the next segment is looked for. What a file says is hostile: lengths are bounded
before anything is read. For recording.rzp_reader.
"""

from __future__ import annotations

import os
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import ToolFailed
from razorprof.recording import rzp_format as form
from razorprof.recording.rzp_file import is_being_written
from razorprof.recording.rzp_format import FrameType, Header
from razorprof.recording.rzp_index import SegmentEntry, decode_index
from razorprof.recording.rzp_values import Damage

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_SEARCH = 1 << 20
_TO_ID = form.HEAD_BYTES  # from a SEGMENT frame's start to the recording's id in it


class SourceFile:
    """A file that is read by position. Nothing is mapped: a file that is cut meanwhile is short, and no crash."""

    def __init__(self, path: Path) -> None:
        """Raises ToolFailed where it is not there, not readable or no regular file."""
        try:
            self._descriptor = os.open(path, _OPEN)
        except FileNotFoundError as error:
            raise ToolFailed("there is no such file", value=path) from error
        except (OSError, ValueError) as error:
            raise ToolFailed("the file cannot be read", value=f"{path}: {error}") from error
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise ToolFailed("this is no regular file", value=path)
        self.path = path
        self.size = found.st_size
        self.is_live = is_being_written(self._descriptor)

    def read(self, at: int, length: int) -> bytes:
        """At most `length` bytes; fewer where the file ends. Raises ToolFailed where the system refuses."""
        try:
            return os.pread(self._descriptor, length, at)
        except OSError as error:
            raise ToolFailed("the file cannot be read", value=f"{self.path}: {error.strerror}") from error

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


def looks_like_recording(path: Path) -> bool:
    """Whether a file begins as a recording, of whatever version, or a folder holds one. Reads a few bytes."""
    try:
        if path.is_dir():
            return any(looks_like_recording(one) for one in ring_files(path))
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and os.pread(descriptor, 8, 0) == form.MAGIC
    finally:
        os.close(descriptor)


def ring_files(folder: Path) -> list[Path]:
    """The files of a ring, in order. Raises OSError."""
    return sorted(one for one in folder.iterdir() if form.RING_NAME.fullmatch(one.name) and not one.is_dir())


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame in a file, intact."""

    offset: int
    kind: int
    payload: bytes

    @property
    def end(self) -> int:
        return self.offset + form.HEAD_BYTES + len(self.payload)


def read_frame(file: SourceFile, at: int, limit: int) -> Frame | str:
    """The frame at a place, which must end by `limit`; words where there is none, or a damaged one."""
    head = file.read(at, form.HEAD_BYTES)
    if len(head) < form.HEAD_BYTES or at + form.HEAD_BYTES > limit:
        return "it breaks off"
    kind, length, check = form.frame_head(head)
    if length > form.LARGEST_FRAME:
        return f"a frame of {length} bytes cannot be"
    if at + form.HEAD_BYTES + length > limit:
        return "it breaks off"
    payload = file.read(at + form.HEAD_BYTES, length)
    if len(payload) < length:
        return "it breaks off"
    if not form.is_intact(kind, check, payload):
        return "a checksum is wrong"
    return Frame(at, kind, payload)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. segments: with END or without (then its counts are of its blocks, and low and high are
    unbounded); is_complete: it was ended in order."""

    header: Header
    segments: tuple[SegmentEntry, ...]
    damage: tuple[Damage, ...] = ()
    is_complete: bool = False


def read_contents(file: SourceFile) -> Contents:
    """Find the segments. Raises ToolFailed where the file is no recording, NotSupported for a newer version."""
    start = file.read(0, form.LARGEST_HEADER + 64)
    try:
        header, begin = form.parse_header(start)
    except ToolFailed as error:
        told = str(file.path) if error.value is None else f"{file.path}: {error.value}"
        hint = error.hint or "a recording is what razorprof record writes"
        raise ToolFailed(error.message, value=told, hint=hint) from error
    segments = _from_index(file)
    if segments is not None:
        return Contents(header, segments, is_complete=True)
    return _Walk(file, header, begin).contents()


def _from_index(file: SourceFile) -> tuple[SegmentEntry, ...] | None:
    at = file.size - form.TRAILER_BYTES
    trailer = read_frame(file, at, file.size) if at > 0 else "too short"
    if isinstance(trailer, str) or trailer.kind != FrameType.TRAILER:
        return None
    try:
        begin, magic = form.TRAILER_BODY.unpack(trailer.payload)
    except struct.error:
        return None
    if magic != form.MAGIC or begin >= at:
        return None
    index = read_frame(file, begin, at)
    if isinstance(index, str) or index.kind != FrameType.INDEX or index.end != at:
        return None
    return decode_index(index.payload, begin)


class _Walk:
    """Goes through all frames."""

    def __init__(self, file: SourceFile, header: Header, begin: int) -> None:
        self._file = file
        self._header = header
        self._at = begin
        self._segments: list[SegmentEntry] = []
        self._damage: list[Damage] = []
        self._open: _OpenSegment | None = None
        self._has_index = False

    def contents(self) -> Contents:
        file = self._file
        while self._at < file.size:
            frame = read_frame(file, self._at, file.size)
            if isinstance(frame, str):
                self._close()
                if not (file.is_live and frame == "it breaks off" and self._next_segment() is None):
                    self._skip(frame)
                else:
                    self._at = file.size
                continue
            self._take(frame)
            self._at = frame.end
        self._close()
        return Contents(self._header, tuple(self._segments), tuple(self._damage), is_complete=False)

    def _take(self, frame: Frame) -> None:
        if frame.kind == FrameType.SEGMENT:
            self._close()
            try:
                identity, number, time, _ = form.SEGMENT_HEAD.unpack_from(frame.payload)
            except struct.error:
                return
            if identity == self._header.id:
                self._open = _OpenSegment(frame.offset, number, time, frame.end)
        elif self._open is not None and frame.kind == FrameType.BLOCK:
            try:
                raw, flags, time = form.BLOCK_HEAD.unpack_from(frame.payload)
            except struct.error:
                return
            self._open.note(raw, flags, time, frame.end)
        elif self._open is not None and frame.kind == FrameType.END:
            self._open.end = frame.end
            self._close(frame.payload)

    def _close(self, end: bytes = b"") -> None:
        if self._open is not None:
            self._segments.append(self._open.entry(end))
            self._open = None

    def _skip(self, why: str) -> None:
        """Pass over damage, to the next segment or to the end."""
        begin = self._at
        self._at = self._next_segment() or self._file.size
        self._damage.append(Damage(str(self._file.path), begin, self._at - begin, why))

    def _next_segment(self) -> int | None:
        """Where the next SEGMENT frame that is intact begins, behind this place."""
        wanted, file, at = self._header.id, self._file, self._at + 1
        while at < file.size:
            chunk = file.read(at, _SEARCH + len(wanted))
            found = chunk.find(wanted)
            while found >= 0:
                begin = at + found - _TO_ID
                frame = read_frame(file, begin, file.size) if begin > self._at else ""
                if not isinstance(frame, str) and frame.kind == FrameType.SEGMENT:
                    return begin
                found = chunk.find(wanted, found + 1)
            at += _SEARCH
        return None


@dataclass(slots=True)
class _OpenSegment:
    offset: int
    number: int
    time: float
    end: int
    ticks: int = 0
    raw: int = 0
    first: float = float("inf")
    last: float = float("-inf")

    def note(self, raw: int, flags: int, time: float, end: int) -> None:
        self.raw += raw
        self.end = end
        if flags & form.HAS_TICK:
            self.ticks += 1
            self.first, self.last = min(self.first, time), max(self.last, time)

    def entry(self, end: bytes) -> SegmentEntry:
        samples, low, high = 0, float("-inf"), float("inf")
        with suppress(struct.error):  # where it was not ended
            _, _, samples, _, _, _, low, high = form.END_HEAD.unpack_from(end)
        first, last = (self.first, self.last) if self.ticks else (self.time, self.time)
        return SegmentEntry(
            self.offset, self.end - self.offset, self.number, self.ticks, samples, self.raw, first, last, low, high
        )
