"""Launch the user's program so that nothing of it changes: terminal, signals, descriptors, priority, exit code.

For session.launch_run. A small process in between (launch_process) forks it, so that its peak memory is its own,
and stays when razorprof dies. All three are in one process group: what the terminal sends reaches the program
directly.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import ToolFailed

NOT_FOUND, NOT_EXECUTABLE = 127, 126
_START_TIMEOUT = 30.0
_END_TIMEOUT = 3.0
_PROCESS = Path(__file__).with_name("launch_process.py")
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)  # our own interpreter does, not who started it


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program ended and what it used, with all of its processes that were waited for, orphans included.

    code: as a shell tells it (128+N for signal N); wall, cpu: seconds; floor_bytes: a peak that is not above it is
    that of the process that forked it."""

    code: int
    signal: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    floor_bytes: int


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The program could not be executed. code: 127 where there is none, 126 where it cannot be run."""

    code: int
    reason: str
    hint: str


class Launch:
    """One program. Made ready before it is started, so that what watches it can be ready too. One thread."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Raises ToolFailed. Call it before own priority is lowered or signals are blocked: both are inherited."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._argv = argv
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            command = [sys.executable, "-I", "-S", str(_PROCESS), str(theirs.fileno()), _ignored(), *argv]
            try:
                # close_fds: descriptors that our caller meant for the program reach it; ours are closed by exec
                self._process = subprocess.Popen(command, env=dict(environment), close_fds=False)
            except (OSError, ValueError) as error:
                ours.close()
                raise ToolFailed("cannot launch a program", value=error) from error
        self._peer = ours
        self._begun = 0.0
        self._floor = 0
        self.pid = 0
        self.stopped = False

    @property
    def parent(self) -> int:
        """The process in between: all processes of the program descend from it, orphans too."""
        return self._process.pid

    def go(self) -> NotStarted | None:
        """Start it. Raises ToolFailed where nothing comes of it."""
        self._peer.send(b"go")
        words = self._hear(_START_TIMEOUT)
        if words is None:
            raise ToolFailed("cannot launch a program", value="no answer", hint="is the machine out of memory?")
        verb, *rest = words
        if verb == "failed":
            return self._explain(int(rest[0]))
        self.pid, self._begun, self._floor = int(rest[0]), float(rest[1]), int(rest[2]) << 10
        return None

    def poll(self) -> Ended | None:
        """How it ended, if it has. Sets `stopped` where it was stopped since. Raises ToolFailed."""
        while (words := self._hear(0.0)) is not None:
            verb, *rest = words
            if verb == "stopped":
                self.stopped = True
            elif verb == "ended":
                code = os.waitstatus_to_exitcode(int(rest[0]))
                return Ended(
                    code=code if code >= 0 else 128 - code,
                    signal=-code if code < 0 else None,
                    wall_seconds=float(rest[3]) - self._begun,
                    cpu_seconds=float(rest[1]),
                    peak_bytes=int(rest[2]) << 10,
                    floor_bytes=self._floor,
                )
        return None

    def send_signal(self, number: int) -> None:
        """Pass a signal on. Nothing happens where it has ended."""
        try:
            self._peer.send(f"signal {number}".encode())
        except OSError:
            return

    def close(self) -> None:
        """Let go; a program that still runs goes on."""
        self._peer.close()
        try:
            self._process.wait(0.0 if self.pid else _END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.returncode = 0  # it stays with its program: no warning about a child left behind

    def _hear(self, timeout: float) -> list[str] | None:
        poll = select.poll()
        poll.register(self._peer, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return None
        words = self._peer.recv(256).decode().split()
        if not words:
            raise ToolFailed("the process that launched the program was killed", value=self._process.pid)
        return words

    def _explain(self, number: int) -> NotStarted:
        name = self._argv[0]
        # a script whose interpreter is not there gives the same error as one that is not there itself
        missing = number in (errno.ENOENT, errno.ENOTDIR) and not ("/" in name and os.path.exists(name))
        if missing:
            return NotStarted(NOT_FOUND, "the command was not found", "name a program on PATH, or its path")
        if "/" in name and os.path.isdir(name):
            return NotStarted(NOT_EXECUTABLE, "the command is a folder", "name a program in it")
        if number == errno.EACCES and "/" in name and os.path.isfile(name) and not os.access(name, os.X_OK):
            hint = "make it executable with chmod +x, or name its interpreter: python FILE"
            return NotStarted(NOT_EXECUTABLE, "the command cannot be executed: permission denied", hint)
        what = "its interpreter was not found" if number == errno.ENOENT else os.strerror(number).lower()
        hint = "is it a program for this machine, with an interpreter that is there?"
        return NotStarted(NOT_EXECUTABLE, f"the command cannot be executed: {what}", hint)


def _ignored() -> str:
    numbers = [n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]
    return ",".join(str(int(n)) for n in numbers if n not in _PYTHON_IGNORES)
