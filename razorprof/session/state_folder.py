"""The folder in which a long-lived command keeps over a restart what must not be lost: private, locked, never half
written.

One file of JSON here (what the alerts were, and what was told of them); captures and their ledger lie beside it
and are session.alert_captures' business. Opened by the command watch, written by session.alert_state.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from razorprof.errors import PermissionDenied, ToolFailed, UsageError
from razorprof.session.state_file import StateFile, state_home

_FILE, _LOCK = "alerts.json", "lock"
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_CHOOSE = "choose a folder of your own with --state"


def default_folder(texts: Sequence[str]) -> Path:
    """Where the state of a watch over these TARGETs is kept: each set of them has a folder of its own, under
    $XDG_STATE_HOME or ~/.local/state. Raises UsageError where nobody has a home."""
    whole = hashlib.sha256(json.dumps(sorted(texts)).encode()).hexdigest()[:8]
    readable = _NOT_IN_A_NAME.sub("-", "-".join(sorted(texts)).lower()).strip("-")[:40].rstrip("-")
    return state_home() / "razorprof" / "watch" / f"{readable or 'targets'}-{whole}"


class StateFolder:
    """Made where it is not there, mode 0700, and locked until `close`: two that share it would undo each other's
    work. Raises UsageError where it is somebody else's or in use, ToolFailed where it cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = StateFile(path / _FILE)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.mkdir(exist_ok=True, mode=0o700)
            _refuse_if_others_may_write(path)
            self._lock = _locked(path / _LOCK)
        except PermissionError as error:
            hint = f"it must be yours and writable; {_CHOOSE}"
            raise PermissionDenied("no permission for the state folder", value=path, hint=hint) from error
        except FileExistsError as error:
            raise UsageError("the state folder is no folder", value=path, hint=_CHOOSE) from error
        except OSError as error:
            value = f"{path}: {error.strerror or error}"
            raise ToolFailed("the state folder cannot be used", value=value, hint=_CHOOSE) from error

    def read(self) -> Any | None:
        """What was written last; None where there is nothing. What is damaged is set aside, with a warning."""
        return self._file.read()

    def set_aside(self, why: str) -> None:
        """Keep what cannot be used under another name, for whoever wants to look at it."""
        self._file.set_aside(why)

    def write(self, document: Any) -> str:
        """Write it as one piece. Why it could not be, empty where it worked."""
        return self._file.write(document)

    def close(self) -> None:
        """Let others use it."""
        os.close(self._lock)


def _refuse_if_others_may_write(path: Path) -> None:
    status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            "the state folder may be written by others", value=path, hint=f"chmod 700 it, or {_CHOOSE}"
        )


def _locked(path: Path) -> int:
    """The lock, held for as long as the descriptor is open. Inside stands who holds it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        who = f"{path.parent}: pid {holder}" if holder.isdigit() else path.parent
        hint = "end that one first, or give this one a folder of its own with --state"
        raise UsageError("another watch uses this state folder", value=who, hint=hint) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
