"""Whether sampling goes on: the session's thread beats once a tick. For health, and against stale pages."""

from __future__ import annotations

from razorprof.clock import Clock, SystemClock

LEAST_SECONDS = 15.0
MISSED_TICKS = 5.0


class Pulse:
    """Beaten by one thread, asked by any."""

    def __init__(self, interval: float, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._last = self._clock.monotonic()
        self._longest = max(LEAST_SECONDS, MISSED_TICKS * interval)

    def beat(self) -> None:
        """A tick was done."""
        self._last = self._clock.monotonic()

    def age(self) -> float:
        """Seconds since the last tick, or since the start."""
        return self._clock.monotonic() - self._last

    def has_stopped(self) -> bool:
        """Whether there was no tick for much longer than there should be."""
        return self.age() > self._longest
