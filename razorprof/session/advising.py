"""Whose advice it is: the runtime's that knows what its figures mean. For ``gc --advise`` and for bundles."""

from __future__ import annotations

from functools import partial

from razorprof.analysis.advice_observation import Observation
from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.advice import Advice
from razorprof.plugin.loading import Failure, guard, runtimes
from razorprof.plugin.protocols import Advises

MOST_ADVICE = 32


def need_adviser(runtime: str) -> Advises:
    """The runtime called so. Raises NotSupported where it knows no advice."""
    found = next((one for one in runtimes() if one.name == runtime), None)
    if not isinstance(found, Advises):
        raise NotSupported(
            "no advice is known for this runtime",
            value=runtime or "not recognised",
            hint="the figures themselves: razorprof gc PID",
        )
    return found


def advise(seen: Observation) -> tuple[Advice, ...]:
    """What its runtime advises. Raises NotSupported where it knows none, ToolFailed where its advice fails."""
    adviser = need_adviser(seen.runtime)
    made = guard(seen.runtime, partial(adviser.advise, seen))
    if isinstance(made, Failure):
        raise ToolFailed("the runtime's advice failed", value=f"{made.plugin}: {made.error}")
    advice: tuple[object, ...] = tuple(made)
    return tuple(one for one in advice if isinstance(one, Advice))[:MOST_ADVICE]
