"""python_asyncio_tasks at the rate that it deserves: counted again after a multiple of what it took.

Called by figures. The lists are proven in the target before they are followed, and as long as they are not, there
is a reason instead of a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from razorprof.clock import Clock
from razorprof.model.metric import Sample
from razorprof.remote.memory import UnreadableMemory
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter
from razorprof.runtimes.cpython.asyncio_tasks import UncountableTasks, count_tasks, tasks_failure
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.metrics import ASYNCIO_TASKS

_COST = 300  # counted again after at least this many times what it took: 0.3 % of a core
_FAILED_SECONDS = 5.0  # tried again after this where it failed
_FAILURES = 3  # counts that fail before the last figure is given up


class AsyncioWatch:
    """Watches the tasks of one attached CPython. reason: why there is no figure, empty where there is one."""

    def __init__(self, attachment: Attachment, clock: Clock) -> None:
        self._memory = attachment.memory
        self._layout = attachment.calibrated.layout
        self._clock = clock
        self._proven = False
        self._due = clock.monotonic()
        self._tasks: int | None = None
        self._failures = 0
        self.reason = "told from Python 3.14 on" if self._layout.tasks is None else "not counted yet"

    def samples(self, interpreters: Sequence[Interpreter]) -> Iterator[Sample]:
        """Pending tasks as of the last count. Raises AddressSpaceGone."""
        if self._layout.tasks is None:
            return
        begun = self._clock.monotonic()
        if begun >= self._due:
            counted = self._count(interpreters)
            now = self._clock.monotonic()
            self._due = now + max((now - begun) * _COST, 0.0 if counted else _FAILED_SECONDS)
        if self._tasks is not None:
            yield Sample(ASYNCIO_TASKS, self._tasks)

    def _count(self, interpreters: Sequence[Interpreter]) -> bool:
        try:
            if not self._proven:
                self.reason = tasks_failure(self._memory, interpreters, self._layout)
                self._proven = not self.reason
                if not self._proven:
                    return False
            self._tasks = count_tasks(self._memory, interpreters, self._layout).tasks
        except (UncountableTasks, CorruptState, UnreadableMemory) as error:
            self._failures += 1
            if self._tasks is None or self._failures >= _FAILURES:
                self._tasks, self.reason = None, str(error)
            return False
        self._failures, self.reason = 0, ""
        return True
