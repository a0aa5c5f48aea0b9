"""A folder that others must not look into, and that is removed even when razorprof is killed (SIGKILL, SIGQUIT).

For what passes through files on its way: memray's recordings and reports. A small process, the keeper, makes the
folder, waits for the end of a pipe that only razorprof holds, and removes it; it is in a session of its own, so
that Ctrl-C does not reach it.
"""

from __future__ import annotations

import contextlib
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from razorprof.errors import ToolFailed

_PATIENCE = 10.0
# What still writes into it (a reader, the guard's copy) ends with razorprof, a moment later perhaps.
_CODE = """
import os, shutil, signal, sys, time
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP):
    signal.signal(number, signal.SIG_IGN)
path = os.path.join(sys.argv[1], "razorprof-" + os.urandom(12).hex())
os.mkdir(path, 0o700)
try:
    os.write(1, os.fsencode(path))
    os.close(1)
    os.read(0, 1)
finally:
    for _ in range(100):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            break
        time.sleep(0.1)
"""


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder, mode 0700, gone with the context or with razorprof. Raises ToolFailed."""
    try:
        parent = tempfile.gettempdir()
        keeper = _start_keeper(parent)
        path = _made_by(keeper) or Path(tempfile.mkdtemp(prefix="razorprof-", dir=parent))
    except OSError as error:
        raise ToolFailed("cannot make a folder for temporary files", value=error) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                keeper.wait(2.0)


def _start_keeper(parent: str) -> subprocess.Popen[bytes] | None:
    """None where no process can be started: the folder then goes with the context only."""
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CODE, parent],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    except OSError:
        return None


def _made_by(keeper: subprocess.Popen[bytes] | None) -> Path | None:
    """The folder that it made; None where it did not in time."""
    if keeper is None or keeper.stdout is None:
        return None
    with keeper.stdout as said:
        poll = select.poll()
        poll.register(said, select.POLLIN | select.POLLHUP)
        if not poll.poll(_PATIENCE * 1000):
            return None
        path = said.read()  # it closes it once the path is written
    return Path(path.decode(sys.getfilesystemencoding(), "surrogateescape")) if path else None
