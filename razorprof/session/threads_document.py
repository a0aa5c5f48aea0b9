"""A thread dump as the JSON document of CONTRACT's `threads`. For the command threads and for bundles; a
single thread's part for top's document too. It loads nothing heavy: the command has 400 ms beside py-spy."""

from __future__ import annotations

from typing import Any

from razorprof.model.frame import Frame
from razorprof.model.target import Target
from razorprof.model.threads import ThreadDump, ThreadGroup, ThreadInfo


def threads_document(
    target: Target, runtime: str, version: str | None, dump: ThreadDump, *, with_locals: bool = False
) -> dict[str, Any]:
    """Plain values only. Locals stand in it when they are asked for here too: never in bundles."""
    return {
        "target": {
            "pid": target.pid,
            "start_time": target.started,
            "name": target.name,
            "runtime": runtime,
            "version": version,
        },
        "time": dump.time,
        "mode": dump.mode,
        "threads": [_thread(thread, with_locals) for thread in dump.threads],
        "stacks_reason": dump.stacks_reason or None,
        "groups": [
            {
                "count": group.count,
                "state": group.state.value,
                "frames": [{"function": f.function, "file": f.file, "line": f.line} for f in group.frames],
                "threads": list(group.threads),
                **_waits(group),
            }
            for group in dump.groups
        ],
        "kind": dump.kind,
        "findings": list(dump.findings),
        "deadlocks": [
            {"confidence": one.confidence, "threads": list(one.threads), "why": one.why} for one in dump.deadlocks
        ],
        "locks_reason": dump.locks_reason or None,
        "asyncio_tasks": dump.tasks,
        "asyncio_tasks_reason": dump.tasks_reason or None,
    }


def thread_document(thread: ThreadInfo) -> dict[str, Any]:
    """A thread in the shape of CONTRACT's `threads`, frames innermost first."""
    waits = thread.waits_on
    return {
        "id": thread.id,
        "native_id": thread.native_id,
        "name": thread.name,
        "state": thread.state.value,
        "kernel_state": thread.kernel_state,
        "cpu_ratio": thread.cpu_ratio,
        "holds_gil": thread.holds_gil,
        "waits_for_gil": thread.waits_for_gil,
        "waits_on": None
        if waits is None
        else {"kind": waits.kind, "address": waits.address, "owner": waits.owner, "what": waits.what},
        "frames": [{"function": f.function, "file": f.file, "line": f.line} for f in thread.frames],
        "stack_age": thread.stack_age,
    }


def _thread(thread: ThreadInfo, with_locals: bool) -> dict[str, Any]:
    document = thread_document(thread)
    waits = thread.waits_on
    if waits is not None:
        document["waits_on"] |= {"owner_quality": waits.owner_quality or None, "timed": waits.timed}
    document |= _waits(thread)
    if with_locals and thread.locals:
        for frame, variables in zip(document["frames"], thread.locals, strict=False):
            frame["locals"] = [{"name": v.name, "value": v.text, "argument": v.is_argument} for v in variables]
    return document


def _waits(one: ThreadInfo | ThreadGroup) -> dict[str, Any]:
    """What only some runtimes tell; nothing where they do not."""
    what = one.what if isinstance(one, ThreadGroup) else ""
    if one.waited is None and one.started_by is None and not what:
        return {}
    told = {"waited_seconds": one.waited, "started_by": _frame(one.started_by)}
    return {"what": what or None, **told} if isinstance(one, ThreadGroup) else told


def _frame(frame: Frame | None) -> dict[str, Any] | None:
    return None if frame is None else {"function": frame.function, "file": frame.file, "line": frame.line}
