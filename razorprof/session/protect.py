"""razorprof does not tip the balance: first to be killed, last to be served, and no start in a full container.

Called by the CLI before anything heavy is imported (this loads no psutil, numpy or textual) and before any
thread or tool is started, which inherit both settings. A command that starts the user's own program must not
call step_back first: that program would inherit it too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from razorprof.errors import RazorprofError, Unsafe
from razorprof.remote.cgroup import ContainerView, MemoryLevel
from razorprof.remote.process import PROC, ProcessView

TOP_FLOOR = 160 << 20  # a live session may take 120 MiB; the rest is room for its neighbours
OOM_SCORE_ADJ = 1000  # proc(5): the largest, killed first
NICE = 5


@dataclass(frozen=True, slots=True)
class Protection:
    """How razorprof now stands beside its neighbours; None where it could not be read. refused: what the
    kernel did not let us set, one reason each."""

    oom_score_adj: int | None
    nice: int | None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Headroom:
    """The tightest of the groups around razorprof; both None when there is no limit, or it cannot be seen."""

    available_bytes: int | None = None
    level: MemoryLevel | None = None


def step_back(*, oom_score_adj: int = OOM_SCORE_ADJ, nice: int = NICE, proc: Path = PROC) -> Protection:
    """Set own oom_score_adj and nice; never lower than they are, and never failing where the kernel refuses."""
    refused = []
    file = proc / "self" / "oom_score_adj"
    try:
        if int(file.read_text()) < oom_score_adj:
            file.write_text(f"{oom_score_adj}\n")
    except (OSError, ValueError) as error:
        refused.append(f"oom_score_adj: {_why(error)}")
    try:
        if os.getpriority(os.PRIO_PROCESS, 0) < nice:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
    except OSError as error:
        refused.append(f"nice: {_why(error)}")
    return Protection(_read_number(file), _own_nice(), tuple(refused))


def headroom(proc: Path = PROC) -> Headroom:
    """How much memory may still be used before a limit around razorprof itself is reached."""
    try:
        own = ProcessView(int((proc / "self").readlink().name), proc=proc)
        levels = ContainerView(own, observer=own).memory_levels()
    except (RazorprofError, OSError, ValueError):
        return Headroom()
    if not levels:
        return Headroom()
    tightest = min(levels, key=lambda level: level.headroom_bytes)
    return Headroom(max(0, tightest.headroom_bytes), tightest)


def check_headroom(*, floor: int = TOP_FLOOR, force: bool = False, proc: Path = PROC) -> Headroom:
    """Raise Unsafe when less than `floor` bytes are left below a memory limit around us, unless forced."""
    found = headroom(proc)
    if found.available_bytes is None or found.level is None or found.available_bytes >= floor or force:
        return found
    raise Unsafe(
        "too little memory is left in this container to start without harm",
        value=f"{found.available_bytes >> 20} MiB of {found.level.limit_bytes >> 20} MiB, needs {floor >> 20} MiB",
        hint="start razorprof outside of the container, raise its memory limit, or use --force",
    )


def _own_nice() -> int | None:
    try:
        return os.getpriority(os.PRIO_PROCESS, 0)
    except OSError:
        return None


def _read_number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
