"""Advice: what an expert would say from the figures of some seconds, surest first.

Pure: takes an Observation, gives values of model.advice. Silent where too little was seen, and where a figure that
a piece of advice needs is not known: it never guesses. Called by the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from razorprof.analysis.advice_collector import collector_cost
from razorprof.analysis.advice_forks import freeze_before_fork
from razorprof.analysis.advice_garbage import disabled_collector, kept_garbage
from razorprof.analysis.advice_memory import growing_memory
from razorprof.analysis.advice_observation import Observation
from razorprof.analysis.advice_threads import bound_by_gil, waits_alone
from razorprof.model.advice import Advice, Confidence

ADVISERS: tuple[Callable[[Observation], Iterator[Advice]], ...] = (
    kept_garbage,
    disabled_collector,
    collector_cost,
    growing_memory,
    freeze_before_fork,
    bound_by_gil,
    waits_alone,
)

_ORDER = {Confidence.HIGH: 0, Confidence.MEDIUM: 1, Confidence.LOW: 2}


def advise(seen: Observation) -> tuple[Advice, ...]:
    """All advice that the figures bear out; empty when there is none, or when less than SHORTEST_SECONDS were
    seen."""
    if not seen.is_long_enough:
        return ()
    found = [advice for adviser in ADVISERS for advice in adviser(seen)]
    return tuple(sorted(found, key=lambda advice: _ORDER[advice.confidence]))
