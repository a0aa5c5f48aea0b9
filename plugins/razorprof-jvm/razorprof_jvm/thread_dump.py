"""A one-shot dump of a JVM's threads: HotSpot's own with consent to a signal, else what the kernel tells.

HotSpot stops all Java threads for the moment of its dump. Without it there are no stacks, and that is said why.

Threads of the dump are joined with the kernel's by their native ids: what claims to be a thread and is none (a
name may hold anything) is left out. Owners of monitors are exact, as all was seen at one safepoint; those of
java.util.concurrent's locks are told by the JVM in a deadlock only. Called by Jvm.dump_threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from razorprof.analysis.deadlocks import Link, find_cycles, judge
from razorprof.analysis.stack_groups import group_threads
from razorprof.clock import Clock, SystemClock
from razorprof.errors import NotSupported, TargetGone
from razorprof.model.target import Target
from razorprof.model.threads import Deadlock, Local, ThreadDump, ThreadInfo, ThreadState, WaitsOn
from razorprof.plugin.captures import ThreadsRequest, Watch
from razorprof.plugin.protocols import Detection
from razorprof.remote.namespaces import native_ids
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskRate, TaskRates, TaskReader, TaskStat
from razorprof.remote.waits import WaitReader
from razorprof_jvm.attach import Answer, ask
from razorprof_jvm.detect import OPENJ9
from razorprof_jvm.dump_text import DumpText, JavaThread, Lock, Wait, parse_dump
from razorprof_jvm.kernel_threads import describe
from razorprof_jvm.support import NO_OPENJ9
from razorprof_jvm.threads_source import NO_STACKS

_SHORTEST_WINDOW = 0.04  # seconds between two looks from which CPU shares are told
_MOST_NAMED = 6
_LOCKS = ("java.util.concurrent.locks.ReentrantLock$", "java.util.concurrent.locks.ReentrantReadWriteLock$")
CONSENT = "--allow signal lets the JVM dump them: it stops all Java threads for some milliseconds"


def dump_threads(
    target: Target, detection: Detection, request: ThreadsRequest, watch: Watch, *, clock: Clock | None = None
) -> ThreadDump:
    """All threads at one moment. Raises TargetGone, PermissionDenied; with consent also Unsafe, TimedOut,
    ToolFailed and NotSupported where the JVM cannot be asked."""
    clock = clock or SystemClock()
    view = ProcessView(target.pid)
    if not view.is_same(target.identity):
        raise TargetGone("the process has ended", value=target.pid)
    if request.allow_signal and detection.implementation == OPENJ9:
        raise NotSupported(
            NO_OPENJ9, value=target.pid, hint="without --allow signal the kernel's figures are shown"
        )
    reader = TaskReader(view)
    try:
        tasks = reader.read(with_syscalls=True)
        began, time = clock.monotonic(), clock.time()
        waits = WaitReader(view, clock=clock)
        waits.start_look()
        said = {task.tid: waits.describe(task) for task in tasks}
        answer: Answer | None = None
        if request.allow_signal:
            watch.tell(0.0, 10.0, "waiting for the JVM's thread dump")
            answer = ask(view, target.identity, "threaddump", enough=watch.enough, clock=clock)
        elif clock.monotonic() - began < _SHORTEST_WINDOW:
            watch.enough.wait(_SHORTEST_WINDOW)
        rates = _rates(reader, tasks, began, clock)
    finally:
        reader.close()
    kernel = tuple(describe(task, rates.get(task.tid), said[task.tid]) for task in tasks)
    if answer is None:
        reason = NO_STACKS.format(pid=target.pid)
        return ThreadDump(
            time,
            kernel,
            stacks_reason=reason,
            groups=group_threads(kernel),
            locks_reason=f"who waits for which lock is in the JVM's dump only; {CONSENT}",
            mode="kernel",
            has_gil=False,
        )
    return joined(kernel, parse_dump(answer.text), native_ids(view), time, truncated=answer.truncated)


def joined(
    kernel: Sequence[ThreadInfo],
    dump: DumpText,
    ids: Mapping[int, int],
    time: float,
    *,
    truncated: bool = False,
) -> ThreadDump:
    """The kernel's threads with the stacks, locks and deadlocks of the JVM's dump. ids: native ids by the ids in
    the process's own namespace."""
    java: dict[int, JavaThread] = {}
    for thread in dump.threads:
        native = ids.get(thread.nid)
        if native is not None:
            java.setdefault(native, thread)
    owners = {
        lock.address: native
        for native, thread in java.items()
        for lock in thread.holds
        if lock.address is not None
    }
    deadlocks, sync_owners = _deadlocks(dump.deadlocks, java)
    owners |= sync_owners
    threads = tuple(_thread(info, java.get(info.native_id), owners) for info in kernel)
    lost = [f"{dump.left_out} threads were left out"] if dump.left_out else []
    if truncated:
        lost.append("the dump is longer than is read of it")
    unknown = "" if java else "the JVM's answer holds no threads"
    return ThreadDump(
        time,
        threads,
        stacks_reason="; ".join([*lost, *([unknown] if unknown else [])]),
        groups=group_threads(threads),
        deadlocks=deadlocks,
        locks_reason="owners of java.util.concurrent locks are told in a deadlock only"
        if _has_unowned(threads)
        else "",
        mode="attach",
        has_gil=False,
        findings=tuple(_findings(java)),
    )


