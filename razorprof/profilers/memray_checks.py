"""Whether memray may be injected into a process now: what is known to hang or to harm is refused before
gdb starts.

For memray_guard. Looks only, no signal and no stop; the guard looks once more right before it begins.
"""

from __future__ import annotations

import os
import threading

from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TargetGone, ToolFailed, Unsafe
from razorprof.model.target import Identity
from razorprof.remote.process import ProcessView

LOOKS = 8
LOOK_EVERY = 0.25
_LAUNCH = "launch the program with: razorprof run --heap FILE -- COMMAND"
_OLDEST = (3, 9)


def check_version(version: str | None, *, free_threaded: bool = False) -> None:
    """memray's own range. Raises NotSupported."""
    parts = (version or "").split(".")
    known = tuple(int(part) for part in parts[:2] if part.isdigit())
    if len(known) < 2:
        raise NotSupported("allocations cannot be recorded: the Python's version is not known", value=version)
    if known < _OLDEST:
        raise NotSupported("memray needs Python 3.9 or later in the target", value=version, hint=_LAUNCH)
    if free_threaded:
        raise NotSupported("memray cannot be injected into a free-threaded Python", value=version, hint=_LAUNCH)


def check_target(identity: Identity, *, force: bool = False, enough: threading.Event | None = None) -> None:
    """Raises Unsafe, NotSupported, PermissionDenied or TargetGone with what stands against it.

    Takes up to two seconds where no thread runs; `enough` ends the wait (KeyboardInterrupt)."""
    process = ProcessView(identity.pid)
    if not process.is_same(identity):
        raise TargetGone("the process has ended", value=identity.pid)
    status = process.status()
    tracer = int(status.get("TracerPid", "0"))
    if tracer:
        raise Unsafe(
            "another program traces the process already",
            value=f"pid {tracer}",
            hint="end that debugger or strace first; razorprof never takes a target from another tool",
        )
    if process.stat().state in "Tt":
        raise Unsafe(
            "the process is stopped", value=identity.pid, hint=f"let it run first: kill -CONT {identity.pid}"
        )
    _check_namespaces(process)
    if not force and not _is_running(process, enough or threading.Event()):
        raise Unsafe(
            "no thread of the process was seen to run, so that injected code would wait for ever",
            value=f"{LOOKS} looks in {LOOKS * LOOK_EVERY:g} s",
            hint=f"try again while it works, use --force (it gives up after --timeout), or {_LAUNCH}",
        )


def _check_namespaces(process: ProcessView) -> None:
    """The injected client connects to us over loopback and loads a library by our path."""
    for name, what in (("net", "network"), ("mnt", "mount")):
        try:
            theirs = os.stat(process.path / "ns" / name)
            ours = os.stat(process.proc / "self" / "ns" / name)
        except PermissionError as error:
            raise PermissionDenied(
                "no permission to trace the process",
                value=process.pid,
                hint=f"see why and what mends it with: razorprof doctor {process.pid}",
            ) from error
        except OSError as error:
            raise ToolFailed("cannot look at its namespaces", value=error.strerror) from error
        if not os.path.samestat(theirs, ours):
            raise NotSupported(
                f"the process lives in another {what} namespace: memray's client could not reach razorprof",
                value=process.pid,
                hint=f"run razorprof inside of its container, or {_LAUNCH}",
            )


def _is_running(process: ProcessView, enough: threading.Event) -> bool:
    """Whether any thread got CPU between two of several looks."""
    before = _cpu_nanoseconds(process)
    for _ in range(LOOKS):
        if enough.wait(LOOK_EVERY):
            raise KeyboardInterrupt
        now = _cpu_nanoseconds(process)
        if any(value > before.get(tid, 0) for tid, value in now.items()):
            return True
        before = now
    return False


def _cpu_nanoseconds(process: ProcessView) -> dict[int, int]:
    """CPU time of each thread (proc(5), schedstat: its first field)."""
    found = {}
    for tid in process.task_ids():
        try:
            found[tid] = int(process.read(f"task/{tid}/schedstat", 256).split()[0])
        except (RazorprofError, ValueError, IndexError):
            continue  # this thread has just ended
    return found
