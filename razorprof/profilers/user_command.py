"""A command of the user's, run within bounds: no shell, a time-out, a bounded output, and its whole group ended.

For captures of alerts and for notifiers. The command gets what it needs to know by environment variables: text of
a target or of a label never becomes an argument or a line that a shell reads.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from razorprof.errors import ToolFailed

MOST_OUTPUT = 1 << 20
_GRACE = 2.0  # between SIGTERM and SIGKILL
_LOOK = 0.1
_LONGEST_VALUE, _MOST_LABELS = 8192, 64
_MOST_BYTES = (
    512 << 10
)  # of what we add: execve(2) takes 128 KiB for one, and a quarter of the stack's limit in all
_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended. code: its exit code, None where a signal ended it; output: of both its streams, cut
    where is_cut; reason: why we ended it, empty where it ended by itself."""

    code: int | None
    signal: int | None
    output: bytes
    is_cut: bool
    reason: str
    seconds: float

    @property
    def words(self) -> str:
        """What went wrong, empty where nothing did."""
        if self.reason:
            return f"ended by razorprof: {self.reason}"
        if self.signal is not None:
            return f"ended by signal {self.signal}"
        return f"exit code {self.code}" if self.code else ""


def command_environment(
    values: Mapping[str, str], labels: Mapping[str, str], *, prefix: str = "RAZORPROF_"
) -> dict[str, str]:
    """Our own environment, less what systemd says to us alone, with `values` as PREFIX_NAME and labels as
    PREFIX_LABEL_name. Long texts are cut, and what would be too much for a program is left out."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    named = {f"LABEL_{_NOT_IN_A_NAME.sub('_', name)}": labels[name] for name in islice(labels, _MOST_LABELS)}
    left = _MOST_BYTES
    for name, value in {**values, **named}.items():
        text = value.replace("\0", "")[:_LONGEST_VALUE].encode("utf-8", "replace")
        left -= len(text)
        if left >= 0:
            environment[prefix + name] = text.decode()
    return environment


def run_command(
    argv: Sequence[str],
    environment: Mapping[str, str],
    timeout: float,
    *,
    enough: threading.Event | None = None,
    most_output: int = MOST_OUTPUT,
    given: bytes = b"",
) -> CommandEnd:
    """Run it and wait: until it ends, `timeout` seconds have passed or `enough` is set. In the root folder, in a
    session of its own. given: on its stdin. Raises ToolFailed where it cannot be started."""
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ToolFailed("the command could not be started", value=f"{argv[0]}: {why}") from error
    with process:
        running = _Running(process, most_output, given)
        try:
            reason = running.wait(began + timeout, enough)
            if reason:
                running.end()
        finally:
            running.close()
    if reason == "time-out":
        reason = f"not done after {timeout:g} s"
    returned = process.returncode
    return CommandEnd(
        code=returned if returned >= 0 else None,
        signal=-returned if returned < 0 else None,
        output=bytes(running.output),
        is_cut=running.is_cut,
        reason=reason,
        seconds=time.monotonic() - began,
    )


class _Running:
    """A command that was started. It is not waited for before `close`, so that its group stays its own."""

    def __init__(self, process: subprocess.Popen[bytes], most: int, given: bytes) -> None:
        self.output = bytearray()
        self.is_cut = False
        self._process = process
        self._most = most
        assert process.stdout is not None  # noqa: S101 - it was asked for
        self._pipe: int | None = process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._ended = os.pidfd_open(process.pid)
        self._poll = select.poll()
        self._poll.register(self._ended, select.POLLIN)
        self._poll.register(self._pipe, select.POLLIN)
        self._given = memoryview(given)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._poll.register(process.stdin.fileno(), select.POLLOUT)

    def wait(self, deadline: float, enough: threading.Event | None) -> str:
        """Until it ends by itself: then empty, else why it should be ended."""
        while not self._step():
            if enough is not None and enough.is_set():
                return "razorprof ends"
            if time.monotonic() >= deadline:
                return "time-out"
        return ""

    def end(self) -> None:
        """SIGTERM to the group, SIGKILL to what is left of it."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while not self._step() and time.monotonic() < deadline:
            pass
        self._signal(signal.SIGKILL)  # others of the group may live on although the first has ended

    def close(self) -> None:
        """Wait for it; whatever its children still say is not heard."""
        poll = select.poll()
        poll.register(self._ended, select.POLLIN)
        if not poll.poll(0):
            self._signal(signal.SIGKILL)
            poll.poll(_GRACE * 1000)
        os.close(self._ended)

    def _step(self) -> bool:
        """Read what there is, waiting a moment for it. Whether it has ended."""
        ready = dict(self._poll.poll(_LOOK * 1000))
        if self._pipe in ready:
            self._read()
        if self._process.stdin is not None and self._process.stdin.fileno() in ready:
            self._give(self._process.stdin)
        if self._ended not in ready:
            return False
        while self._pipe is not None and self._read():
            pass
        return True

    def _give(self, stdin: IO[bytes]) -> None:
        """A piece of its input. One that does not want to read is no failure."""
        try:
            self._given = self._given[os.write(stdin.fileno(), self._given[:65_536]) :]
        except BlockingIOError:
            return
        except OSError:
            self._given = self._given[:0]
        if not self._given:
            self._poll.unregister(stdin.fileno())
            stdin.close()
            self._process.stdin = None

    def _read(self) -> bool:
        """Whether there was something."""
        assert self._pipe is not None  # noqa: S101 - asked by whoever knows
        try:
            piece = os.read(self._pipe, 65_536)
        except BlockingIOError:
            return False
        if not piece:
            self._poll.unregister(self._pipe)
            self._pipe = None
            return False
        room = self._most - len(self.output)
        self.output += piece[:room]
        self.is_cut = self.is_cut or len(piece) > room
        return True

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:  # it has become another user's (set-uid)
            pass
