"""Threads of a JVM as the kernel sees them: names, states, CPU, what they wait in. No stacks.

For threads_source, and for a thread dump without consent to a signal. HotSpot gives each thread the name of its
Java thread, cut to 15 bytes.
"""

from __future__ import annotations

from dataclasses import replace

from razorprof.model.threads import ThreadInfo, ThreadState, WaitsOn
from razorprof.remote.tasks import TaskRate, TaskStat

# Everything that a JVM blocks in is a futex: a monitor, a parked thread, an idle worker. Which, a dump tells.
PARKED = WaitsOn("other", "lock or idle")


def describe(task: TaskStat, rate: TaskRate | None, wait: WaitsOn | None) -> ThreadInfo:
    """A thread by the kernel's figures alone."""
    if wait is not None and wait.kind == "lock":
        wait = replace(PARKED, timed=wait.timed)
    return ThreadInfo(
        native_id=task.tid,
        name=task.comm,
        state=state_of(task, wait),
        kernel_state=task.state,
        holds_gil=False,
        waits_for_gil=False,
        waits_on=wait,
        cpu_ratio=None if rate is None else rate.cpu_ratio,
        user_ratio=None if rate is None else rate.user_ratio,
        system_ratio=None if rate is None else rate.system_ratio,
    )


def state_of(task: TaskStat, wait: WaitsOn | None) -> ThreadState:
    """On a CPU, or asleep; whether it is blocked on a lock, the kernel cannot tell of a JVM's."""
    if task.state == "R":
        return ThreadState.RUNNING
    if task.state in "Tt":
        return ThreadState.UNKNOWN
    return ThreadState.IDLE if wait is not None or task.state in "SD" else ThreadState.UNKNOWN
