"""Advice on garbage that is never freed: objects in gc.garbage, and a collector that is switched off.

Pure, called by analysis.advice. A collector that is off while nothing piles up is a choice, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from razorprof.analysis.advice_figures import exact, watch_gc, watch_metrics
from razorprof.analysis.advice_observation import Collector, Observation
from razorprof.analysis.advice_words import number, share, size
from razorprof.model.advice import Advice, Better, Check, Confidence

FEWEST_GARBAGE = 10  # new in gc.garbage: below it, somebody may just look at it
OLD_GARBAGE = 1000  # there already, though nothing is added now
FEWEST_PENDING = 2000  # more containers than before: below it, a program breathes
LEAST_GROWTH = 1 << 20  # bytes; a calm program's resident memory moves by less
_CONTAINER_BYTES = 56  # an empty list with its header: the least that a container takes


def kept_garbage(seen: Observation) -> Iterator[Advice]:
    """gc.garbage grows, or is large."""
    for collector in seen.collectors():
        garbage, before = collector.now.garbage, collector.before.garbage
        lost = collector.uncollectable()
        grown = 0 if garbage is None or before is None else garbage - before
        if lost >= 1 or grown >= FEWEST_GARBAGE or (garbage or 0) >= OLD_GARBAGE:
            yield _garbage(seen, collector, lost, grown)


def disabled_collector(seen: Observation) -> Iterator[Advice]:
    """It is off, nobody collects by hand, and containers pile up together with memory."""
    for collector in seen.collectors():
        resident = seen.resident
        is_off = collector.now.enabled is False and collector.before.enabled is False
        by_hand = any(collector.collections(number) for number in range(3))
        if not is_off or by_hand or resident is None:
            continue
        if (
            collector.pending_growth >= FEWEST_PENDING
            and resident.growth >= LEAST_GROWTH
            and resident.grows_steadily()
        ):
            yield _disabled(seen, collector, resident.growth)


def _garbage(seen: Observation, collector: Collector, lost: int, grown: int) -> Advice:
    garbage = collector.now.garbage
    figures = [exact("python_gc_objects_uncollectable_total, in this time", lost)]
    if garbage is not None:
        figures.insert(0, exact("python_gc_garbage_objects", garbage))
    saved = grown > lost
    if saved:
        reasoning = (
            f"gc.garbage grew by {number(grown)} objects in {seen.seconds:.0f} s, and {number(grown - lost)} of "
            "them could have been freed: gc.DEBUG_SAVEALL (part of gc.DEBUG_LEAK) keeps all that the collector "
            "finds. Every cycle of this process is a leak as long as that flag is set."
        )
        change = (
            "Take gc.set_debug(gc.DEBUG_SAVEALL or gc.DEBUG_LEAK) out, and clear what was kept: del gc.garbage[:]."
        )
    elif lost:
        reasoning = (
            f"{number(lost)} unreachable objects could not be freed in {seen.seconds:.0f} s. Since "
            "Python 3.4 __del__ "
            "does not do this any more; what is left are types of C extensions with the old destructor (tp_del) "
            "in a cycle. They stay in gc.garbage for ever, with all that they refer to."
        )
        change = (
            "See what they are, inside the process: collections.Counter(type(o) for o in gc.garbage). Break the "
            "cycle before the last reference goes (weakref, or an explicit close), or update the extension."
        )
    else:
        reasoning = (
            f"gc.garbage holds {number(garbage or 0)} objects that are never freed; none were added in these "
            f"{seen.seconds:.0f} s. They were put there by gc.DEBUG_SAVEALL, or are of C types with "
            "the old destructor."
        )
        change = "See what they are: collections.Counter(type(o) for o in gc.garbage); then del gc.garbage[:]."
    named = figures[0]
    return Advice(
        "uncollectable",
        f"Garbage is kept for ever: {number(garbage if garbage is not None else lost)} objects in gc.garbage",
        tuple(figures),
        reasoning,
        change,
        Check(named, Better.LOWER, watch_gc(seen)),
        Confidence.HIGH if lost or saved else Confidence.LOW,
    )


def _disabled(seen: Observation, collector: Collector, growth: float) -> Advice:
    pending = collector.pending_growth
    resident = exact("process_resident_memory_bytes, growth", growth, "bytes")
    ever = (collector.now.generations or ())[2].collections
    least = min(1.0, pending * _CONTAINER_BYTES / growth)
    return Advice(
        "gc-disabled",
        f"The garbage collector is off and memory grows by {size(growth / seen.seconds)} a second",
        (
            exact("python_gc_enabled", 0),
            exact('python_gc_pending{generation="0"}, growth', pending),
            resident,
        ),
        f"{number(pending)} more containers are alive than {seen.seconds:.0f} s ago (at least "
        f"{share(least)} of the "
        f"{size(growth)} that came), and nothing looks for cycles: gc.disable() was called. Objects in cycles "
        "(exceptions with tracebacks, closures, parents and children) are then never freed.",
        "gc.enable(), with a high first threshold if it was switched off for its cost: "
        "gc.set_threshold(50000, 20, 50). Or gc.collect() where nobody waits, for example between requests.",
        Check(resident, Better.LOWER, watch_metrics(seen)),
        Confidence.MEDIUM,
        "Only a collection can tell whether they are unreachable: if memory grows on after gc.enable(), they "
        "are still referred to." + (f" It was collected {number(ever)} times before." if ever else ""),
    )
