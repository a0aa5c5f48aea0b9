"""How often the stack feed looks, and for how long a window lasts: the rate follows what a look costs.

Pure; used by the feed alone. A look at the target costs about 0.1 ms a thread plus 10 us a frame, so the same rate
is cheap on one program and dear on another; the budget is a share of one core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Shares of a 10 s window spread by sqrt(p (1 - p) / looks): 1.0 points at 250 Hz, 1.6 at 100 Hz (p = 60 %).
SLOWEST_HZ, FASTEST_HZ = 10, 250
QUIET_HZ = 25  # where next to nothing runs, there is little to see; once something does, the rate doubles a window
_QUIET = 0.05  # stacks a round
SLOWEST_UNDER_PRESSURE_HZ = 2  # where even 10 Hz would break the budget, and there is no cheaper way to look
FIRST_SECONDS = 0.55
_FIRST_RANGE = (10, 50)
_FIRST_LOOKS = 400  # thread looks a second in the first window
_WINDOW_SECONDS = 2
_LONGEST_WINDOW_SECONDS = 10
_FIXED_COST = 0.012  # CPU seconds of starting py-spy and of finding the interpreter
_FIXED_SHARE = 3.0  # the fixed cost may take this part of the budget: windows of a small budget are longer
_SMOOTHING = 0.5
_STEEPEST = 2.0  # a rate grows at most by this factor from window to window: one cheap window proves little


@dataclass(frozen=True, slots=True)
class Plan:
    """One window: it ends by itself after rate_hz * seconds - 1 rounds, or is stopped after `stop_after`.

    The sampler spaces its looks at random (so that nothing periodic in the target is missed or doubled), hence
    a window of N rounds lasts `seconds` give or take a few tenths.
    """

    rate_hz: int
    seconds: int
    stop_after: float
    is_cut: bool = False


class Pace:
    """Plans windows and learns from what they cost."""

    def __init__(self, *, budget: float, threads: int, rate_hz: float | None = None) -> None:
        self._fixed = None if rate_hz is None else max(1, round(rate_hz))
        self._budget = max(0.002, budget)
        self._rate = self._fixed or _clamp(_FIRST_LOOKS // max(1, threads), *_FIRST_RANGE)
        self._seconds = _clamp(
            math.ceil(_FIXED_COST * _FIXED_SHARE / self._budget), _WINDOW_SECONDS, _LONGEST_WINDOW_SECONDS
        )
        self._round_cost: float | None = None
        self._is_first = True

    def plan(self) -> Plan:
        """The next window."""
        if self._is_first:
            return Plan(self._rate, 1, FIRST_SECONDS, is_cut=True)
        expected, looks = self._seconds, self._rate * self._seconds
        spread = expected / math.sqrt(looks)
        return Plan(self._rate, self._seconds, expected + 4 * spread + 1.0)

    @property
    def is_too_dear(self) -> bool:
        """Whether even the slowest sensible rate breaks the budget: the feed then looks in a cheaper way."""
        return (
            self._fixed is None
            and self._round_cost is not None
            and self._affordable(self._round_cost) < SLOWEST_HZ
        )

    def forget(self) -> None:
        """The way to look has changed, and with it the cost."""
        self._round_cost = None
        if self._fixed is None:
            self._rate = _FIRST_RANGE[0]

    def learn(self, *, rounds: float, cost_seconds: float, seen: int | None = None) -> None:
        """What the last window cost, and how many stacks it saw (None: not known)."""
        self._is_first = False
        if rounds < 1:
            return
        cost = max(0.0, cost_seconds - _FIXED_COST) / rounds
        before = self._round_cost
        self._round_cost = cost if before is None else before + _SMOOTHING * (cost - before)
        if self._fixed is None:
            self._rate = self._next_rate(self._round_cost)
            if seen is not None and seen < rounds * _QUIET:
                self._rate = min(self._rate, QUIET_HZ)

    def _next_rate(self, round_cost: float) -> int:
        affordable = self._affordable(round_cost)
        rate = _clamp(int(min(affordable, self._rate * _STEEPEST, FASTEST_HZ)), 0, FASTEST_HZ)
        if rate >= SLOWEST_HZ or affordable >= SLOWEST_HZ:
            return max(rate, SLOWEST_HZ)
        return max(rate, SLOWEST_UNDER_PRESSURE_HZ)

    def _affordable(self, round_cost: float) -> float:
        allowed = self._budget * self._seconds - _FIXED_COST
        return allowed / (round_cost * self._seconds) if round_cost > 0 else FASTEST_HZ


def _clamp(value: int, lowest: int, highest: int) -> int:
    return max(lowest, min(highest, value))
