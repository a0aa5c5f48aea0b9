"""Stays with one process until it ends, and then tells how it ended: exit status, OOM kills, last memory.

The session holds one for each target: `look` at every tick, `tell` once it is gone. It gathers; the words
are analysis.ending's.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from razorprof.analysis.ending import describe_ending
from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError, TargetGone
from razorprof.model.ending import ExitInfo, LastMemory, OomKills, OomScope
from razorprof.model.target import Identity
from razorprof.remote.cgroup import ContainerView, host_oom_kills
from razorprof.remote.pidfd import ProcessHandle
from razorprof.remote.process import PROC, ProcessView

# A kill is counted when it is decided, and a large process takes seconds to die of it: counters are compared
# with the ones so long ago, not with those of the last look.
_SECONDS_TO_DIE = 10.0
_DEAR_EVERY = 10.0  # seconds between looks at the limit and at the machine's counter, which cost the most
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Counts:
    time: float
    container: int | None
    host: int | None


class EndWitness:
    """Watches `identity`. Raises TargetGone when it is gone already; where no pidfd can be had it still watches,
    and the end has a reason in place of a status. Owned by one thread; close it."""

    def __init__(self, identity: Identity, *, clock: Clock | None = None, proc: Path = PROC) -> None:
        self._identity = identity
        self._clock = clock or SystemClock()
        self._proc = proc
        self._view = ProcessView(identity.pid, proc=proc)
        self._container = ContainerView(self._view)
        self._handle: ProcessHandle | None = None
        self._reason = ""
        self._counts: deque[_Counts] = deque()
        self._memory: LastMemory | None = None
        self._limit: int | None = None
        self._host: int | None = None
        self._dear_due: float | None = None
        try:
            self._handle = ProcessHandle(identity, proc=proc)
        except TargetGone:
            raise
        except RazorprofError as error:
            self._reason = str(error)
        self.look()

    def look(self) -> None:
        """Remember memory and counters of now (some 60 µs); silent when the process is gone."""
        now = self._clock.monotonic()
        try:
            stat = self._view.stat()
            if stat.start_ticks != self._identity.start_ticks or stat.has_ended:
                return
            if self._dear_due is None or now >= self._dear_due:
                self._dear_due = now + _DEAR_EVERY
                self._limit = self._container.memory_limit()
                self._host = host_oom_kills(self._proc)
            if stat.resident_pages:  # none any more while it exits: keep what it had before
                self._memory = LastMemory(float(stat.resident_pages * _PAGE), self._limit)
            self._counts.append(_Counts(now, self._container.oom_kills(), self._host))
        except RazorprofError:
            return
        while len(self._counts) > 2 and self._counts[1].time <= now - _SECONDS_TO_DIE:
            self._counts.popleft()

    def has_ended(self, timeout: float = 0.0) -> bool:
        """Whether it ended, waiting at most `timeout` seconds (not at all where no pidfd could be had)."""
        if self._handle is not None:
            return self._handle.has_ended(timeout)
        return not self._view.is_same(self._identity)

    def exit_info(self) -> ExitInfo:
        """Exit code or signal, or why they are not known."""
        return ExitInfo(reason=self._reason) if self._handle is None else self._handle.exit_info()

    def oom_kills(self) -> OomKills | None:
        """By how much OOM kills rose of late: in its container; on the machine where it has none."""
        if not self._counts:
            return None
        before = self._counts[0]
        try:
            container = self._container.oom_kills()
        except RazorprofError:
            container = None  # the group went with the process
        if before.container is not None and container is not None:
            return OomKills(max(0, container - before.container))
        host = host_oom_kills(self._proc)
        if before.host is None or host is None:
            return None
        return OomKills(max(0, host - before.host), OomScope.HOST)

    def tell(self) -> str:
        """One line on its end, for people; free of untrusted text."""
        return describe_ending(self.exit_info(), self.oom_kills(), self._memory)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
