"""A token bucket: so many at once, and so many a second in the long run.

Used by session.delivery per endpoint, and by session.notice_queue per alert.
"""

from __future__ import annotations

_WHOLE = 1 - 1e-9  # of a token, after adding up fractions


class TokenBucket:
    """burst: how many it holds; it begins full. Times are monotonic seconds, given."""

    __slots__ = ("_burst", "_per_second", "_time", "_tokens")

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = burst
        self._time = 0.0

    def wait(self, now: float) -> float:
        """Seconds until there is a token, 0 where there is one."""
        self._fill(now)
        return 0.0 if self._tokens >= _WHOLE else (1 - self._tokens) / self._per_second

    def take(self, now: float) -> None:
        """Take one, though there may be none: the next one then takes longer."""
        self._fill(now)
        self._tokens -= 1

    def is_full(self, now: float) -> bool:
        self._fill(now)
        return self._tokens >= self._burst

    def _fill(self, now: float) -> None:
        if now > self._time:
            self._tokens = min(self._burst, self._tokens + (now - self._time) * self._per_second)
            self._time = now
