"""What the tests of the process and cgroup sources share: a child that obeys, real v1 groups, another user.

Not for other rooms: tests/live_targets.py starts programs on every Python.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from razorprof.model.target import Target
from razorprof.remote.process import ProcessView

AS_NOBODY = (
    *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--inh-caps=-all", "--bounding-set=-all"),
)
TIMEOUT = 60.0

_OBEY = """
import sys
sys.stdout.write("ready\\n"); sys.stdout.flush()
for line in iter(sys.stdin.readline, ""):
    exec(line)
    sys.stdout.write("done\\n"); sys.stdout.flush()
"""


class Obedient:
    """A Python child that runs the lines it is told, one after the other, and ends when its stdin closes."""

    def __init__(self, *prefix: str) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", _OBEY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        assert self._answer() == "ready"
        self.view = ProcessView(self.pid)
        self.target = Target(self.view.identity, "obedient")

    def tell(self, line: str) -> None:
        """Send a line and do not wait for it: it may kill the child."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def do(self, line: str) -> None:
        """Send a line and wait until it was done."""
        self.tell(line)
        assert self._answer() == "done"

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def wait_until(is_true: Callable[[], bool], timeout: float = TIMEOUT) -> None:
    """Wait for something to become true; AssertionError if it does not."""
    deadline = time.monotonic() + timeout
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.01)


def v1_group(controller: str) -> Iterator[Path]:
    """A new v1 group, taken away again; skips where the machine has none or does not let us make one."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [
        line.split()[4]
        for line in mounts
        if " - cgroup cgroup " in line and controller in line.rsplit(" ", 1)[1].split(",")
    ]
    if not points:
        pytest.skip(f"no cgroup v1 hierarchy of {controller} is mounted")
    folder = Path(points[0]) / f"razorprof-test-{uuid.uuid4().hex[:12]}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"may not make a cgroup of {controller}: {error.strerror}")
    try:
        yield folder
    finally:
        remove_group(folder)


def remove_group(folder: Path) -> None:
    """Take a group away; its processes have ended, but the kernel may take a moment to let go of them."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            assert time.monotonic() < deadline, f"cannot remove {folder}"
            time.sleep(0.05)


def skip_unless_other_users_can_run() -> None:
    """Skip where no process of another user can be started from here."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to start a process of another user")
    answer = subprocess.run(
        [*AS_NOBODY, sys.executable, "-c", "import psutil"], capture_output=True, timeout=TIMEOUT
    )
    if answer.returncode != 0:
        pytest.skip("another user may not run this Python")
