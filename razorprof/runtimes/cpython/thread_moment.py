"""What the kernel and the target's memory say of all threads at one moment: the first half of a thread dump.

Called by thread_dump right after py-spy was started, and before the modules are loaded that join this with what
py-spy says: the looks are to lie close together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from razorprof.clock import Clock
from razorprof.errors import RazorprofError
from razorprof.model.threads import WaitsOn
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskReader, TaskStat
from razorprof.remote.waits import WaitReader
from razorprof.runtimes.cpython.attach import Attachment, attach
from razorprof.runtimes.cpython.gil_holders import look_at_holders


class ThreadMoment:
    """One look at all threads of a process. Close it.

    tasks: the kernel's figures; time, monotonic: when they were read, seconds; waits: what they wait for, by
    native id; attachment: the way into the target's memory, None where `refusal` says why; holders: native ids
    of the threads that hold a GIL, None where that cannot be told; gils: where the locks lie.
    """

    def __init__(self, view: ProcessView, reader: TaskReader, clock: Clock) -> None:
        """Raises TargetGone."""
        self.tasks: Sequence[TaskStat] = reader.read(with_syscalls=True)
        self.monotonic, self.time = clock.monotonic(), clock.time()
        self.attachment: Attachment | None = None
        self.refusal: RazorprofError | None = None
        self.gils: tuple[range, ...] = ()
        self.holders: frozenset[int] | None = None
        try:
            self._attach(view)
            looks = WaitReader(view, clock=clock, count_watched=True)
            looks.start_look()
            self.waits: Mapping[int, WaitsOn | None] = {task.tid: looks.describe(task) for task in self.tasks}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.attachment is not None:
            self.attachment.close()

    def _attach(self, view: ProcessView) -> None:
        try:
            self.attachment = attach(view)
        except RazorprofError as error:
            self.refusal = error
        else:
            self._look_at_gils(self.attachment)

    def _look_at_gils(self, attachment: Attachment) -> None:
        if attachment.calibrated.gil_reason or attachment.calibrated.threads_reason:
            return
        try:
            seen = look_at_holders(attachment)
        except (RazorprofError, OSError):  # an interpreter came or went just now, or the target ended
            return
        self.gils, self.holders = seen.locks, seen.holders
