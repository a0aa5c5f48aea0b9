"""Collectors that work in cycles, memory pools and what a collector aims at, as rows and words.

Of every runtime that is not CPython. What is not known is a dash or the reason, never a 0. For the command gc,
the GC screen and a bundle's report, which lay the same cells out in their own way.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.model.gc import CollectorGc, GcFigure, GcPause, GcState
from razorprof.model.metric import Quality
from razorprof.render import figures
from razorprof.render.text import printable

COLLECTOR_TITLES = ("COLLECTOR", "COLLECTIONS", "PER S", "FORCED", "STOPPED", "OF TIME", "LAST PAUSE", "LONGEST")
POOL_TITLES = ("POOL", "USED", "COMMITTED", "MAX", "FULL")
MOST_COLLECTORS, MOST_POOLS, MOST_FIGURES = 16, 64, 32


def collector_rows(now: GcState, before: GcState | None = None) -> list[tuple[str, ...]]:
    """A row for each collector under COLLECTOR_TITLES. before: an earlier state, for rates."""
    earlier = {one.name: one for one in before.collectors} if before is not None else {}
    seconds = now.time - before.time if before is not None else 0.0
    return [_row(one, earlier.get(one.name), seconds) for one in now.collectors[:MOST_COLLECTORS]]


def pool_rows(now: GcState) -> list[tuple[str, ...]]:
    """A row for each pool under POOL_TITLES."""
    return [
        (
            printable(pool.name)[:60],
            figures.size(pool.used),
            figures.size(pool.committed),
            "no limit" if pool.max is None else figures.size(pool.max),
            figures.percent(pool.used / pool.max) if pool.used is not None and pool.max else figures.NOTHING,
        )
        for pool in now.pools[:MOST_POOLS]
    ]


def collector_facts(now: GcState) -> list[str]:
    """What else is known, in words: shares, aims and settings, lost pauses."""
    facts = []
    if now.cpu_ratio is not None:
        facts.append(f"{figures.percent(now.cpu_ratio, 2)} of the CPU time since it started went into collecting")
    lost = sum(one.lost for one in now.collectors)
    if lost:
        facts.append(
            f"{figures.count(lost)} pauses are known by their sum only: overwritten before they were seen"
        )
    return [*facts, *(_figure(figure) for figure in now.figures[:MOST_FIGURES])]


def knows_cycles(state: GcState | None) -> bool:
    """Whether there is anything to show here."""
    return state is not None and bool(state.collectors or state.pools or state.figures)


def _row(one: CollectorGc, before: CollectorGc | None, seconds: float) -> tuple[str, ...]:
    per_second = stopped = None
    if before is not None and seconds > 0:
        if one.collections is not None and before.collections is not None:
            per_second = max(0, one.collections - before.collections) / seconds
        if one.seconds is not None and before.seconds is not None:
            stopped = min(1.0, max(0.0, one.seconds - before.seconds) / seconds)
    about = "" if one.seconds_quality is Quality.EXACT else "~"
    return (
        printable(one.name)[:60],
        _whole(one.collections),
        figures.NOTHING if per_second is None else f"{per_second:.2f}/s",
        _whole(one.forced),
        figures.duration(one.seconds) if one.seconds is None else about + figures.duration(one.seconds),
        figures.percent(stopped, 2),
        figures.duration(one.pauses[-1].seconds if one.pauses else None),
        figures.duration(_longest(one.pauses)),
    )


def _longest(pauses: Sequence[GcPause]) -> float | None:
    return max((pause.seconds for pause in pauses), default=None)


def _figure(figure: GcFigure) -> str:
    name = printable(figure.name)[:60]
    if figure.value is None:
        return f"{name}: not known" + (f" ({printable(figure.reason)[:200]})" if figure.reason else "")
    about = "" if figure.quality is Quality.EXACT else f" ({figure.quality.value})"
    shown = f"{figure.value:g} %" if figure.unit == "percent" else figures.in_unit(figure.value, figure.unit)
    return f"{name} {shown}{about}"


def _whole(count: int | None) -> str:
    return figures.NOTHING if count is None else str(count)
