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
    """What a thread waits for. kind: lock, rlock, gil, io, sleep or other; owner: native thread id."""

    kind: str
    what: str = ""
    address: int | None = None
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """One thread. Figures that could not be had are None.

    id: the runtime's own id (pthread id for CPython); native_id: the kernel's; frames: innermost first,
    empty for a thread without Python code; cpu_ratio: CPU seconds per second since the look before
    (user_ratio and system_ratio its parts); kernel_state: the letter of proc(5); stack_age: seconds since the
    frames were read.
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


@dataclass(frozen=True, slots=True)
class ThreadDump:
    """All threads of a target at one time. `stacks_reason` says why frames are missing, if they are."""

    time: float
    threads: tuple[ThreadInfo, ...]
    stacks_reason: str = ""
