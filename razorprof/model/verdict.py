"""What limits a process now: a split of thread time, and the one word that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Limit(StrEnum):
    """What a process can be limited by. `cpu` is used where Python and native code cannot be told apart."""

    PYTHON = "python"
    NATIVE = "native"
    CPU = "cpu"
    GIL = "gil"
    GC = "gc"
    LOCK = "lock"
    IO = "io"
    THROTTLED = "throttled"
    PAGING = "paging"
    RUN_QUEUE = "run_queue"
    IDLE = "idle"
    STOPPED = "stopped"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A figure that backs a verdict: what, how much (ratio 0..1 or a plain number) and where it is from."""

    what: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """limit: the answer; share: of wall time, 0..1 (None when unclear); words: one line for people, without
    untrusted text unless escaped by the printer; split: thread-seconds per second spent in each; evidence:
    the figures behind it; seconds: how long a window it rests on."""

    limit: Limit
    share: float | None
    words: str
    split: dict[Limit, float] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    seconds: float = 0.0
