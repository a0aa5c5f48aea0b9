"""Looks at the garbage collector and the GIL of one process through its source "gc", without a session.

One look is one window of time, so that shares and rates have something to rest on. For the command gc and for the
captures of alerts. It loads nothing heavy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.gc import GcState
from razorprof.model.gil import GilState
from razorprof.model.target import Target
from razorprof.plugin.protocols import Capability, Detection, Reader, SourceOptions
from razorprof.remote.process import ProcessView
from razorprof.session.captures import need_permission, runtime_of
from razorprof.targets.endpoint import endpoint_of


@dataclass(frozen=True, slots=True)
class Look:
    """What one window showed. before: the state at its beginning; gil is None where the runtime has none."""

    before: GcState
    now: GcState
    gil: GilState | None


def open_collector(target: Target, interval: float, *, probe: bool = False) -> tuple[Detection, Reader]:
    """The reader of the target's source "gc": a runtime names the one so that gives its GcState. Raises
    NotSupported with the runtime's reason where it has none."""
    runtime, detection = runtime_of(target)
    support = runtime.capabilities(detection).get(Capability.GC)
    source = next((source for source in runtime.sources(detection) if source.name == "gc"), None)
    if source is None or support is None or not support.available:
        need_permission(ProcessView(target.pid))
        reason = support.reason if support is not None else ""
        raise NotSupported(reason or f"the garbage collector of {runtime.name} cannot be read", value=target.pid)
    return detection, source.open(target, SourceOptions(interval, probe=probe, url=endpoint_of(target)))


def looks_at(
    reader: Reader, seconds: float, *, once: bool, enough: threading.Event | None = None
) -> Iterator[Look]:
    """One window after the other, beginning with the moment of the call. enough: ends a window early."""
    enough = enough or threading.Event()
    before: GcState | None = None
    while True:
        readings = list(reader.read())
        now = next((reading for reading in readings if isinstance(reading, GcState)), None)
        if now is None:
            raise ToolFailed("the runtime told nothing of its garbage collector")
        if before is not None:
            yield Look(before, now, next((r for r in readings if isinstance(r, GilState)), None))
            if once:
                return
        before = now
        enough.wait(seconds)


def collector_document(target: Target, detection: Detection, look: Look) -> dict[str, Any]:
    """CONTRACT's `gc`, with the GIL beside it."""
    from razorprof.session.document import gc_document

    return {
        "target": {
            "pid": target.pid,
            "start_time": target.started,
            "runtime": detection.runtime,
            "version": detection.version,
        },
        "source": "gc",
        **gc_document(look.now, detection.runtime),
        "gil": None if look.gil is None else _gil_document(look.gil),
    }


def _gil_document(state: GilState) -> dict[str, Any]:
    return {
        "seconds": state.seconds,
        "looks": state.looks,
        "reason": state.reason or None,
        "locks": [
            {
                "interpreters": list(gil.interpreters),
                "held_ratio": gil.held_ratio,
                "holder": gil.holder,
                "holders": [{"native_id": one.native_id, "share": one.share} for one in gil.holders],
                "waiters": None if gil.waiters is None else list(gil.waiters),
                "mean_waiters": gil.mean_waiters,
                "switches": gil.switches,
            }
            for gil in state.gils
        ],
    }
