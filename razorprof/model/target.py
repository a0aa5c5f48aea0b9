"""What is looked at: a process, identified so that a reused pid can never be mistaken for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Identity(NamedTuple):
    """Who a process is: its pid and its start time in clock ticks since boot (proc(5), stat field 22)."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Target:
    """A process to look at.

    name: short name for titles and the default `job` (untrusted text); started: Unix seconds;
    selector: what the user wrote to find it; parent: pid of the root target when found by --children; host: the
    machine, where it is told beside those of others (in recordings of several), else empty.
    """

    identity: Identity
    name: str
    started: float = 0.0
    selector: str = ""
    job: str = ""
    parent: int | None = None
    host: str = ""

    @property
    def pid(self) -> int:
        return self.identity.pid


class Life(StrEnum):
    ALIVE = "alive"
    STOPPED = "stopped"
    GONE = "gone"
