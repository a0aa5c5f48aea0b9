"""Threads of a live CPython that wait for each other in a circle, looked for all the time at a small fixed cost.

Called by the locks source with each of its reads. A circle can consist only of threads that wait without a
time-out and have not run for a while: as long as these are the same nothing is read but /proc, and the search for
their locks in the target's memory is done again only when others have joined them. Nothing is stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from razorprof.analysis.deadlocks import judge
from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.model.threads import Deadlock
from razorprof.remote.process import ProcessView
from razorprof.remote.syscalls import syscall_names
from razorprof.remote.tasks import TaskStat
from razorprof.runtimes.cpython.allocator_watch import is_swapped
from razorprof.runtimes.cpython.attach import Attachment, attach
from razorprof.runtimes.cpython.thread_dump_locks import FutexWait, LockLook, asleep, futex_waits

_log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds without running after which a wait is looked into
SHARE = 0.005  # of one core, for looking into waits
MOST_WAITS = 1000  # that are looked into, half a second of CPU time
MOST_THREADS = 500  # of more, the owners of plain locks are not looked for: 50 ms of CPU time
_SHORTEST = 1.0
_LONGEST = 120.0
# Seconds of CPU time, four times that of wall time at most; twice as long after one that was cut short.
_FIRST_SEARCH, _LONGEST_SEARCH = 0.25, 0.5
_SWAPPED = "memory of the process is swapped out: a search for its locks would fetch it back"
_TOO_MANY = f"owners of plain locks are not looked for among more than {MOST_THREADS} threads"
_NO_IDS = "which threads are Python's cannot be told"


@dataclass(frozen=True, slots=True)
class Circles:
    """deadlocks: what was found; reason: why there may be others that were not, empty where there are none;
    plain_reason: why there may be others of plain locks."""

    deadlocks: tuple[Deadlock, ...] = ()
    reason: str = ""
    plain_reason: str = ""


class LastingWaits:
    """Which waits without a time-out have lasted: their threads have not run for `patience` seconds."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._since: dict[int, tuple[object, float]] = {}

    def update(
        self, tasks: Sequence[TaskStat], waits: Mapping[int, FutexWait], now: float
    ) -> dict[int, FutexWait]:
        """The lasting ones by native id. now: monotonic seconds."""
        since: dict[int, tuple[object, float]] = {}
        for task in tasks:
            wait = waits.get(task.tid)
            if wait is not None and not wait.timed:
                state = (wait, task.start_ticks, task.run_seconds, task.user_seconds, task.system_seconds)
                before = self._since.get(task.tid)
                since[task.tid] = before if before is not None and before[0] == state else (state, now)
        self._since = since
        return {tid: waits[tid] for tid, (_, begun) in since.items() if now - begun >= self._patience}


class DeadlockWatch:
    """Watches one process. Not for two threads at once; close it."""

    def __init__(
        self,
        view: ProcessView,
        version: tuple[int, int] | None,
        clock: Clock,
        *,
        attach_to: Callable[[ProcessView], Attachment] = attach,
        patience: float = PATIENCE,
    ) -> None:
        self._view = view
        self._version = version
        self._clock = clock
        self._attach = attach_to
        self._lasting = LastingWaits(patience)
        self._futex = next((n for n, name in syscall_names().items() if name == "futex"), -1)
        self._attachment: Attachment | None = None
        self._locks: LockLook | None = None
        self._judged: Mapping[int, FutexWait] = {}
        self._found = Circles()
        self._due = float("-inf")
        self._search_seconds = _FIRST_SEARCH

    def look(self, tasks: Sequence[TaskStat], again: Callable[[], Sequence[TaskStat]]) -> Circles:
        """The circles now. tasks: with their system calls, just read; again: reads them once more. Raises
        TargetGone and PermissionDenied where `again` does."""
        now = self._clock.monotonic()
        lasting = self._lasting.update(tasks, futex_waits(tasks, self._futex, ()), now)
        if not lasting:
            self._judged, self._found = {}, Circles()
        elif lasting != self._judged and now >= self._due:
            began = time.thread_time()
            self._found = self._judge(lasting, tasks, again)
            self._judged = lasting if not self._found.reason else {}
            cost = time.thread_time() - began
            self._due = now + min(_LONGEST, max(_SHORTEST, cost / SHARE))
        # a thread that went on was in no deadlock: what was said of it does not come back with its next wait
        going_on = tuple(one for one in self._found.deadlocks if lasting.keys() >= set(one.threads))
        self._found = replace(self._found, deadlocks=going_on)
        return self._found

    def close(self) -> None:
        """Let go of the target's memory."""
        attachment, self._attachment, self._locks = self._attachment, None, None
        if attachment is not None:
            attachment.close()

    def _judge(
        self, lasting: Mapping[int, FutexWait], tasks: Sequence[TaskStat], again: Callable[[], Sequence[TaskStat]]
    ) -> Circles:
        try:
            locks = self._attached()
            python = locks.python_threads()
            if not python:
                return Circles(reason=_NO_IDS)
            waits = {tid: wait for tid, wait in lasting.items() if tid in python}
            if len(waits) > MOST_WAITS:
                return Circles(reason=f"{len(waits)} threads wait for locks, which are too many to look into")
            if is_swapped(self._view):
                return Circles(reason=_SWAPPED)
            locks.search(waits, self._search_seconds, _spent())
            cycles = locks.circles(waits, most_threads=MOST_THREADS)
        except (RazorprofError, OSError) as error:
            _log.debug("the locks could not be looked at: %s", error)
            self.close()
            return Circles(reason=f"the locks could not be looked at: {error}")
        longer = min(_LONGEST_SEARCH, 2 * self._search_seconds)
        self._search_seconds = longer if locks.reason else _FIRST_SEARCH
        still = asleep(tasks, again()) if cycles else set()
        kept = [cycle for cycle in cycles if all(link.waiter in still for link in cycle)]
        too_many = _TOO_MANY if len(python) > MOST_THREADS else ""
        return Circles(tuple(judge(cycle, {}) for cycle in kept), locks.reason, too_many)

    def _attached(self) -> LockLook:
        if self._locks is None:
            self._attachment = self._attach(self._view)
            self._locks = LockLook(self._attachment, self._version)
        return self._locks


def _spent() -> Callable[[], float]:
    """A clock of the CPU time that this thread has used from now on, or of a quarter of the time if that is more:
    on a crowded machine little gets done in a second."""
    cpu, wall = time.thread_time(), time.monotonic()
    return lambda: max(time.thread_time() - cpu, (time.monotonic() - wall) / 4)
