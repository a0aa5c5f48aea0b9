"""State of a garbage collector, as structured values; flat metrics are derived from them by one function."""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.model.metric import Quality


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of CPython's collector. Counters are totals since the interpreter started."""

    generation: int
    count: int
    threshold: int
    collections: int
    collected: int
    uncollectable: int


@dataclass(frozen=True, slots=True)
class InterpreterGc:
    """The collector of one interpreter. `generations` is None where the process has only one collector for
    all interpreters and this is not the first (Python 3.8). gc_seconds is None until it could be told."""

    id: int
    enabled: bool | None
    collecting: bool | None
    frozen: int | None
    garbage: int | None
    generations: tuple[Generation, ...] | None
    gc_seconds: float | None = None
    gc_seconds_quality: Quality = Quality.ESTIMATED


@dataclass(frozen=True, slots=True)
class GcState:
    """The collectors of a target at one time."""

    time: float
    interpreters: tuple[InterpreterGc, ...]
