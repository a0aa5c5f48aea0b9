"""Tells the person in front of the terminal: rings its bell and says a line on stderr. Needs a terminal there, and
nothing else that draws on it."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TextIO

from razorprof.clock import Clock
from razorprof.errors import NotSupported, TimedOut
from razorprof.model.notice import Notice
from razorprof.render.text import printable

_BELL = "\a"
_LONGEST = 160
_SAID = ("summary", "description", "message")


class Bell:
    """The notifier. stream: of the terminal; None: stderr, looked up when it is opened."""

    name: ClassVar[str] = "bell"
    options: ClassVar[Mapping[str, str]] = {}
    wants_repeats: ClassVar[bool] = False
    most: ClassVar[int] = 10

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def open(self, options: Mapping[str, str], clock: Clock) -> BellSender:
        """Raises NotSupported where there is no terminal."""
        stream = self._stream or sys.stderr
        if stream is None or not stream.isatty():
            raise NotSupported("no terminal to ring a bell on", value="stderr", hint="leave the bell out")
        return BellSender(_own_descriptor(stream.fileno()), stream.encoding or "utf-8", clock)


class BellSender:
    """Rings once for all that is told at once. descriptor: of the terminal, ours to close."""

    def __init__(self, descriptor: int, encoding: str, clock: Clock) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._clock = clock
        self._closed = False

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        """As Sender says. A terminal that was stopped (Ctrl-S) is waited for."""
        now = datetime.fromtimestamp(self._clock.time())
        text = _BELL + "".join(f"{now:%H:%M:%S} {line_of(notice)}\r\n" for notice in notices)
        try:
            self._write(text.encode(self._encoding, "backslashreplace"), timeout)
        except OSError as error:
            raise NotSupported("the terminal is gone", value=error.strerror) from error

    def close(self) -> None:
        """As Sender says."""
        if not self._closed:  # by then the number may be another file's
            self._closed = True
            os.close(self._descriptor)

    def _write(self, data: bytes, timeout: float) -> None:
        deadline = self._clock.monotonic() + timeout
        while data:
            left = max(0.0, deadline - self._clock.monotonic())
            if not select.select([], [self._descriptor], [], left)[1]:
                raise TimedOut("the terminal takes nothing", value="stderr", hint="Ctrl-Q lets it go on")
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._descriptor, data) :]


def line_of(notice: Notice) -> str:
    """One line about a notice: its state, its name, what it says, and the labels that tell it apart."""
    state = "RESOLVED" if notice.is_resolved else "FIRING"
    said = next((notice.annotations[name] for name in _SAID if notice.annotations.get(name)), "")
    labels = ", ".join(f"{name}={value}" for name, value in notice.labels.items() if name != "alertname")
    parts = (notice.labels.get("alertname", ""), f"({labels})" if labels else "", f"- {said}" if said else "")
    return " ".join([state, *(printable(part)[:_LONGEST] for part in parts if part)])


def _own_descriptor(terminal: int) -> int:
    """One that never blocks: opened anew, because not to block is a property that all who share one would have."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # a terminal of another container has no name here
        return os.dup(terminal)
