"""The text of /debug/pprof/goroutine?debug=2, and the profile of the same name, as goroutines.

Pure; called by thread_dump. The text is the target's: bounded, and what cannot be parsed is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from razorprof.model.frame import Frame
from razorprof.model.profile import Profile
from razorprof.model.threads import ThreadGroup, ThreadState
from razorprof_go.goroutines import Goroutine, Status

_MOST = 200_000
_DEEPEST = 200
_HEAD = re.compile(
    r"goroutine (\d{1,19})(?: gp=\S+)?(?: m=\S+)?(?: mp=\S+)? \[([^\]]{0,200})\](?: \{.{0,2000}\})?:$"
)
_MINUTES = re.compile(r"(\d{1,9}) minutes?$")
_PLACE = re.compile(r"\t(.{1,2000}?):(\d{1,9})(?: \+0x[0-9a-f]+)?$")
_ASLEEP = frozenset({"locked to thread", "scan", "leaked"})
_STATES = {"running": Status.RUNNING, "runnable": Status.RUNNABLE, "syscall": Status.SYSCALL}
_MINUTE = 60.0


def parse_goroutines(text: str) -> list[Goroutine]:
    """The goroutines of a dump. waited: whole minutes, as the runtime writes them; None below one."""
    found: list[Goroutine] = []
    for block in text.split("\n\n"):
        goroutine = _parse(block.strip("\n").split("\n"))
        if goroutine is not None:
            found.append(goroutine)
            if len(found) >= _MOST:
                break
    return found


def groups_of(profile: Profile) -> tuple[ThreadGroup, ...]:
    """Goroutines of the profile's form: counted by stack, without numbers, states or waits. The largest first."""
    counts: dict[tuple[Frame, ...], int] = {}
    for key, weight in profile.weights.items():
        stack = tuple(reversed(key.stack))
        counts[stack] = counts.get(stack, 0) + round(weight)
    groups = [
        ThreadGroup(state_of(stack), stack, (), number=number, what=reason_of(stack))
        for stack, number in counts.items()
    ]
    return tuple(sorted(groups, key=lambda group: -group.count))


# What a parked goroutine's innermost functions say of what it waits for.
_REASONS = (
    ("runtime.chanrecv", "chan receive"),
    ("runtime.chansend", "chan send"),
    ("runtime.selectgo", "select"),
    ("runtime.block", "select (no cases)"),
    ("time.Sleep", "sleep"),
    ("runtime.netpollblock", "IO wait"),
    ("internal/poll.runtime_pollWait", "IO wait"),
    ("sync.runtime_SemacquireMutex", "sync.Mutex.Lock"),
    ("internal/sync.runtime_SemacquireMutex", "sync.Mutex.Lock"),
    ("sync.runtime_SemacquireRWMutex", "sync.RWMutex.Lock"),
    ("sync.runtime_SemacquireWaitGroup", "sync.WaitGroup.Wait"),
    ("sync.runtime_notifyListWait", "sync.Cond.Wait"),
    ("sync.runtime_Semacquire", "semacquire"),
)


def reason_of(stack: Iterable[Frame]) -> str:
    """What a goroutine waits for, told from its innermost frames; empty where they do not tell."""
    for frame, _ in zip(stack, range(6), strict=False):
        for prefix, reason in _REASONS:
            if frame.function.startswith(prefix):
                return reason
    return ""


def state_of(stack: Iterable[Frame]) -> ThreadState:
    """The state that follows from what it waits for."""
    reason = reason_of(stack)
    if reason in ("sleep", "IO wait"):
        return ThreadState.IDLE
    return ThreadState.WAITING if reason else ThreadState.UNKNOWN


def _parse(lines: list[str]) -> Goroutine | None:
    head = _HEAD.match(lines[0]) if lines else None
    if head is None:
        return None
    words = head[2].split(", ")
    kept = [word for word in words if word not in _ASLEEP and not _MINUTES.match(word)]
    minutes = next((int(m[1]) for word in words if (m := _MINUTES.match(word))), None)
    reason = (kept[0] if kept else "").removesuffix(" (scan)")
    stack: list[Frame] = []
    made_by: Frame | None = None
    for place in range(1, len(lines) - 1, 2):
        at = _PLACE.match(lines[place + 1])
        if at is None:
            break  # "...additional frames elided..." and the like
        made = lines[place].startswith("created by ")
        frame = Frame(_function(lines[place]), at[1], int(at[2]))
        if made:
            made_by = frame
        elif len(stack) < _DEEPEST:
            stack.append(frame)
    if stack and stack[-1].function == "runtime.goexit":
        stack.pop()
    status = _STATES.get(reason, Status.WAITING)
    return Goroutine(
        id=int(head[1]),
        status=status,
        reason="" if status is not Status.WAITING else reason,
        waited=None if minutes is None else minutes * _MINUTE,
        start=stack[-1] if stack else None,
        made_by=made_by,
        stack=tuple(stack),
    )


def _function(line: str) -> str:
    """``main.(*Server).run(0xc000, {0x1, 0x2})`` without its arguments."""
    if line.startswith("created by "):
        return line.removeprefix("created by ").partition(" in goroutine ")[0]
    at = len(line)
    while (at := line.rfind("(", 0, at)) > 0:
        # the last "(" that opens the arguments: those of a receiver stand before a "."
        if not line[at:].startswith("(*") and line[at - 1] != ".":
            return line[:at]
    return line
