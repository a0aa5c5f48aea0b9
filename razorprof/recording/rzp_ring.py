"""A flight recorder: the last minutes of a recording on the disk, in a folder of segments, and copies of them.

Every segment is a file of its own, a small recording that stands for itself; the oldest go when the rest reaches
back far enough, or when the folder grows too large. A crash leaves a folder that the reader opens. A copy (at the
end, at a signal, for an alert) is one file like any other recording. For recording.rzp_writer, as its sink.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.output_files import write_with
from razorprof.recording.rzp_file import NoRoom, RecordingFile, is_being_written
from razorprof.recording.rzp_format import ENDING, RING_NAME, FrameType, Header, SegmentEnd, frame
from razorprof.recording.rzp_index import SegmentEntry, encode_index, entry_of
from razorprof.recording.rzp_left import Left, RingPiece, take_up
from razorprof.recording.rzp_sink import SegmentBounds

FOLDER_ENDING = ".ring"
_ASIDE = "-before"
_END_BYTES = 128  # of a segment's END
_PIECES = 8  # about so many segments make up the whole
_FEWEST_TICKS, _MOST_TICKS = 10, 300


class Ring:
    """seconds: how far back it reaches, at least, once it has run for so long; max_bytes: of all its files; left:
    by an earlier run, with which it goes on."""

    def __init__(self, folder: Path, header: Header, *, seconds: float, max_bytes: int, lock: int) -> None:
        self.folder = folder
        self._header = header
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._lock = lock
        self._pieces: list[RingPiece] = []
        self.left: Left | None = None
        self._file: RecordingFile | None = None

    @classmethod
    def create(cls, folder: Path, header: Header, *, seconds: float, max_bytes: int, force: bool = False) -> Ring:
        """A new folder, mode 0700. What an earlier recording left there is replaced with `force` only. Raises
        UsageError, ToolFailed."""
        try:
            if force and folder.is_dir() and not folder.is_symlink():
                remove_ring(folder)
            os.mkdir(folder, 0o700)
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileExistsError as error:
            raise UsageError(
                "there is what an earlier recording left",
                value=folder,
                hint="look at it with razorprof show; --force replaces it",
            ) from error
        except OSError as error:
            raise ToolFailed("the folder cannot be made", value=f"{folder}: {error.strerror}") from error
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(folder, header, seconds=seconds, max_bytes=max_bytes, lock=lock)

    @classmethod
    def go_on(cls, folder: Path, header: Header, *, seconds: float, max_bytes: int, now: float) -> Ring:
        """With what an earlier run left in a folder (`left`), whose header counts then, or anew. What does not fit
        is set aside, in place of what was set aside before. now: Unix seconds. Raises UsageError where another
        recording is being written there or where other files lie in it, ToolFailed."""
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return cls.create(folder, header, seconds=seconds, max_bytes=max_bytes)
        except OSError as error:
            raise ToolFailed("the folder cannot be used", value=f"{folder}: {error.strerror}") from error
        try:
            _lock(lock, folder)
            left = take_up(folder, header, now)
            if left is None and not os.listdir(lock):  # a kill came before the first tick
                os.rmdir(folder)
            elif left is None:
                aside = folder.with_name(folder.name + _ASIDE)
                if os.path.lexists(aside):
                    remove_ring(aside)
                os.rename(folder, aside)
        except OSError as error:
            os.close(lock)
            raise ToolFailed("the folder cannot be used", value=f"{folder}: {error.strerror}") from error
        except BaseException:
            os.close(lock)
            raise
        if left is None:
            os.close(lock)
            return cls.create(folder, header, seconds=seconds, max_bytes=max_bytes)
        ring = cls(folder, left.header, seconds=seconds, max_bytes=max_bytes, lock=lock)
        ring._pieces, ring.left = list(left.pieces), left
        return ring

    @property
    def header(self) -> Header:
        return self._header

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self._pieces) + (0 if self._file is None else self._file.size)

    def bounds(self) -> SegmentBounds:
        """Segments that are short against the whole: it is they that go."""
        ticks = int(self._seconds / self._header.interval / _PIECES)
        return SegmentBounds(ticks=min(_MOST_TICKS, max(_FEWEST_TICKS, ticks)), bytes=self._max_bytes // _PIECES)

    def begin(self, number: int, frames: bytes) -> bool:
        content = self._header.encode() + frames
        if not self._make_room(len(content)):
            return False
        try:
            file = RecordingFile.create(self.folder / f"{number:08d}{ENDING}")
        except UsageError as error:  # somebody removed the folder, or put something into it
            raise ToolFailed(error.message, value=error.value, hint="start the recording again") from error
        try:
            self._append(file, content)
        except BaseException:
            file.close(sync=False)
            with suppress(OSError):  # it is empty, and its name is wanted for the next attempt
                os.unlink(file.path)
            raise
        self._file = file
        return True

    def append(self, frames: bytes) -> bool:
        if self._file is None:
            raise ValueError("no segment has begun")
        self._file.check()
        if not self._make_room(len(frames)):
            return False
        self._append(self._file, frames)
        return True

    def end(self, frames: bytes, end: SegmentEnd) -> None:
        if self._file is None:
            raise ValueError("no segment has begun")
        file = self._file
        self._append(file, frames)
        self._file = None
        file.close(sync=False)
        self._pieces.append(RingPiece(file.path, end, file.size))
        while len(self._pieces) > 1 and end.last - self._pieces[1].end.first >= self._seconds:
            self._drop_oldest()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def dump(self, path: Path, end: SegmentEnd | None, *, force: bool = False) -> int:
        """Write all that is there as one recording, whole or not at all; the number of its bytes. end: of the
        segment that is being written, None where there is none. Raises UsageError, ToolFailed."""
        size = 0

        def fill(descriptor: int) -> None:
            nonlocal size
            with open(descriptor, "wb", closefd=False) as out:
                head = self._header.encode()
                out.write(head)
                entries: list[SegmentEntry] = []
                for piece in self._pieces:
                    with open(piece.path, "rb") as source:
                        source.seek(len(head))
                        shutil.copyfileobj(source, out, 1 << 20)
                    before = entries[-1].offset + entries[-1].bytes if entries else len(head)
                    entries.append(entry_of(piece.end, before, out.tell() - before))
                if self._file is not None and end is not None:
                    before = out.tell()
                    out.write(self._file.read(len(head), self._file.size - len(head)))
                    out.write(frame(FrameType.END, end.pack()))
                    entries.append(entry_of(end, before, out.tell() - before))
                out.write(encode_index(entries, out.tell()))
                size = out.tell()

        write_with(path, fill, force=force)
        return size

    def remove(self) -> None:
        """The folder and its files: once they were copied. Raises ToolFailed where something else lies in it."""
        self.close()
        remove_ring(self.folder)

    def _append(self, file: RecordingFile, content: bytes) -> None:
        """Where the disk is full, older segments give way."""
        while True:
            try:
                file.append(content)
                return
            except NoRoom:
                if not self._pieces:
                    raise
                self._drop_oldest()

    def _make_room(self, more: int) -> bool:
        bound = self._max_bytes - _END_BYTES
        while self._pieces and self.size + more > bound:
            self._drop_oldest()
        return self.size + more <= bound

    def _drop_oldest(self) -> None:
        piece = self._pieces.pop(0)
        with suppress(FileNotFoundError):
            os.unlink(piece.path)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        hint = "end that one first"
        raise UsageError("another recording is being written there", value=folder, hint=hint) from error
    except OSError:
        pass  # a file system without locks


def remove_ring(folder: Path) -> None:
    """Remove what a ring wrote, and nothing else. Raises UsageError where one is being written there now or where
    other files lie in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if is_being_written(descriptor):
            raise UsageError("another recording is being written there", value=folder, hint="choose another name")
        names = os.listdir(descriptor)
        if others := [name for name in names if not RING_NAME.fullmatch(name)]:
            raise UsageError("something else lies in the folder", value=folder / others[0])
        for name in names:
            os.unlink(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    os.rmdir(folder)
