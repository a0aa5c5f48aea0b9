"""What one evaluation may cost, and the account that is kept while it runs.

The engine makes a Budget for each evaluation; selectors and the evaluator charge what they hold and ask, between
two pieces of work, whether time is left. Nothing here is shared between evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.clock import Clock, SystemClock
from razorprof.errors import TimedOut
from razorprof.query.errors import QueryTooLarge


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults are those of Prometheus, except series. look_back and subquery_step are milliseconds.

    delayed_names: names are removed at the end of an evaluation and not where an operation drops them, as
    Prometheus does with the feature flag promql-delayed-name-removal, and in its own tests.
    """

    steps: int = 11_000
    samples: int = 50_000_000
    series: int = 200_000
    seconds: float = 120.0
    look_back: int = 5 * 60 * 1000
    subquery_step: int = 60 * 1000
    delayed_names: bool = False


DEFAULT_LIMITS = Limits()


class Budget:
    """The account of one evaluation."""

    def __init__(self, limits: Limits, clock: Clock | None = None) -> None:
        self.limits = limits
        self._clock = clock or SystemClock()
        self._deadline = self._clock.monotonic() + limits.seconds
        self._loaded = 0

    def load(self, samples: int) -> None:
        """Count samples that stay until `release`."""
        self.hold(samples)
        self._loaded += samples

    def release(self, samples: int) -> None:
        """Samples counted by `load` are let go of."""
        self._loaded -= samples

    def hold(self, samples: int) -> None:
        """Whether this many more may be held for a while."""
        if self._loaded + samples > self.limits.samples:
            raise QueryTooLarge(
                "query processing would load too many samples into memory",
                value=f"more than {self.limits.samples}",
                hint="select fewer series or a shorter time, or raise --max-samples",
            )

    def check_series(self, count: int) -> None:
        if count > self.limits.series:
            raise QueryTooLarge(
                "too many series", value=f"more than {self.limits.series}", hint="select fewer series"
            )

    def check_time(self) -> None:
        """Raise TimedOut once the evaluation has taken too long."""
        if self._clock.monotonic() > self._deadline:
            raise TimedOut(
                "query timed out",
                value=f"after {self.limits.seconds:g} s",
                hint="select fewer series, a shorter time or a longer step",
            )
