"""What py-spy's words on standard output tell of a window: whether it has begun, its rounds and its errors.

Pure; for the stack feed and for one-shot recordings. The words are those of py-spy 0.4.3.
"""

from __future__ import annotations

import re

from razorprof.profilers.pace import Plan
from razorprof.profilers.pyspy import rounds_of

_BANNER = b"Sampling process"
_COUNTS = re.compile(rb"Samples: (\d+) Errors: (\d+)")
_BEHIND = re.compile(rb"(\d+(?:\.\d+)?)s behind in sampling")


def has_begun(words: bytes) -> bool:
    """Whether it samples: interrupted before, it would die with nothing to show."""
    return _BANNER in words


def count_errors(words: bytes) -> int:
    """Looks that failed, as it counts them itself."""
    counts = _COUNTS.search(words)
    return int(counts[2]) if counts else 0


def count_rounds(plan: Plan, seconds: float, words: bytes) -> int:
    """Rounds of a window: known when it ended by itself, else estimated from its length less its lag."""
    planned = rounds_of(plan.rate_hz, plan.seconds)
    if b"Stopped sampling because" not in words:
        return planned
    behind = _BEHIND.findall(words)
    lag = float(behind[-1]) if behind else 0.0
    return max(1, min(planned, round(plan.rate_hz * max(0.0, seconds - lag))))
