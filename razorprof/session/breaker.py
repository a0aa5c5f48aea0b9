"""A circuit breaker: an endpoint that failed again and again is left alone for a while, then tried once.

Used by session.delivery, one for each endpoint.
"""

from __future__ import annotations


class Breaker:
    """threshold: failures in a row that open it; seconds: for how long. Times are monotonic seconds, given."""

    __slots__ = ("_failures", "_seconds", "_threshold", "_until")

    def __init__(self, threshold: int, seconds: float) -> None:
        self._threshold = threshold
        self._seconds = seconds
        self._failures = 0
        self._until: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the endpoint counts as broken: open, or half open and to be probed once."""
        return self._until is not None

    def wait(self, now: float) -> float:
        """Seconds until the endpoint may be tried, 0 where it may now."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def succeeded(self) -> None:
        """It answered."""
        self._failures = 0
        self._until = None

    def failed(self, now: float) -> None:
        """It did not. A probe that fails opens it for as long again."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._until = now + self._seconds
