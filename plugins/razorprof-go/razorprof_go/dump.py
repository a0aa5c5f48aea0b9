"""Goroutines as a thread dump: their states in razorprof's words, equal ones grouped, and what looks like a leak.

Pure. Called by thread_dump and the source "goroutines", whatever the goroutines were read from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from razorprof.model.frame import Frame
from razorprof.model.threads import ThreadDump, ThreadGroup, ThreadInfo, ThreadState, WaitsOn
from razorprof_go.goroutines import Goroutine, Status

KIND = "goroutine"
NO_OWNERS = "Go's locks do not name who holds them, so that circles of goroutines cannot be told"
SUSPECTS = 10  # equal goroutines that have waited for so long are a suspected leak
SUSPECT_SECONDS = 60.0
MOST_LISTED = 1000  # goroutines told one by one; all of them stand in the groups
_MOST_FINDINGS = 10
_FOREVER = ("select (no cases)", "chan receive (nil chan)", "chan send (nil chan)")


def to_dump(
    goroutines: Sequence[Goroutine], time: float, *, mode: str, notes: Iterable[str] = (), system: bool = False
) -> ThreadDump:
    """The dump. system: the runtime's own goroutines too; notes: what must be said of how it was taken."""
    told = [one for one in goroutines if system or not one.system]
    groups = group(told)
    return ThreadDump(
        time=time,
        threads=tuple(describe(one) for one in told[:MOST_LISTED]),
        groups=groups,
        locks_reason=NO_OWNERS,
        mode=mode,
        kind=KIND,
        has_gil=False,
        findings=(*findings(groups), *notes),
    )


def describe(one: Goroutine) -> ThreadInfo:
    """A goroutine as a thread; its number stands for the native id."""
    state, wait = _state(one)
    return ThreadInfo(
        native_id=one.id,
        id=one.id,
        name="" if one.start is None else one.start.function,
        state=state,
        waits_on=wait,
        frames=one.stack,
        waited=one.waited,
        started_by=one.made_by,
    )


def group(goroutines: Iterable[Goroutine]) -> tuple[ThreadGroup, ...]:
    """One group for each state, stack and maker, the largest first."""
    found: dict[tuple[ThreadState, str, tuple[Frame, ...], Frame | None], list[Goroutine]] = {}
    for one in goroutines:
        state, _ = _state(one)
        found.setdefault((state, _words(one), one.stack, one.made_by), []).append(one)
    groups = [
        ThreadGroup(
            state,
            stack,
            tuple(sorted(one.id for one in members)[:MOST_LISTED]),
            number=len(members),
            what=what,
            waited=max((one.waited for one in members if one.waited is not None), default=None),
            started_by=made_by,
        )
        for (state, what, stack, made_by), members in found.items()
    ]
    return tuple(sorted(groups, key=lambda one: (-one.count, one.threads)))


def findings(groups: Iterable[ThreadGroup]) -> tuple[str, ...]:
    """Groups that look like leaks, a sentence each."""
    found = []
    for one in groups:
        where = _own_code(one.frames)
        made = f", made by {one.started_by.function}" if one.started_by is not None else ""
        if one.what in _FOREVER:
            found.append(f"{one.count} goroutines can never go on ({one.what}) in {where}{made}")
        elif (
            one.count >= SUSPECTS
            and one.state is ThreadState.WAITING
            and one.waited is not None
            and one.waited >= SUSPECT_SECONDS
        ):
            minutes = int(one.waited // 60)
            found.append(
                f"suspected leak: {one.count} goroutines wait ({one.what}) in {where}{made}, "
                f"the longest for {minutes} minute{'' if minutes == 1 else 's'} at least"
            )
    return tuple(found[:_MOST_FINDINGS])


def _own_code(frames: Sequence[Frame]) -> str:
    """The innermost function that is not the runtime's or a lock's own."""
    own = (f.function for f in frames if not f.function.startswith(("runtime.", "sync.", "internal/")))
    return next(own, frames[0].function if frames else "unknown code")


def _words(one: Goroutine) -> str:
    if one.status is Status.WAITING:
        return one.reason
    return {Status.RUNNABLE: "runnable", Status.SYSCALL: "system call"}.get(one.status, "")


def _state(one: Goroutine) -> tuple[ThreadState, WaitsOn | None]:
    match one.status:
        case Status.RUNNING:
            return ThreadState.RUNNING, None
        case Status.RUNNABLE | Status.PREEMPTED:
            return ThreadState.WAITING, WaitsOn("other", "a processor (runnable)")
        case Status.SYSCALL:
            return ThreadState.IDLE, WaitsOn("io", "a system call")
        case Status.WAITING:
            return _waiting(one.reason)
        case _:
            return ThreadState.UNKNOWN, None


def _waiting(reason: str) -> tuple[ThreadState, WaitsOn]:
    if reason == "IO wait":
        return ThreadState.IDLE, WaitsOn("io", reason)
    if reason == "sleep":
        return ThreadState.IDLE, WaitsOn("sleep", reason, timed=True)
    if reason.startswith(("chan ", "select")):
        return ThreadState.WAITING, WaitsOn("channel", reason)
    if reason.startswith(("sync.", "semacquire")):
        return ThreadState.WAITING, WaitsOn("lock", reason)
    return ThreadState.WAITING, WaitsOn("other", reason)
