"""How often a dear read may be done, so that its cost stays a fixed small share of the time.

For the readers of this package; time is given, never asked for.
"""

from __future__ import annotations


class Pace:
    """Allows a read every `shortest` seconds, less often when it is dear: cost / `share`, at most `longest`."""

    def __init__(self, *, shortest: float, longest: float, share: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._share = share
        self._due: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether it may be done now (monotonic seconds). The first time always."""
        return self._due is None or now >= self._due

    def done(self, now: float, cost: float) -> None:
        """It was done, begun at `now`, and took `cost` seconds."""
        self._due = now + min(self._longest, max(self._shortest, cost / self._share))
