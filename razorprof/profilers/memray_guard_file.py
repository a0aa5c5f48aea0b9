"""What the guard takes from the target: lines of its connection, and the folder that the recording lies in.

For memray_guard_process only; it imports nothing of razorprof. All of it comes out of the target and is hostile.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import stat

_NAME = "allocations.bin"
_LONGEST_LINE = 64 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Ended(Exception):
    """How it came out, as memray_guard tells it to its user."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


class Lines:
    """Lines of a socket; one that does not end within the bound ends them all."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._held = b""
        self.ended = False

    def read(self, timeout: float) -> list[bytes]:
        """What came within `timeout` seconds."""
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return []
        try:
            piece = self._source.recv(8192)
        except OSError:
            piece = b""
        *lines, self._held = (self._held + piece).split(b"\n")
        self.ended = not piece or len(self._held) > _LONGEST_LINE
        return lines


class TargetFile:
    """Folder and file, held open, so that they stay the same whatever the target does. Raises Ended("file").

    They are opened below the target's own root and no link is followed: an absolute one would lead into ours.
    """

    def __init__(self, pid: int, path: str) -> None:
        self._pid = pid
        self._path = path
        if not path.startswith("/") or len(path) > 4096:
            raise Ended("file", "not an absolute path")
        try:
            uid = _user_of(pid)
            self._folder = self._open_folder()
            found = os.fstat(self._folder)
            if found.st_uid != uid or stat.S_IMODE(found.st_mode) != 0o700:
                raise Ended("file", "the folder is not the target's own")
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self.file = os.open(_NAME, flags, dir_fd=self._folder)
            found = os.fstat(self.file)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != uid or found.st_nlink != 1:
                raise Ended("file", "not a regular file of the target's own")
        except OSError as error:
            raise Ended("file", error.strerror or "") from error

    def is_removed(self) -> bool:
        """Whether the target has removed the file by now."""
        return not os.fstat(self.file).st_nlink

    def remove(self) -> None:
        """Remove both. The folder by its path, and only where that is the folder we hold."""
        with contextlib.suppress(OSError):
            os.unlink(_NAME, dir_fd=self._folder)
        for root in (f"/proc/{self._pid}/root", ""):  # the second when the target is gone
            with contextlib.suppress(OSError):
                if os.path.samestat(os.lstat(root + self._path), os.fstat(self._folder)):
                    os.rmdir(root + self._path)
                    return

    def _open_folder(self) -> int:
        here = os.open(f"/proc/{self._pid}/root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in self._path.split("/"):
            if part in ("", ".", ".."):
                continue
            before = here
            try:
                here = os.open(part, _FOLDER, dir_fd=before)
            finally:
                os.close(before)
        return here


def _user_of(pid: int) -> int:
    """Whose files it makes. Not the owner of /proc/PID, which is root where a process forbids to be dumped."""
    with open(f"/proc/{pid}/status", "rb") as file:
        found = re.search(rb"^Uid:(?:\s+\d+){3}\s+(\d+)", file.read(65536), re.MULTILINE)
    if found is None:
        raise Ended("gone")
    return int(found[1])
