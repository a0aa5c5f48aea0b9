"""The source "threads" of a JVM: every thread with its name, state and CPU share, by the kernel's figures.

Java stacks are not in it: they take a thread dump, hence a signal and the user's consent (thread_dump). Opened by
the session through the jvm runtime.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from razorprof.clock import Clock
from razorprof.errors import TargetGone
from razorprof.model.metric import Metric
from razorprof.model.scrape import Reading
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump
from razorprof.plugin.protocols import SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskRates, TaskReader
from razorprof.remote.waits import WaitReader
from razorprof_jvm.kernel_threads import describe

NO_STACKS = "Java stacks take a thread dump: razorprof threads {pid} --allow signal"


class ThreadsSource:
    """Source "threads"."""

    name: ClassVar[str] = "threads"
    focused_only: ClassVar[bool] = True  # some 20 us a thread
    metrics: ClassVar[tuple[Metric, ...]] = ()

    def open(self, target: Target, options: SourceOptions) -> ThreadsReader:
        """Raises TargetGone."""
        return ThreadsReader(target, options.clock)


class ThreadsReader:
    """Reads the threads of one process. Owned by one thread."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._view = ProcessView(target.pid)
        self._check()
        self._tasks = TaskReader(self._view)
        self._rates = TaskRates()
        self._waits = WaitReader(self._view, clock=clock)

    def read(self) -> Iterable[Reading]:
        """One ThreadDump without stacks. Raises TargetGone, PermissionDenied."""
        self._check()
        tasks = self._tasks.read(with_syscalls=True)
        rates = self._rates.update(tasks, self._clock.monotonic())
        self._waits.start_look()
        threads = tuple(describe(task, rates.get(task.tid), self._waits.describe(task)) for task in tasks)
        return (
            ThreadDump(
                self._clock.time(), threads, stacks_reason=NO_STACKS.format(pid=self._target.pid), has_gil=False
            ),
        )

    def close(self) -> None:
        """Let go of the target."""
        self._tasks.close()

    def _check(self) -> None:
        if not self._view.is_same(self._target.identity):
            raise TargetGone("no such process", value=self._target.pid)
