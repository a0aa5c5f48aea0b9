"""Time, injected: whoever waits or stamps takes a Clock, so that tests own the time.

`time` is Unix seconds, `monotonic` seconds of a clock that never goes back. ManualClock is public because
plugin authors need it too (razorprof.testing exports it).
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back; only differences mean something."""

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Wait until `event` is set, at most `timeout` seconds. True if it is set."""


class SystemClock:
    """The machine's own clocks."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, timeout: float) -> bool:
        return event.wait(max(0.0, timeout))


class ManualClock:
    """A clock that moves only when told to, or when somebody waits on it."""

    def __init__(self, time: float = 1_700_000_000.0, monotonic: float = 1_000.0) -> None:
        self._time = time
        self._monotonic = monotonic

    def time(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks on by `seconds`."""
        self._time += seconds
        self._monotonic += seconds

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Do not wait: the time passes at once, unless `event` is already set."""
        if not event.is_set():
            self.advance(max(0.0, timeout))
        return event.is_set()
