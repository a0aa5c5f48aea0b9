"""State of a garbage collector, as structured values; flat metrics are derived from them by one function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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


class GoPause(NamedTuple):
    """All that one cycle of Go's collector stopped the program for, and when it ended (Unix seconds)."""

    end: float
    seconds: float


@dataclass(frozen=True, slots=True)
class GoGc:
    """Go's collector. Counters are totals since the program began; all are None where `reason` says why.

    forced: cycles that the program asked for itself; cpu_fraction: share of the available CPU since the beginning;
    pauses: the newest ones, oldest first; lost: pauses whose single lengths were overwritten before they were
    seen. What needs symbols of the binary is None without them (settings_reason): percent is GOGC (-1 where the
    collector is off), memory_limit GOMEMLIMIT in bytes (None too where there is none), live_bytes what the last
    cycle found to be live, allocated_bytes the total since the beginning (less what is being handed out just now).
    """

    collections: int | None
    forced: int | None = None
    pause_seconds_total: float | None = None
    cpu_fraction: float | None = None
    last_end: float | None = None
    pauses: tuple[GoPause, ...] = ()
    lost: int = 0
    percent: int | None = None
    memory_limit: int | None = None
    max_processors: int | None = None
    live_bytes: int | None = None
    allocated_bytes: int | None = None
    reason: str = ""
    settings_reason: str = ""


@dataclass(frozen=True, slots=True)
class GcState:
    """The collectors of a target at one time; interpreters are CPython's."""

    time: float
    interpreters: tuple[InterpreterGc, ...]
    go: GoGc | None = None
