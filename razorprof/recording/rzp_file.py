"""A recording's file while it is written: made new, private and locked, appended to, never changed in place.

Every frame is one write. What a write leaves behind that failed (a full disk) is cut off again, so that the file
always ends with a whole frame. For recording.rzp_writer and recording.rzp_ring.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

from razorprof.errors import ToolFailed, UsageError
from razorprof.recording.output_files import check_output

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NoRoom(ToolFailed):
    """The disk, the quota or the limit of a file's size is reached."""

    name = "no_room"


class RecordingFile:
    """Open for appending, under a lock that ends with it. Raises ToolFailed where the system refuses."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path, *, force: bool = False) -> RecordingFile:
        """A new file, mode 0600. Raises UsageError as check_output does; where another recording is being written
        under that name, also with `force`."""
        check_output(path, force=force)
        try:
            if force:
                _make_way(path)
            descriptor = os.open(path, _CREATE, 0o600)
        except FileExistsError as error:
            raise UsageError("the file exists by now", value=path, hint="overwrite it with --force") from error
        except OSError as error:
            raise _failed("the file cannot be made", path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:  # somebody opened it in this very moment, and holds on to it
            os.close(descriptor)
            os.unlink(path)
            raise _in_use(path) from error
        except OSError:
            pass  # a file system without locks
        return cls(path, descriptor)

    def append(self, content: bytes) -> None:
        """One frame, or several. All of it or, when this raises, nothing."""
        done = 0
        try:
            while done < len(content):
                done += os.pwrite(self._descriptor, memoryview(content)[done:], self.size + done)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            if error.errno in _NO_ROOM:
                raise NoRoom(
                    "no room is left on the disk",
                    value=f"{self.path}: {error.strerror}",
                    hint="what was written until then can be read; --max-bytes bounds a recording",
                ) from error
            raise _failed("the file cannot be written", self.path, error) from error
        self.size += len(content)

    def check(self) -> None:
        """Raises ToolFailed where the file has been removed or cut: what is written now nobody would find."""
        try:
            found = os.fstat(self._descriptor)
        except OSError as error:
            raise _failed("the file cannot be written", self.path, error) from error
        if found.st_nlink == 0:
            raise ToolFailed(
                "the file was removed while it was recorded", value=self.path, hint="start the recording again"
            )
        if found.st_size != self.size:
            raise ToolFailed(
                "the file was changed while it was recorded",
                value=f"{self.path}: {found.st_size} bytes in place of {self.size}",
                hint="only one program may write to a recording",
            )

    def read(self, at: int, length: int) -> bytes:
        """What was written."""
        return os.pread(self._descriptor, length, at)

    def close(self, *, sync: bool = True) -> None:
        """Let go of it, once it is on the disk. Twice is once."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if sync:
                with suppress(OSError):
                    os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def is_being_written(descriptor: int) -> bool:
    """Whether somebody records into the file that is open here."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _make_way(path: Path) -> None:
    """Remove what is there, unless it is being recorded into. A link is removed, not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:
        os.unlink(path)  # a link, or a file that we may not read
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and is_being_written(descriptor):
            raise _in_use(path)
    finally:
        os.close(descriptor)
    os.unlink(path)


def _in_use(path: Path) -> UsageError:
    return UsageError(
        "another recording is being written into this file", value=path, hint="choose another name with -o"
    )


def _failed(what: str, path: Path, error: OSError) -> ToolFailed:
    return ToolFailed(what, value=f"{path}: {error.strerror or error}", hint="what was written can be read")
