"""When a figure deserves a look (yellow, !) or action (red, !!). The only place that holds these limits.

The help screen prints this table, so that a colour never needs guessing. Rules that a user writes are another
matter: they live in alerting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """The three meanings of colour. Each has a mark, because colour alone says nothing to some."""

    FINE = 0
    LOOK = 1
    ACT = 2

    @property
    def mark(self) -> str:
        return ("", "!", "!!")[self]


@dataclass(frozen=True, slots=True)
class Threshold:
    """From `look` on a figure is yellow, from `act` on red. `unit` is ratio, ratio_per_minute or empty."""

    key: str
    what: str
    look: float
    act: float
    unit: str = "ratio"


THRESHOLDS = {
    limit.key: limit
    for limit in (
        Threshold("gc_time", "time spent collecting garbage", 0.05, 0.15),
        Threshold("gil_waiters", "threads waiting for the GIL", 1, 3, ""),
        Threshold("limit_used", "memory in use of the container's limit", 0.80, 0.95),
        Threshold("growth", "growth of resident memory in a minute, of what it is", 0.01, 0.10),
        Threshold("swap_used", "swapped memory, of the resident", 0.05, 0.25),
        Threshold("fds_used", "descriptors open, of the limit", 0.70, 0.90),
        Threshold("throttled", "time throttled by the container", 0.01, 0.10),
        Threshold("pressure", "time stalled for want of CPU, memory or I/O", 0.10, 0.40),
        Threshold("run_delay", "threads that wait for a free CPU, summed", 0.50, 2.0),
        Threshold("faults_major", "page faults read from disk, a second", 10, 100, ""),
        Threshold("oom", "processes killed for want of memory", 1, 1, ""),
        Threshold("deviation", "distance from the sibling workers (robust z)", 3.5, 7, ""),
        Threshold("own_cost", "CPU that razorprof itself uses, of one core", 0.10, 0.25),
        Threshold("stopped", "time in which the target was stopped by us", 0.005, 0.05),
        Threshold("sampling_errors", "looks at the stacks that failed", 0.10, 0.50),
        Threshold("age", "age of the figures, in intervals", 3, 10, ""),
    )
}


def level(key: str, value: float | None) -> Level:
    """What a value of the figure `key` means; what is unknown is FINE, as it says nothing."""
    if value is None:
        return Level.FINE
    limit = THRESHOLDS[key]
    if value >= limit.act:
        return Level.ACT
    return Level.LOOK if value >= limit.look else Level.FINE
