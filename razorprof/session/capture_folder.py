"""The folder of one capture: made at once when an alert fires, written into within a bound, removed when old.

Folders are 0700 and files 0600, in a directory that nobody else may write into; nothing is followed or
overwritten. For session.alert_captures.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from razorprof.errors import PermissionDenied, ToolFailed, UsageError
from razorprof.recording.output_files import safe_name, write_whole

DOCUMENT = "capture.json"
_LARGEST_DOCUMENT = 4 << 20
_CUT_OFF = {  # state of an action -> what it is after razorprof was killed, and why
    "running": ("failed", "razorprof was killed meanwhile"),
    "waiting": ("skipped", "razorprof was killed before its turn came"),
}
_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z0-9-]+-[A-Za-z0-9._+@=-]+-(\d+|none)-[0-9a-f]{8}", re.ASCII)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Room(Protocol):
    """How much a capture may write."""

    @property
    def left(self) -> int:
        """Bytes that may still be written."""

    def take(self, size: int, *, is_there: bool = False) -> None:
        """Claim so many bytes more, which stand on the disk already or not. Raises ToolFailed where there is no
        room for them."""


class Unbounded:
    """All the room that tools can ask for."""

    left = 1 << 30

    def take(self, size: int, *, is_there: bool = False) -> None:
        pass


class CaptureFolder:
    """One capture's own folder, which is there. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.room: Room = Unbounded()
        self.written = 0

    def write(self, name: str, content: bytes) -> int:
        """A new file; its size. Nothing half written is left. Raises ToolFailed: no room, the system refuses."""
        self.room.take(len(content))
        self._create(name, content, sync=True)
        self.written += len(content)
        return len(content)

    def adopt(self, name: str) -> int:
        """Count a file that somebody else wrote into the folder; its size. Raises ToolFailed and removes it where
        there is no room."""
        path = self.path / name
        try:
            size = os.lstat(path).st_size
            self.room.take(size, is_there=True)
        except OSError as error:
            raise ToolFailed("the file is not there", value=f"{name}: {error.strerror}") from error
        except ToolFailed:
            with suppress(OSError):
                os.unlink(path)
            raise
        self.written += size
        return size

    def free_name(self, stem: str, ending: str) -> str:
        """A name that is not taken yet: stem.ending, stem-2.ending and so on."""
        for number in range(1, 1000):
            name = f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}"
            if not os.path.lexists(self.path / name):
                return name
        raise ToolFailed("too many files in a capture", value=stem)

    def announce(self, document: Any) -> None:
        """Write down what is to come, without waiting for the disk. Raises ToolFailed."""
        self._create(DOCUMENT, _encode(document), sync=False)

    def tell(self, document: Any) -> str:
        """Write what is known of the capture, in place of what was. Why that failed, empty where it did not."""
        content = _encode(document)
        path = self.path / DOCUMENT
        try:
            write_whole(path, content, force=True)
        except (ToolFailed, UsageError) as error:
            return "" if _overwritten(path, content) else str(error)
        return ""

    def size(self) -> int:
        """What all its files take."""
        return measure(self.path) or 0

    def _create(self, name: str, content: bytes, *, sync: bool) -> None:
        path = self.path / name
        try:
            descriptor = os.open(path, _CREATE, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    if sync:
                        os.fsync(descriptor)
            except BaseException:
                with suppress(OSError):
                    os.unlink(path)
                raise
        except OSError as error:
            raise ToolFailed("the file could not be written", value=f"{name}: {error.strerror}") from error


def prepare_directory(path: Path) -> None:
    """Make the directory of captures where it is not there, mode 0700. Raises UsageError where others may write
    into it, PermissionDenied or ToolFailed where it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = path.stat()
    except PermissionError as error:
        raise PermissionDenied("no permission for the directory of captures", value=path) from error
    except OSError as error:
        value = f"{path}: {error.strerror}"
        raise ToolFailed("the directory of captures cannot be made", value=value) from error
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            "the directory of captures may be written by others",
            value=path,
            hint=f"chown it and: chmod go-w {path}",
        )


def make_folder(directory: Path, time: float, capture: str, alert: str, pid: int | None) -> CaptureFolder:
    """A new folder for a capture, named after what it is of. Raises ToolFailed."""
    when = datetime.fromtimestamp(time, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{when}-{capture}-{safe_name(alert)}-{'none' if pid is None else pid}-{secrets.token_hex(4)}"
    try:
        os.mkdir(directory / name, 0o700)
    except OSError as error:
        raise ToolFailed("no folder for a capture can be made", value=f"{directory}: {error.strerror}") from error
    return CaptureFolder(directory / name)


def end_interrupted(folder: Path) -> str:
    """Say in the document of a capture that razorprof was ended without warning: what ran was cut off, what waited
    has no turn any more. The state of the whole then; empty where it was over, or cannot be read."""
    if not _NAME.fullmatch(folder.name):
        return ""
    try:
        descriptor = os.open(folder / DOCUMENT, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            document = json.loads(file.read(_LARGEST_DOCUMENT))
        if document["state"] not in ("waiting", "running"):
            return ""
        actions = document["actions"]
        for action in actions:
            if action["state"] in _CUT_OFF:
                action["state"], action["reason"] = _CUT_OFF[action["state"]]
        state = "partial" if any(action["state"] == "done" for action in actions) else "failed"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    CaptureFolder(folder).tell({**document, "state": state})
    return state


def measure(folder: str | Path) -> int | None:
    """Bytes of all files below a folder, links not followed; None where there is no such folder."""
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return None
    except OSError:
        return None
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def remove_folder(folder: Path, directory: Path) -> str:
    """Remove a capture. Why not, empty where it is gone: only a folder that is called as ours are and lies in the
    directory of captures is ever touched."""
    if folder.parent != directory or not _NAME.fullmatch(folder.name):
        return "it is no folder of a capture in this directory"
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return "it is no folder"
        shutil.rmtree(folder)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return str(error.strerror)
    return ""


def free_bytes(path: Path) -> int | None:
    """What is free for us on the disk of a path; None where that cannot be told."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _encode(document: Any) -> bytes:
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def _overwritten(path: Path, content: bytes) -> bool:
    """On a full disk: write over what is there, into the blocks that it has already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if len(content) > os.fstat(descriptor).st_blocks * 512:
                return False
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True
