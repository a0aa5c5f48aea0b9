"""Threads of a target at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from razorprof.model.frame import Frame


class ThreadState(StrEnum):
    """python: holds the GIL and runs; running: on a CPU without it; waiting: blocked on a lock that is named
    in waits_on; idle: sleeps or does I/O; unknown: it could not be told."""

    PYTHON = "python"
    RUNNING = "running"
    WAITING = "waiting"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WaitsOn:
    """What a thread waits for. kind: lock, rlock, gil, monitor, channel, io, sleep or other; owner: native id.

    owner_quality: exact where the lock itself names its owner, estimated where it was told from a thread's stack,
    empty where there is no owner. timed: whether the wait ends by itself; None where that was not looked at.
    """

    kind: str
    what: str = ""
    address: int | None = None
    owner: int | None = None
    owner_quality: str = ""
    timed: bool | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """A variable of a frame: its name and its value as a short text: untrusted, and maybe secret."""

    name: str
    text: str
    is_argument: bool = False


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """One thread. Figures that could not be had are None.

    id: the runtime's own id (pthread id for CPython); native_id: the kernel's; frames: innermost first,
    empty for a thread without Python code; cpu_ratio: CPU seconds per second since the look before
    (user_ratio and system_ratio its parts); kernel_state: the letter of proc(5); stack_age: seconds since the
    frames were read; locals: the variables of each of the frames, empty where they were not asked for; waited:
    seconds that it has been in this state; started_by: what made it (a go statement). Where ThreadDump.kind is not
    a thread of the kernel, native_id is the runtime's number, so that it still tells one from another.
    """

    native_id: int
    name: str = ""
    id: int | None = None
    state: ThreadState = ThreadState.UNKNOWN
    kernel_state: str = "?"
    holds_gil: bool | None = None
    waits_for_gil: bool | None = None
    waits_on: WaitsOn | None = None
    frames: tuple[Frame, ...] = ()
    stack_age: float | None = None
    cpu_ratio: float | None = None
    user_ratio: float | None = None
    system_ratio: float | None = None
    locals: tuple[tuple[Local, ...], ...] = ()
    waited: float | None = None
    started_by: Frame | None = None


@dataclass(frozen=True, slots=True)
class ThreadGroup:
    """Threads (native ids) in the same state with equal stacks, innermost first.

    number: how many there are, where they are more than `threads` names (a profile counts them and names none);
    what: what they wait for, in the runtime's words; waited: seconds that the longest has waited.
    """

    state: ThreadState
    frames: tuple[Frame, ...]
    threads: tuple[int, ...]
    number: int = 0
    what: str = ""
    waited: float | None = None
    started_by: Frame | None = None

    @property
    def count(self) -> int:
        return max(self.number, len(self.threads))


@dataclass(frozen=True, slots=True)
class Deadlock:
    """Threads (native ids) that wait for each other in a circle, each for the next. why: untrusted text, it holds
    names of the target."""

    confidence: str  # confirmed or suspected
    threads: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ThreadDump:
    """All threads of a target at one time. `stacks_reason` says why frames are missing, if they are.

    groups, deadlocks: of a one-shot dump only; locks_reason: why owners of locks were not (all) told; tasks:
    pending asyncio tasks, None where tasks_reason says why they cannot be seen; mode: how the stacks were read.
    kind: what the threads are (thread, goroutine); has_gil: whether the runtime has such a lock at all; findings:
    what strikes whoever knows the runtime (suspected leaks), a sentence each, untrusted text.
    """

    time: float
    threads: tuple[ThreadInfo, ...]
    stacks_reason: str = ""
    groups: tuple[ThreadGroup, ...] = ()
    deadlocks: tuple[Deadlock, ...] = ()
    locks_reason: str = ""
    tasks: int | None = None
    tasks_reason: str = ""
    mode: str = ""
    kind: str = "thread"
    has_gil: bool = True
    findings: tuple[str, ...] = ()
