"""What a call does besides computing: files that it writes, programs that it starts, connections, signals.

By an audit hook (sys.addaudithook), which cannot be taken away again and hence only looks while a call is watched.
Files that the import system caches are not counted. What C code does by itself no hook sees.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEEDS = {
    **dict.fromkeys(("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink"), "changes files"),
    **dict.fromkeys(("os.chmod", "os.chown", "os.truncate", "shutil.rmtree", "os.setxattr"), "changes files"),
    **dict.fromkeys(("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"), "starts a program"),
    **dict.fromkeys(("socket.connect", "socket.bind", "socket.sendto"), "uses the network"),
    **dict.fromkeys(("os.kill", "os.killpg", "signal.pthread_kill"), "sends a signal"),
}
_watched = threading.local()
_installed: list[bool] = []


@contextmanager
def watching() -> Iterator[list[str]]:
    """The deeds of this thread meanwhile, in words."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_see)
    deeds: list[str] = []
    _watched.deeds = deeds
    try:
        yield deeds
    finally:
        _watched.deeds = None


def watched_call(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """The result of a call, and its deeds."""
    with watching() as deeds:
        return call(), deeds


def _see(event: str, arguments: tuple[Any, ...]) -> None:
    deeds = getattr(_watched, "deeds", None)
    if deeds is None or len(deeds) >= 20:
        return
    first = str(arguments[0]) if arguments else ""
    if "__pycache__" in first:
        return
    if event == "open":
        _, mode, flags = arguments
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (mode is None and flags & _WRITING):
            deeds.append(f"writes {first[:100]}")
    elif event in _DEEDS and not (event == "os.kill" and arguments[1:] == (0,)):
        deeds.append(f"{_DEEDS[event]} ({event} {first[:100]})")
