"""Captures of a process that no runtime takes them of, by the pprof endpoint that the user named.

For session.captures only: the bytes are profilers.pprof_endpoint's, their meaning the format's.
"""

from __future__ import annotations

import time
from dataclasses import replace

from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.heap import HeapRecord
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.plugin.captures import CpuRequest, HeapRequest, Watch
from razorprof.plugin.loading import Failure, formats, guard
from razorprof.profilers.pprof_endpoint import fetch_pprof


def cpu_profile(target: Target, request: CpuRequest, watch: Watch) -> Profile:
    """Its own CPU profile, of whole seconds. Raises as profilers.pprof_endpoint does."""
    seconds = max(1, round(request.seconds))
    began = time.time()
    content = fetch_pprof(target, request.url, f"profile?seconds={seconds}", float(seconds), watch)
    found = _parse(content)
    note = "taken by the process itself, at the endpoint that was named: only threads that run"
    return replace(
        found,
        seconds=found.seconds or float(seconds),
        start=found.start or began,
        rounds=found.rounds or max(1, found.samples),
        mode=found.mode or "pprof endpoint",
        notes=(*found.notes, note),
    )


def heap_record(target: Target, request: HeapRequest, watch: Watch) -> HeapRecord:
    """What its own heap profile says is in use now, or, with seconds, what came to it in them."""
    seconds = round(request.seconds)
    query = f"heap?seconds={seconds}" if seconds else "heap"
    began = time.time()
    found = _parse(fetch_pprof(target, request.url, query, float(seconds), watch))
    if found.unit != "bytes":
        raise ToolFailed("its heap profile holds no bytes", value=found.unit)
    counts = found.also[0].weights.values() if found.also else ()
    return HeapRecord(
        peak=found,
        live=found,
        seconds=float(seconds),
        start=began,
        peak_bytes=round(found.total),
        allocations=round(sum(counts)),
        ended="time",
        what="grown meanwhile" if seconds else "in use now",
        notes=("as the process samples it itself: small figures are estimates",),
    )


def _parse(content: bytes) -> Profile:
    reader = next((one for one in formats() if one.name == "pprof" and one.can_read), None)
    if reader is None:
        raise NotSupported("the format pprof is not installed", hint="see: razorprof plugins")
    found = guard(reader.name, lambda: reader.read(content))
    if isinstance(found, Failure):
        raise ToolFailed("its profile cannot be read", value=found.error)
    return found
