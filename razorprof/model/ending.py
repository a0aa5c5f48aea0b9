"""How a process ended, as far as the kernel tells it. Made by remote.pidfd, put into words by analysis.ending."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ExitInfo:
    """An exit code or a signal; where neither is known, `reason` says why.

    core_dumped: the kernel wrote (or handed on) a core dump.
    """

    code: int | None = None
    signal: int | None = None
    core_dumped: bool = False
    reason: str = ""

    @property
    def is_known(self) -> bool:
        return self.code is not None or self.signal is not None


class OomScope(StrEnum):
    """Whose counter of OOM kills was compared: the container's own, or the whole machine's."""

    CONTAINER = "container"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class OomKills:
    """By how much a counter of OOM kills rose since the last look at the living process."""

    more: int
    scope: OomScope = OomScope.CONTAINER


@dataclass(frozen=True, slots=True)
class LastMemory:
    """Memory at the last look: resident of the process, limit in force (None: no limit, or not known)."""

    resident_bytes: float
    limit_bytes: float | None = None
