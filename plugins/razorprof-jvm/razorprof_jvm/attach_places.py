"""The folders of a process for the files of HotSpot's attach protocol, and the file that asks for an answer.

Paths lead through /proc/PID/root and /proc/PID/cwd and no link, so that a container's are its own; the file is
made exclusively, is the process's user's, and is removed however it ends. For attach only.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.errors import PermissionDenied, ToolFailed
from razorprof.remote.namespaces import pid_in_own_namespace
from razorprof.remote.process import ProcessView

_LEFT_OVER = 60.0  # seconds: the JDK's tools wait for ten at most
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of the process, as descriptors. name: of its files, by its own pid; uid, gid: its effective ones."""

    tmp: int
    cwd: int | None
    name: str
    uid: int
    gid: int


@contextlib.contextmanager
def open_places(process: ProcessView) -> Iterator[Places]:
    """Open them for as long as the context lasts. Raises PermissionDenied, TargetGone, ToolFailed."""
    status = process.status()
    uid, gid = int(status["Uid"].split()[1]), int(status["Gid"].split()[1])
    with contextlib.ExitStack() as stack:

        def opened(path: str, folder: int | None = None, flags: int = 0) -> int:
            descriptor = os.open(path, _DIRECTORY | flags, dir_fd=folder)
            stack.callback(os.close, descriptor)
            return descriptor

        try:
            root = opened(f"{process.path}/root")
            tmp = opened("tmp", root, os.O_NOFOLLOW)  # a link would lead out of the process's root, into ours
        except PermissionError as error:
            raise PermissionDenied(
                "no permission to look into the process's folders",
                value=process.pid,
                hint=f"see why and what mends it with: razorprof doctor {process.pid}",
            ) from error
        except OSError as error:
            raise ToolFailed("the process's /tmp cannot be used", value=error.strerror) from error
        try:
            cwd: int | None = opened(f"{process.path}/cwd")
        except OSError:
            cwd = None
        yield Places(tmp, cwd, str(pid_in_own_namespace(process)), uid, gid)


@contextlib.contextmanager
def attach_file(process: ProcessView, places: Places) -> Iterator[None]:
    """The file by which HotSpot tells a request from a plain SIGQUIT: looked for in its working folder, then in
    /tmp. It must be its own user's (or root's, in newer ones)."""
    name = f".attach_pid{places.name}"
    folder = _create(process, places, name)
    try:
        yield
    finally:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)


def _existing(folder: int, name: str, uid: int) -> int | None:
    """Another tool's file serves as well, and is left to it; one that was left over is ours to remove."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        raise ToolFailed("another tool asks the JVM just now", value=name, hint="try again") from None
    if found.st_uid not in (0, uid):
        raise ToolFailed("another user's file keeps the JVM from answering", value=name, hint="remove it")
    return folder if time.time() - found.st_mtime > _LEFT_OVER else None


def _create(process: ProcessView, places: Places, name: str) -> int | None:
    """The folder that it was made in; None where somebody else's is there already."""
    failure: OSError | None = None
    for folder in (places.cwd, places.tmp):
        if folder is None:
            continue
        try:
            descriptor = os.open(
                name, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=folder
            )
        except FileExistsError:
            return _existing(folder, name, places.uid)
        except OSError as error:
            failure = error
            continue
        try:
            if os.fstat(descriptor).st_uid != places.uid:
                os.fchown(descriptor, places.uid, places.gid)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise PermissionDenied(
                "the JVM only answers to its own user",
                value=f"uid {places.uid}",
                hint=f"sudo -u '#{places.uid}' razorprof ...",
            ) from error
        finally:
            os.close(descriptor)
        return folder
    words = "no folder" if failure is None else os.strerror(failure.errno or errno.EIO)
    raise ToolFailed("no file can be made where the JVM looks for one", value=f"{process.pid}: {words}")
