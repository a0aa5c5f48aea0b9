"""A recording as one file that grows up to a bound. For recording.rzp_writer, as its sink."""

from __future__ import annotations

from pathlib import Path

from razorprof.recording.rzp_file import RecordingFile
from razorprof.recording.rzp_format import Header, SegmentEnd
from razorprof.recording.rzp_index import MOST_SEGMENTS, SegmentEntry, encode_index, entry_of

_END_BYTES = 256  # END, INDEX and TRAILER, but for
_ENTRY_BYTES = 128  # each segment in the index


class SingleFile:
    """max_bytes: None for no bound. The index goes to the end when it is closed."""

    def __init__(self, file: RecordingFile, max_bytes: int | None) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._entries: list[SegmentEntry] = []
        self._offset = 0  # where the segment began
        self._is_open = False  # a segment was begun and not ended

    @classmethod
    def create(
        cls, path: Path, header: Header, *, force: bool = False, max_bytes: int | None = None
    ) -> SingleFile:
        """Raises UsageError, ToolFailed as RecordingFile.create does."""
        file = RecordingFile.create(path, force=force)
        try:
            file.append(header.encode())
        except BaseException:
            file.close(sync=False)
            raise
        return cls(file, max_bytes)

    @property
    def path(self) -> Path:
        return self._file.path

    @property
    def size(self) -> int:
        return self._file.size

    def begin(self, number: int, frames: bytes) -> bool:
        offset = self._file.size
        if not self.append(frames):
            return False
        self._offset, self._is_open = offset, True
        return True

    def append(self, frames: bytes) -> bool:
        self._file.check()
        spare = _END_BYTES + _ENTRY_BYTES * (len(self._entries) + 1)
        if self._max_bytes is not None and self._file.size + len(frames) + spare > self._max_bytes:
            return False
        self._file.append(frames)
        return True

    def end(self, frames: bytes, end: SegmentEnd) -> None:
        self._file.append(frames)
        self._entries.append(entry_of(end, self._offset, self._file.size - self._offset))
        self._is_open = False

    def close(self) -> None:
        """An index that leaves out a segment would hide it: there is none after a failure."""
        try:
            if not self._is_open and len(self._entries) <= MOST_SEGMENTS:
                self._file.append(encode_index(self._entries, self._file.size))
        finally:
            self._file.close()
