"""The source "locks": how many threads of a CPython are deadlocked, told while it runs.

Opened by the session through the cpython runtime, for each target: unlike the threads source it needs no stacks.
Which threads wait for what, and why, is told by a one-shot thread dump.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from razorprof.analysis.deadlocks import CONFIRMED, SUSPECTED
from razorprof.clock import Clock
from razorprof.errors import TargetGone
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample, gauge
from razorprof.model.scrape import Reading
from razorprof.model.target import Identity, Target
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskReader, TaskStat
from razorprof.runtimes.cpython.deadlock_watch import PATIENCE, DeadlockWatch
from razorprof.runtimes.cpython.thread_dump_locks import why_no_owners

DEADLOCKED = gauge(
    "python_deadlocked_threads",
    "",
    "Threads that wait for each other in a circle: confirmed, or suspected where a lock does not name its owner.",
    "confidence",
)
_SERIES = {confidence: Labels(confidence=confidence) for confidence in (CONFIRMED, SUSPECTED)}
_SHORTEST_REST, _LONGEST_REST = 2.0, 20.0  # seconds between two reads
_SHARE = 0.002  # of one core, for looking at the threads


class LocksSource:
    """Deadlocks of a CPython process. version: (major, minor) where known."""

    name: ClassVar[str] = "locks"
    metrics: ClassVar[tuple[Metric, ...]] = (DEADLOCKED,)

    def __init__(self, version: tuple[int, int] | None = None, *, patience: float = PATIENCE) -> None:
        self._version = version
        self._patience = patience

    def open(self, target: Target, options: SourceOptions) -> LocksReader:
        """Raises TargetGone."""
        view = ProcessView(target.pid)
        if not view.is_same(target.identity):
            raise TargetGone("no such process", value=target.pid, hint="list what is there with: razorprof ps")
        return LocksReader(target.identity, view, self._version, options.clock, patience=self._patience)


class LocksReader:
    """Reads one process. `rest`: seconds until another read is worth its cost."""

    def __init__(
        self,
        identity: Identity,
        view: ProcessView,
        version: tuple[int, int] | None,
        clock: Clock,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._identity = identity
        self._view = view
        self._never = why_no_owners(version)
        self._tasks = TaskReader(view)
        self._watch = DeadlockWatch(view, version, clock, patience=patience)
        self.rest = _SHORTEST_REST
        self.reasons: Mapping[str, str] = {}

    def read(self) -> Iterable[Reading]:
        """The number of threads by confidence; nothing, with a reason, where it cannot be told. Some 50 us a
        thread, and up to two seconds when locks have to be searched for."""
        if not self._view.is_same(self._identity):
            raise TargetGone("no such process", value=self._identity.pid)
        if self._never:
            self.reasons, self.rest = {DEADLOCKED.name: self._never}, _LONGEST_REST
            return ()
        began = time.thread_time()
        tasks = self._read_tasks()
        self.rest = min(_LONGEST_REST, max(_SHORTEST_REST, (time.thread_time() - began) / _SHARE))
        circles = self._watch.look(tasks, self._read_tasks)
        blind = _why_blind(tasks) or circles.reason
        reasons = {CONFIRMED: blind, SUSPECTED: blind or circles.plain_reason}
        self.reasons = {DEADLOCKED.name: reasons[SUSPECTED]} if reasons[SUSPECTED] else {}
        counts: Counter[str] = Counter()
        for one in circles.deadlocks:
            counts[one.confidence] += len(one.threads)
        return [
            Sample(DEADLOCKED, float(counts[confidence]), labels)
            for confidence, labels in _SERIES.items()
            if counts[confidence] or not reasons[confidence]
        ]

    def close(self) -> None:
        """Let go of the target."""
        self._tasks.close()
        self._watch.close()

    def _read_tasks(self) -> Sequence[TaskStat]:
        return self._tasks.read(with_syscalls=True)


def _why_blind(tasks: Sequence[TaskStat]) -> str:
    """Why no thread's system call was seen, where some thread sleeps in one; empty where they can be seen."""
    asleep = [task for task in tasks if task.state in "SD"]
    if not asleep or any(task.syscall is not None for task in asleep):
        return ""
    return asleep[0].syscall_reason
