"""Why a metric of the gc source is missing from a read that gave others.

Called by figures after each read; the session shows it in place of the figure. What the parts know themselves
(allocator, tasks) is theirs; this is what follows from the version and the layout.
"""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.runtimes.cpython.metrics import (
    FROZEN,
    GARBAGE,
    GIL_HELD,
    GIL_LATE,
    GIL_SWITCHES,
    GIL_WAITERS,
    PAUSE,
)

FROM_3_15 = "single collections are told from Python 3.15 on"


def missing_figures(gc: GcState, gil: GilState, *, exact: bool, gil_reason: str, looks: str) -> Mapping[str, str]:
    """Metric -> why it is missing. exact: the target records its collections; gil_reason: why its lock cannot be
    read, empty where it can; looks: what ended the looks at it, empty while they go on."""
    found = {} if exact else {PAUSE.name: FROM_3_15}
    collectors = [part for part in gc.interpreters if part.generations is not None]
    if any(part.frozen is None for part in collectors):
        found[FROZEN.name] = "the frozen objects are still being counted, or they change or are too many"
    if any(part.garbage is None for part in collectors):
        found[GARBAGE.name] = "an interpreter has no gc.garbage yet"
    if not gil.gils:
        reason = gil_reason or "no interpreter has a GIL"
        return found | dict.fromkeys((GIL_HELD.name, GIL_LATE.name, GIL_WAITERS.name, GIL_SWITCHES.name), reason)
    if any(lock.held_ratio is None for lock in gil.gils):
        found |= dict.fromkeys((GIL_HELD.name, GIL_LATE.name), looks or "not looked at often enough yet")
    if any(lock.mean_waiters is None for lock in gil.gils):
        found[GIL_WAITERS.name] = gil.reason or looks or "not looked at often enough yet"
    return found
