"""One thread dump out of three looks: the kernel's and memory's (thread_moment) joined with py-spy's.

Called by thread_dump. A dump of which only the stacks or only the memory could be had still has the rest, with
the reason. How a thread is described is shared with the live source (thread_description).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from razorprof.analysis.stack_groups import group_threads
from razorprof.clock import Clock
from razorprof.errors import PermissionDenied, RazorprofError, TargetGone
from razorprof.model.frame import Frame
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump, ThreadInfo, ThreadState, WaitsOn
from razorprof.plugin.captures import ThreadsRequest, Watch
from razorprof.remote.process import ProcessView
from razorprof.remote.syscalls import syscall_names
from razorprof.remote.tasks import TaskRate, TaskRates, TaskReader, TaskStat
from razorprof.runtimes.cpython.anatomy import walk_interpreters
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.thread_description import describe_thread
from razorprof.runtimes.cpython.thread_dump_locks import FutexWait, LockLook, Resolved, futex_waits
from razorprof.runtimes.cpython.thread_dump_stacks import StackDump
from razorprof.runtimes.cpython.thread_dump_words import may_be_owned, what_is_awaited
from razorprof.runtimes.cpython.thread_moment import ThreadMoment

_SHORTEST_WINDOW = 0.04  # seconds between two looks from which CPU shares are told
_STOPPED = "the target is stopped: the kernel does not show what its threads wait for"


class ThreadDumpJoin:
    """One dump being joined."""

    def __init__(
        self,
        target: Target,
        view: ProcessView,
        reader: TaskReader,
        stacks: StackDump,
        clock: Clock,
        moment: ThreadMoment,
    ) -> None:
        self._target = target
        self._view = view
        self._reader = reader
        self._stacks = stacks
        self._clock = clock
        self._moment = moment
        self._futex = next((n for n, name in syscall_names().items() if name == "futex"), -1)

    def take(self, version: tuple[int, int] | None, request: ThreadsRequest, watch: Watch) -> ThreadDump:
        """Waits for the stacks. Raises TargetGone, PermissionDenied where there is nothing worth showing."""
        moment, tasks = self._moment, self._moment.tasks
        self._stacks.collect(watch)
        self._check()
        resolved = self._resolve(version, request, watch)
        pending, tasks_reason = _tasks(moment.attachment, moment.refusal)
        rates = self._rates()
        threads = tuple(self._describe(task, resolved.waits.get(task.tid), rates.get(task.tid)) for task in tasks)
        is_stopped = all(task.state in "Tt" for task in tasks)
        return ThreadDump(
            time=moment.time,
            threads=threads,
            stacks_reason=_reason(self._stacks.error),
            groups=group_threads(threads),
            deadlocks=resolved.deadlocks,
            locks_reason=_STOPPED if is_stopped else resolved.reason,
            tasks=pending,
            tasks_reason=tasks_reason,
            mode="blocking" if request.blocking or request.native else "nonblocking",
        )

    def _resolve(self, version: tuple[int, int] | None, request: ThreadsRequest, watch: Watch) -> Resolved:
        """Owners of the locks that are waited for, and circles."""
        attachment = self._moment.attachment
        if attachment is None:
            return Resolved({}, (), f"owners of locks are not told: {self._moment.refusal}")
        locks = LockLook(attachment, version)
        waits = futex_waits(self._moment.tasks, self._futex, self._moment.gils)
        waits = {tid: wait for tid, wait in waits.items() if self._may_be_owned(tid)}
        locks.search(waits, request.lock_seconds)
        return locks.resolve(waits, self._look, watch.enough.wait, self._names(self._moment.tasks))

    def _look(self) -> tuple[Sequence[TaskStat], Mapping[int, FutexWait]]:
        tasks = self._reader.read(with_syscalls=True)
        return tasks, futex_waits(tasks, self._futex, self._moment.gils)

    def _may_be_owned(self, tid: int) -> bool:
        python = self._stacks.threads.get(tid)
        return python is None or may_be_owned(python.frames)

    def _check(self) -> None:
        """Raise where there is nothing worth showing: the target is gone, or nobody may look into it."""
        if not self._view.is_same(self._target.identity):
            raise TargetGone("the process ended while it was looked at", value=self._target.pid)
        if isinstance(self._moment.refusal, PermissionDenied) and not self._stacks.threads:
            raise self._moment.refusal

    def _names(self, tasks: Sequence[TaskStat]) -> dict[int, str]:
        dumped = self._stacks.threads
        return {t.tid: (dumped[t.tid].name if t.tid in dumped else "") or t.comm for t in tasks}

    def _rates(self) -> Mapping[int, TaskRate]:
        rates = TaskRates()
        rates.update(self._moment.tasks, self._moment.monotonic)
        now = self._clock.monotonic()
        if now - self._moment.monotonic < _SHORTEST_WINDOW:
            return {}
        try:
            return rates.update(self._reader.read(), now)
        except TargetGone:
            return {}

    def _describe(self, task: TaskStat, resolved: WaitsOn | None, rate: TaskRate | None) -> ThreadInfo:
        holders, wait = self._moment.holders, self._moment.waits.get(task.tid)
        python = self._stacks.threads.get(task.tid)
        if wait is not None and wait.kind == "lock" and wait.address is not None:
            if any(wait.address in place for place in self._moment.gils):
                wait = replace(wait, kind="gil", what="the GIL")
            elif python is not None and resolved is None and (words := what_is_awaited(python.frames)):
                wait = replace(wait, what=words)
        info = describe_thread(task, python, 0.0 if python is not None else None, rate, wait, holders=holders)
        if resolved is not None:
            info = replace(info, waits_on=_with_words(resolved, python.frames if python is not None else ()))
        if python is not None and python.locals:
            info = replace(info, locals=python.locals)
        if holders is None and not self._stacks.threads:
            info = replace(info, holds_gil=None)
        if info.state is ThreadState.UNKNOWN and task.state == "S":
            info = replace(info, state=ThreadState.IDLE)
        return info


def _reason(error: RazorprofError | None) -> str:
    if error is None:
        return ""
    return f"{error}; {error.hint}" if error.hint else str(error)


def _with_words(wait: WaitsOn, frames: Sequence[Frame]) -> WaitsOn:
    """A plain lock that nobody seems to hold is most often the inside of a condition: the frames tell of what."""
    words = what_is_awaited(frames) if wait.kind == "lock" and wait.owner is None else ""
    return replace(wait, what=f"{words}, {wait.what}" if wait.what != "futex" else words) if words else wait


def _tasks(attachment: Attachment | None, refusal: RazorprofError | None) -> tuple[int | None, str]:
    """How many asyncio tasks are pending, or why that cannot be seen."""
    if attachment is None:
        return None, f"asyncio tasks are not told: {refusal}"
    memory, layout = attachment.memory, attachment.calibrated.layout
    if layout.tasks is None:
        return None, "asyncio tasks can be seen from outside from Python 3.14 on"
    from razorprof.runtimes.cpython.asyncio_tasks import count_tasks, tasks_failure

    try:
        interpreters = walk_interpreters(memory, attachment.runtime, layout)
        failure = tasks_failure(memory, interpreters, layout)
        return (None, failure) if failure else (count_tasks(memory, interpreters, layout).tasks, "")
    except (RazorprofError, OSError) as error:
        return None, str(error)
