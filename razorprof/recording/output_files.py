"""Files that commands write: named, checked before the work, written beside and renamed, so that nothing half
written is ever seen. For profiles (recording.profile_files), reports and all else that is written as one piece.

Not for recordings: they are written in place, in segments.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from string import Formatter

from razorprof.errors import ToolFailed, UsageError

PLACEHOLDERS = ("pid", "name", "time")
_LONGEST_NAME = 64  # of a target, within a file's name
_NO_UNNAMED_FILES = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)  # open(2): file systems without
_NEVER_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EOPNOTSUPP)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+@=-]+")


def fill_name(
    template: str, *, pid: int | None = None, name: str | None = None, time: float | None = None
) -> Path:
    """The path of `template`, its {pid}, {name} and {time} (Unix seconds, written as local time) filled in.

    Braces of the file's own name are doubled. What a target is called never adds a folder, an option or a
    hidden file. Raises UsageError for another placeholder, or one whose value nobody knows here."""
    stamp = None if time is None else datetime.fromtimestamp(time).strftime("%Y%m%d-%H%M%S")
    values = {"pid": pid, "name": None if name is None else safe_name(name), "time": stamp}
    parts = []
    try:
        for text, field, form, conversion in Formatter().parse(template):
            parts.append(text)
            if field is None:
                continue
            if field not in PLACEHOLDERS or form or conversion:
                raise UsageError(
                    "no such placeholder", value=f"{{{field}}}", hint="there are {pid}, {name} and {time}"
                )
            if values[field] is None:
                raise UsageError(f"{{{field}}} is not known here", value=template)
            parts.append(str(values[field]))
    except ValueError as error:
        raise UsageError(
            "not a file name", value=template, hint="braces of the name itself are doubled: {{ and }}"
        ) from error
    filled = "".join(parts)
    if not filled or "\0" in filled:
        raise UsageError("not a file name", value=filled)
    return Path(filled)


def safe_name(text: str) -> str:
    """A target's name as a part of a file's name: ASCII letters, digits and ``._+@=-``, not beginning with a dot
    or a dash, at most 64 long."""
    return _NOT_IN_A_NAME.sub("_", text[: 4 * _LONGEST_NAME]).lstrip(".-")[:_LONGEST_NAME] or "unnamed"


def check_output(path: Path, *, force: bool = False) -> None:
    """Find out before the work whether `path` can be written. Raises UsageError: the folder is missing or not
    writable, something is there and `force` was not given, or what is there is no regular file."""
    folder = path.parent
    if not folder.is_dir():
        raise UsageError("there is no such folder to write into", value=folder)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise UsageError("the folder is not writable", value=folder)
    _try_folder(folder)
    try:
        if len(os.fsencode(path.name)) > os.pathconf(folder, "PC_NAME_MAX"):
            raise UsageError("the file's name is too long", value=path.name)
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError("the file cannot be written", value=f"{path}: {error.strerror}") from error
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise UsageError("this is no regular file", value=path, hint="name a new file, or - for standard output")
    if not force:
        raise UsageError("the file exists", value=path, hint="overwrite it with --force, or choose another name")


def write_whole(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write a file as one piece, mode 0600: beside it under a random name, synced, then renamed. A symbolic link
    is replaced, never followed. What appeared since `check_output` is overwritten only with `force`.

    Raises UsageError as check_output does, ToolFailed where the system refuses (a full disk)."""

    def fill(descriptor: int) -> None:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)

    write_with(path, fill, force=force)


def write_with(path: Path, fill: Callable[[int], None], *, force: bool = False) -> None:
    """The same for content that `fill` writes into an open descriptor, so that it need not be held in memory."""
    check_output(path, force=force)
    beside = path.parent / f".{safe_name(path.name)}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(beside, flags, 0o600)
        try:
            try:
                fill(descriptor)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _take_name(beside, path, force=force)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise ToolFailed("the file could not be written", value=f"{path}: {error.strerror or error}") from error


def _try_folder(folder: Path) -> None:
    """Whether the folder takes files at all: /proc and /sys say that root may write. Nothing is left behind. What
    may pass until the work is done (a full disk, no descriptors) is no matter here."""
    flags = os.O_WRONLY | os.O_CLOEXEC
    probe = folder / f".{secrets.token_hex(16)}"
    try:
        try:
            os.close(os.open(folder, flags | os.O_TMPFILE, 0o600))  # it has no name, so nobody sees it
        except OSError as error:
            if error.errno not in _NO_UNNAMED_FILES:
                raise
            os.close(os.open(probe, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            os.unlink(probe)
    except OSError as error:
        if error.errno in _NEVER_WRITABLE:
            raise UsageError("no file can be written into this folder", value=folder) from error


def _take_name(beside: Path, path: Path, *, force: bool) -> None:
    if force:
        os.replace(beside, path)
        return
    try:
        os.link(beside, path, follow_symlinks=False)  # unlike a rename, this never overwrites
    except FileExistsError as error:
        raise UsageError("the file exists by now", value=path, hint="overwrite it with --force") from error
    except OSError:  # a file system without hard links
        check_output(path)
        os.replace(beside, path)
        return
    os.unlink(beside)
