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
class GcPause:
    """One time that the program stood still for a collector. end: Unix seconds; seconds: how long."""

    end: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CollectorGc:
    """A collector that works in cycles: Go's, or one of a JVM's. Counters are totals since the process started;
    None is not known.

    collections: cycles that ended; forced: those of them that the program asked for; seconds: time that the
    program stood still for it (a collector that works beside the program costs more: see GcState.cpu_ratio);
    pauses: those that ended since the look before, or the newest ones, oldest first; lost: how many more there
    were that nobody saw; last_end: Unix seconds.
    """

    name: str
    collections: int | None
    seconds: float | None = None
    seconds_quality: Quality = Quality.EXACT
    forced: int | None = None
    pauses: tuple[GcPause, ...] = ()
    lost: int = 0
    last_end: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryPool:
    """A part of a heap, in bytes. max is None where it has no bound, the others where they are not known."""

    name: str
    used: int | None
    committed: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class GcFigure:
    """One more figure of a collector: what it aims at or how it is set (heap goal, GOGC, memory limit).

    name: words for a person, one of a kind; unit: bytes, seconds, ratio, percent or empty for a count; value is
    None where `reason` says why.
    """

    name: str
    value: float | None
    unit: str = ""
    quality: Quality = Quality.EXACT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GcState:
    """The collectors of a target at one time: of CPython by interpreter, of other runtimes by cycles and pools.

    cpu_ratio: share of the CPU time that is available to the program which collecting took since it started.
    """

    time: float
    interpreters: tuple[InterpreterGc, ...] = ()
    collectors: tuple[CollectorGc, ...] = ()
    pools: tuple[MemoryPool, ...] = ()
    figures: tuple[GcFigure, ...] = ()
    cpu_ratio: float | None = None
