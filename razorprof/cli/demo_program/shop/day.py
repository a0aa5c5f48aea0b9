"""The shop's day: how busy each part is now, and when it closes. Every thread asks it."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

_LONGEST_SLEEP = 0.5


class Phase(NamedTuple):
    """Shares of one core that a thread may use, and how many customers pay per second and till."""

    name: str
    pricing: float
    catalogue: float
    payments: float


# together never more than about 0.8 of a core
PHASES = (
    Phase("rush hour", pricing=0.60, catalogue=0.04, payments=40),
    Phase("stocktaking", pricing=0.12, catalogue=0.50, payments=5),
    Phase("quiet", pricing=0.12, catalogue=0.03, payments=10),
)


class Day:
    """Phases of `seconds` each, one after the other, until it is closed."""

    def __init__(self, seconds: float) -> None:
        self._opened = time.monotonic()
        self._seconds = seconds
        self._closed = threading.Event()

    def phase(self) -> Phase:
        """What it is now."""
        passed = time.monotonic() - self._opened
        return PHASES[int(passed / self._seconds) % len(PHASES)]

    def close(self) -> None:
        """Send everybody home."""
        self._closed.set()

    def closed(self, *, after: float = 0.0) -> bool:
        """Sleep for `after` seconds (short, so that the shop closes soon); then whether it is closed."""
        # a plain sleep, not a wait for the event: a lock that is waited for shall be the exception here
        time.sleep(min(after, _LONGEST_SLEEP))
        return self._closed.is_set()

    def wait_until_closed(self) -> None:
        """Wait for the end of the day: what a thread without work does."""
        self._closed.wait()


class Pace:
    """Holds one thread to a share of a core, by the CPU time that it has used itself."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._used = time.thread_time()

    def rest(self, share: float) -> None:
        """Sleep as long as the work since the last rest asks for."""
        now = time.thread_time()
        worked, self._used = now - self._used, now
        self._day.closed(after=worked * (1 / share - 1))
