"""A one-shot dump of a CPython's threads: what the kernel, the target's memory and py-spy say of one moment.

Called by CPython.dump_threads. The kernel's looks come before py-spy's, which may stop the target for some
milliseconds and break its waits. Live views are the threads
source's business (threads), with which this shares how a thread is described.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from razorprof.analysis.stack_groups import group_threads
from razorprof.clock import Clock, SystemClock
from razorprof.errors import PermissionDenied, RazorprofError, TargetGone
from razorprof.model.frame import Frame
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump, ThreadInfo, ThreadState, WaitsOn
from razorprof.plugin.captures import ThreadsRequest, Watch
from razorprof.profilers.supervisor import SharedSupervisor, shared_supervisor
from razorprof.remote.process import ProcessView
from razorprof.remote.syscalls import syscall_names
from razorprof.remote.tasks import TaskRate, TaskRates, TaskReader, TaskStat
from razorprof.remote.waits import WaitReader
from razorprof.runtimes.cpython.anatomy import walk_interpreters
from razorprof.runtimes.cpython.asyncio_tasks import count_tasks, tasks_failure
from razorprof.runtimes.cpython.attach import Attachment, attach
from razorprof.runtimes.cpython.gil_holders import GilHolderLooks
from razorprof.runtimes.cpython.thread_dump_locks import FutexWait, LockLook, Resolved, futex_waits
from razorprof.runtimes.cpython.thread_dump_stacks import StackDump
from razorprof.runtimes.cpython.thread_dump_words import may_be_owned, what_is_awaited
from razorprof.runtimes.cpython.threads import describe_thread

_SHORTEST_WINDOW = 0.04  # seconds between two looks from which CPU shares are told
_STOPPED = "the target is stopped: the kernel does not show what its threads wait for"


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
            return _Dump(target, view, reader, stacks, clock).take(version, request, watch)
        finally:
            stacks.close()
    finally:
        reader.close()


class _Dump:
    """One dump being taken."""

    def __init__(
        self, target: Target, view: ProcessView, reader: TaskReader, stacks: StackDump, clock: Clock
    ) -> None:
        self._target = target
        self._view = view
        self._reader = reader
        self._stacks = stacks
        self._clock = clock
        self._futex = next((n for n, name in syscall_names().items() if name == "futex"), -1)
        self._gils: tuple[range, ...] = ()

    def take(self, version: tuple[int, int] | None, request: ThreadsRequest, watch: Watch) -> ThreadDump:
        tasks = self._reader.read(with_syscalls=True)
        began, time = self._clock.monotonic(), self._clock.time()
        holders = self._look_at_gil()
        waits = WaitReader(self._view, clock=self._clock, count_watched=True)
        waits.start_look()
        said = {task.tid: waits.describe(task) for task in tasks}
        first = futex_waits(tasks, self._futex, self._gils)
        attachment, refusal = _attach(self._view)
        try:
            locks = LockLook(attachment, version) if attachment is not None else None
            self._stacks.collect(watch)
            self._check(refusal)
            if locks is not None:
                first = {tid: wait for tid, wait in first.items() if self._may_be_owned(tid)}
                locks.search(first, request.lock_seconds)
                resolved = locks.resolve(first, self._look, watch.enough.wait, self._names(tasks))
            else:
                resolved = Resolved({}, (), f"owners of locks are not told: {refusal}")
            pending, tasks_reason = _tasks(attachment, refusal)
        finally:
            if attachment is not None:
                attachment.close()
        rates = self._rates(tasks, began)
        threads = tuple(
            self._describe(task, said.get(task.tid), resolved.waits.get(task.tid), rates.get(task.tid), holders)
            for task in tasks
        )
        is_stopped = all(task.state in "Tt" for task in tasks)
        return ThreadDump(
            time=time,
            threads=threads,
            stacks_reason=_reason(self._stacks.error),
            groups=group_threads(threads),
            deadlocks=resolved.deadlocks,
            locks_reason=_STOPPED if is_stopped else resolved.reason,
            tasks=pending,
            tasks_reason=tasks_reason,
            mode="blocking" if request.blocking or request.native else "nonblocking",
        )

    def _look_at_gil(self) -> frozenset[int] | None:
        looks = GilHolderLooks(self._view, self._clock)
        try:
            seen = looks.look()
        finally:
            looks.close()
        self._gils = () if seen is None else seen.locks
        return None if seen is None else seen.holders

    def _look(self) -> tuple[Sequence[TaskStat], Mapping[int, FutexWait]]:
        tasks = self._reader.read(with_syscalls=True)
        return tasks, futex_waits(tasks, self._futex, self._gils)

    def _may_be_owned(self, tid: int) -> bool:
        python = self._stacks.threads.get(tid)
        return python is None or may_be_owned(python.frames)

    def _check(self, refusal: RazorprofError | None) -> None:
        """Raise where there is nothing worth showing: the target is gone, or nobody may look into it."""
        if not self._view.is_same(self._target.identity):
            raise TargetGone("the process ended while it was looked at", value=self._target.pid)
        if isinstance(refusal, PermissionDenied) and not self._stacks.threads:
            raise refusal

    def _names(self, tasks: Sequence[TaskStat]) -> dict[int, str]:
        dumped = self._stacks.threads
        return {t.tid: (dumped[t.tid].name if t.tid in dumped else "") or t.comm for t in tasks}

    def _rates(self, tasks: Sequence[TaskStat], began: float) -> Mapping[int, TaskRate]:
        rates = TaskRates()
        rates.update(tasks, began)
        now = self._clock.monotonic()
        if now - began < _SHORTEST_WINDOW:
            return {}
        try:
            return rates.update(self._reader.read(), now)
        except TargetGone:
            return {}

    def _describe(
        self,
        task: TaskStat,
        said: WaitsOn | None,
        resolved: WaitsOn | None,
        rate: TaskRate | None,
        holders: frozenset[int] | None,
    ) -> ThreadInfo:
        python = self._stacks.threads.get(task.tid)
        wait = said
        if wait is not None and wait.kind == "lock" and wait.address is not None:
            if any(wait.address in place for place in self._gils):
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


def _attach(view: ProcessView) -> tuple[Attachment | None, RazorprofError | None]:
    try:
        return attach(view), None
    except RazorprofError as error:
        return None, error


def _tasks(attachment: Attachment | None, refusal: RazorprofError | None) -> tuple[int | None, str]:
    """How many asyncio tasks are pending, or why that cannot be seen."""
    if attachment is None:
        return None, f"asyncio tasks are not told: {refusal}"
    memory, layout = attachment.memory, attachment.calibrated.layout
    if layout.tasks is None:
        return None, "asyncio tasks can be seen from outside from Python 3.14 on"
    try:
        interpreters = walk_interpreters(memory, attachment.runtime, layout)
        failure = tasks_failure(memory, interpreters, layout)
        return (None, failure) if failure else (count_tasks(memory, interpreters, layout).tasks, "")
    except (RazorprofError, OSError) as error:
        return None, str(error)