def _thread(info: ThreadInfo, java: JavaThread | None, owners: Mapping[int, int]) -> ThreadInfo:
    if java is None:
        return info
    wait = _waits_on(java, owners)
    state = info.state
    if java.state == "BLOCKED" or (wait is not None and wait.kind == "lock"):
        state = ThreadState.WAITING
    elif java.state in ("WAITING", "TIMED_WAITING"):
        state = ThreadState.IDLE
    return replace(
        info,
        name=java.name or info.name,
        id=java.number,
        state=state,
        waits_on=wait if wait is not None else info.waits_on,
        frames=tuple(java.frames),
        stack_age=0.0,
        locals=_held(java),
    )


def _waits_on(java: JavaThread, owners: Mapping[int, int]) -> WaitsOn | None:
    """What a thread waits for by the JVM's word; None where it does not wait in Java."""
    timed = {"WAITING": False, "BLOCKED": False, "TIMED_WAITING": True}.get(java.state)
    if timed is None:
        return None
    lock = java.waits_for
    if lock is None:
        if java.detail == "sleeping":
            return WaitsOn("sleep", "sleep", timed=timed)
        return WaitsOn("other", java.detail or "to be woken", timed=timed)
    owner = owners.get(lock.address) if lock.address is not None else None
    quality = "exact" if owner is not None else ""
    if lock.how.startswith("waiting to"):
        return WaitsOn("monitor", _named("monitor", lock), lock.address, owner, quality, timed)
    if lock.how == "waiting on":
        return WaitsOn(
            "other", f"notify() on a {lock.what}" if lock.what else "notify()", lock.address, timed=timed
        )
    if owner is not None or lock.what.startswith(_LOCKS):
        return WaitsOn("lock", _named("lock", lock), lock.address, owner, quality, timed)
    return WaitsOn("other", f"to be woken (parked on a {lock.what})", lock.address, timed=timed)


def _named(kind: str, lock: Lock) -> str:
    place = "" if lock.address is None else f" {lock.address:#x}"
    return f"{kind}{place} (a {lock.what})" if lock.what else f"{kind}{place}"


def _held(java: JavaThread) -> tuple[tuple[Local, ...], ...]:
    """The monitors that it holds, beside the frames that took them."""
    holds = java.holds
    if not holds:
        return ()
    by_frame: list[tuple[Local, ...]] = [()] * len(java.frames)
    for lock in holds:
        if lock.depth < len(by_frame):
            by_frame[lock.depth] = (*by_frame[lock.depth], Local("locked", _named("monitor", lock)))
    return tuple(by_frame)


def _deadlocks(
    circles: Sequence[Sequence[Wait]], java: Mapping[int, JavaThread]
) -> tuple[tuple[Deadlock, ...], dict[int, int]]:
    """The deadlocks that the JVM reports, and the owners of java.util.concurrent's locks in them. Names are not
    unique: a link counts where exactly one thread of that name waits for that very object."""
    names = {native: thread.name for native, thread in java.items()}
    found: list[Deadlock] = []
    owners: dict[int, int] = {}
    for circle in circles:
        members: dict[str, int] = {}
        for wait in circle:
            fitting = [n for n, t in java.items() if t.name == wait.name and _waits_for(t, wait.address)]
            if len(fitting) == 1:
                members[wait.name] = fitting[0]
        links = [
            Link(members[wait.name], members[wait.owner], _described(wait), is_exact=True)
            for wait in circle
            if wait.name in members and wait.owner in members
        ]
        owners.update(
            (wait.address, members[wait.owner])
            for wait in circle
            if wait.address is not None and wait.owner in members
        )
        cycles = find_cycles(links)
        found += [judge(cycle, names) for cycle in cycles]
        if not cycles:
            words = "; ".join(f"{wait.name} waits for {_described(wait)}, held by {wait.owner}" for wait in circle)
            found.append(Deadlock("confirmed", tuple(sorted(set(members.values()))), words))
    return tuple(found), owners


def _waits_for(thread: JavaThread, address: int | None) -> bool:
    lock = thread.waits_for
    return address is None or (lock is not None and lock.address == address)


def _described(wait: Wait) -> str:
    place = "" if wait.address is None else f" {wait.address:#x}"
    return f"{wait.what}{place}"


def _has_unowned(threads: Sequence[ThreadInfo]) -> bool:
    return any(t.waits_on is not None and t.waits_on.kind == "lock" and t.waits_on.owner is None for t in threads)


def _findings(java: Mapping[int, JavaThread]) -> list[str]:
    """What keeps the JVM from ending, and which threads carry virtual ones."""
    found = []
    alive = [thread.name for thread in java.values() if thread.number is not None and not thread.is_daemon]
    if alive:
        more = f" and {len(alive) - _MOST_NAMED} more" if len(alive) > _MOST_NAMED else ""
        keep = "1 thread keeps" if len(alive) == 1 else f"{len(alive)} threads keep"
        names = ", ".join(alive[:_MOST_NAMED])
        found.append(f"{keep} it from ending (no daemons): {names}{more}")
    carriers = [thread for thread in java.values() if thread.carries is not None]
    if carriers:
        told = ", ".join(f"{thread.name} carries #{thread.carries}" for thread in carriers[:_MOST_NAMED])
        found.append(
            f"virtual threads that run now: {len(carriers)} ({told}); those that wait are in no such dump: "
            "jcmd PID Thread.dump_to_file"
        )
    return found


def _rates(reader: TaskReader, tasks: Sequence[TaskStat], began: float, clock: Clock) -> Mapping[int, TaskRate]:
    rates = TaskRates()
    rates.update(tasks, began)
    now = clock.monotonic()
    if now - began < _SHORTEST_WINDOW:
        return {}
    try:
        return rates.update(reader.read(), now)
    except TargetGone:
        return {}
