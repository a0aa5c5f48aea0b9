"""A folder that others must not look into, and that is removed even when razorprof is killed (SIGKILL, SIGQUIT).

For what passes through files on its way: memray's recordings and reports. A small process waits for the end of a
pipe that only razorprof holds, and then removes the folder; it is in a session of its own, so that Ctrl-C does not
reach it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from razorprof.errors import ToolFailed

# What still writes into it (a reader, the guard's copy) ends with razorprof, a moment later perhaps.
_CODE = """
import os, shutil, signal, sys, time
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP):
    signal.signal(number, signal.SIG_IGN)
sys.stdin.buffer.read()
for _ in range(100):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    if not os.path.lexists(sys.argv[1]):
        break
    time.sleep(0.1)
"""


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder, mode 0700, gone with the context or with razorprof. Raises ToolFailed."""
    try:
        path = Path(tempfile.mkdtemp(prefix="razorprof-"))
    except OSError as error:
        raise ToolFailed("cannot make a folder for temporary files", value=error) from error
    keeper = None
    try:
        keeper = _start_keeper(path)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                keeper.wait(2.0)


def _start_keeper(path: Path) -> subprocess.Popen[bytes] | None:
    """None where no process can be started: the folder then goes with the context only."""
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CODE, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    except OSError:
        return None
