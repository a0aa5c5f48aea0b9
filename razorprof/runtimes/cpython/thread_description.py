"""How one thread is described: the kernel's figures joined with its part of a thread dump.

Pure; called by the live source (threads) and by the one-shot dump (thread_dump).
"""

from __future__ import annotations

from razorprof.model.threads import ThreadInfo, ThreadState, WaitsOn
from razorprof.profilers.dumps import DumpedThread
from razorprof.remote.tasks import TaskRate, TaskStat

_SAME_MOMENT = 0.25  # a dump this old still says who holds the GIL "now"; older ones do not


def describe_thread(
    task: TaskStat,
    python: DumpedThread | None,
    age: float | None,
    rate: TaskRate | None,
    wait: WaitsOn | None,
    *,
    holders: frozenset[int] | None = None,
) -> ThreadInfo:
    """One thread: the kernel's figures and, where it has Python code, its part of a dump `age` seconds old.

    holders: native ids of the threads that hold a GIL now, None where that cannot be told.
    """
    waits_for_gil = wait is not None and wait.kind == "gil"
    holds_gil: bool | None = None
    if holders is not None:
        holds_gil = task.tid in holders and not waits_for_gil
    elif waits_for_gil or task.state in "Tt" or python is None:
        holds_gil = False if waits_for_gil or python is None else None
    elif age is not None and age <= _SAME_MOMENT:
        holds_gil = python.owns_gil
    return ThreadInfo(
        native_id=task.tid,
        name=(python.name if python is not None else "") or task.comm,
        id=python.pthread if python is not None else None,
        state=_state(task, holds_gil, wait),
        kernel_state=task.state,
        holds_gil=holds_gil,
        waits_for_gil=_is_waiting_for_gil(task, wait),
        waits_on=wait,
        frames=python.frames if python is not None else (),
        stack_age=age if python is not None else None,
        cpu_ratio=rate.cpu_ratio if rate is not None else None,
        user_ratio=rate.user_ratio if rate is not None else None,
        system_ratio=rate.system_ratio if rate is not None else None,
    )


def _state(task: TaskStat, holds_gil: bool | None, wait: WaitsOn | None) -> ThreadState:
    if task.state == "R":
        return ThreadState.PYTHON if holds_gil else ThreadState.RUNNING
    if task.state in "Tt" or wait is None:
        # Stopped, or asleep where the kernel does not show us in what.
        return ThreadState.IDLE if task.state == "D" else ThreadState.UNKNOWN
    if wait.kind in ("lock", "rlock", "gil"):
        return ThreadState.WAITING
    return ThreadState.IDLE


def _is_waiting_for_gil(task: TaskStat, wait: WaitsOn | None) -> bool | None:
    if task.state == "R":
        return False
    if wait is None or (wait.kind == "lock" and wait.address is None):
        return None  # a lock, but which one may not be seen
    return wait.kind == "gil"
