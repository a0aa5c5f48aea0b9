"""Observations made by hand: a calm Python 3.13 over ten seconds, and whatever a test changes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from razorprof.analysis.advice_observation import Observation, Trend
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.metric import Quality

SECONDS = 10.0
START = 1_700_000_000.0
MIB = 1 << 20


def trend(growth: float, *, first: float = 100.0 * MIB, points: int = 11) -> Trend:
    """A gauge that grows evenly over the ten seconds."""
    last = points - 1
    return Trend(tuple((START + SECONDS * n / last, first + growth * n / last) for n in range(points)))


def interpreter(
    *,
    collections: Sequence[int] = (0, 0, 0),
    collected: Sequence[int] = (0, 0, 0),
    uncollectable: int = 0,
    thresholds: Sequence[int] = (2000, 10, 10),
    pending: int = 0,
    seconds: float | None = 0.0,
    enabled: bool = True,
    frozen: int | None = 0,
    garbage: int | None = 0,
    exact: bool = False,
) -> InterpreterGc:
    """A collector at the end of the observation; at its start all counts were 0 (see `observed`)."""
    generations = tuple(
        Generation(number, pending if number == 0 else 0, thresholds[number], collections[number],
                   collected[number], uncollectable if number == 2 else 0)
        for number in range(3)
    )  # fmt: skip
    quality = Quality.EXACT if exact else Quality.ESTIMATED
    return InterpreterGc(0, enabled, False, frozen, garbage, generations, seconds, quality)


def observed(now: InterpreterGc | None = None, before: InterpreterGc | None = None, **changes: Any) -> Observation:
    """Ten seconds that ended with `now` and began with `before` (by default the same settings, counts of 0)."""
    end = now or interpreter()
    start = before or replace(
        interpreter(thresholds=[g.threshold for g in end.generations or ()]),
        enabled=end.enabled,
        frozen=end.frozen,
        gc_seconds=None if end.gc_seconds is None else 0.0,
    )
    plain = Observation(
        pid=1234,
        seconds=SECONDS,
        version=(3, 13, 0),
        before=GcState(START, (start,)),
        now=GcState(START + SECONDS, (end,)),
        cpu=0.1,
        gil_held=0.1,
        gil_waiters=0.0,
        gil_switches=20,
        threads=2,
        resident=trend(0.0),
        arenas=trend(0.0),
        blocks=trend(0.0, first=10_000.0),
    )
    return replace(plain, **changes)
