"""A one-shot dump of a CPython's threads: what the kernel, the target's memory and py-spy say of one moment.

Called by CPython.dump_threads. The kernel's looks (thread_moment) come before py-spy's, which may stop the target
for some milliseconds and break its waits; what joins them (thread_dump_join) is loaded while py-spy is at work.
Live views are the threads source's business (threads).
"""

from __future__ import annotations

from razorprof.clock import Clock, SystemClock
from razorprof.errors import TargetGone
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump
from razorprof.plugin.captures import ThreadsRequest, Watch
from razorprof.profilers.supervisor import SharedSupervisor, shared_supervisor
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskReader
from razorprof.runtimes.cpython.thread_dump_stacks import StackDump
from razorprof.runtimes.cpython.thread_moment import ThreadMoment


def dump_threads(
    target: Target,
    version: tuple[int, int] | None,
    request: ThreadsRequest,
    watch: Watch,
    *,
    supervisor: SharedSupervisor = shared_supervisor,
    clock: Clock | None = None,
) -> ThreadDump:
    """All threads at one moment, 60 to 400 ms. Raises TargetGone, PermissionDenied.

    Where only the stacks or only the memory cannot be had, the rest comes with the reason.
    """
    clock = clock or SystemClock()
    view = ProcessView(target.pid)
    if not view.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    reader = TaskReader(view)
    try:
        stacks = StackDump(view, request, supervisor, clock)
        try:
            moment = ThreadMoment(view, reader, clock)
            try:
                from razorprof.runtimes.cpython.thread_dump_join import ThreadDumpJoin

                return ThreadDumpJoin(target, view, reader, stacks, clock, moment).take(version, request, watch)
            finally:
                moment.close()
        finally:
            stacks.close()
    finally:
        reader.close()
