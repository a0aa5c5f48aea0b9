"""Structures (collector, GIL, threads ...) as the bytes that a recording keeps of them. For recording.rzp_encode.

Local variables of a thread dump are left out: they may be secret, and are shown only where they were asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from razorprof.model.frame import SamplingReport
from razorprof.model.gc import GcState, InterpreterGc
from razorprof.model.gil import Gil, GilState
from razorprof.model.scrape import Detected, KernelState, Structure
from razorprof.model.threads import ThreadDump, ThreadInfo, WaitsOn
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_records import StructureType
from razorprof.recording.rzp_structures_more import more_gc, more_threads
from razorprof.recording.rzp_tables import Tables


def encode_structure(structure: Structure, tables: Tables) -> bytes:
    """Type, length and body. KeyError for a class that no recording keeps."""
    kind, encode = _ENCODERS[type(structure)]
    body = encode(structure, tables)
    return rec.STRUCTURE.pack(kind, len(body)) + body


def _gc(state: GcState, tables: Tables) -> bytes:
    parts = [rec.GC.pack(state.time, len(state.interpreters))]
    for interpreter in state.interpreters:
        parts.append(_interpreter(interpreter))
        parts += [
            rec.GENERATION.pack(g.generation, g.count, g.threshold, g.collections, g.collected, g.uncollectable)
            for g in interpreter.generations or ()
        ]
    parts.append(more_gc(state, tables))
    return b"".join(parts)


def _interpreter(state: InterpreterGc) -> bytes:
    flags = _choices(state.enabled, state.collecting)
    flags |= _given(4, state.frozen, state.garbage, state.generations, state.gc_seconds)
    return rec.INTERPRETER.pack(
        state.id,
        flags,
        state.frozen or 0,
        state.garbage or 0,
        len(state.generations or ()),
        _number(state.gc_seconds),
        rec.QUALITIES.index(state.gc_seconds_quality),
    )


def _gil(state: GilState, tables: Tables) -> bytes:
    parts = [
        rec.GIL.pack(
            state.time,
            state.seconds,
            state.looks,
            tables.string(state.reason),
            state.late_looks,
            state.late_seconds,
            len(state.gils),
        )
    ]
    for gil in state.gils:
        parts += [_lock(gil), _ids(gil.interpreters)]
        parts += [rec.HOLDER.pack(h.native_id is not None, h.native_id or 0, h.share) for h in gil.holders]
        parts.append(_ids(gil.waiters or ()))
    return b"".join(parts)


def _lock(gil: Gil) -> bytes:
    return rec.LOCK.pack(
        _given(0, gil.held_ratio, gil.holder, gil.mean_waiters, gil.switches, gil.waiters),
        _number(gil.held_ratio),
        gil.holder or 0,
        _number(gil.mean_waiters),
        gil.switches or 0,
        len(gil.interpreters),
        len(gil.holders),
        len(gil.waiters or ()),
    )


def _threads(dump: ThreadDump, tables: Tables) -> bytes:
    text = tables.string
    parts = [
        rec.THREADS.pack(
            dump.time,
            text(dump.stacks_reason),
            text(dump.locks_reason),
            text(dump.tasks_reason),
            text(dump.mode),
            dump.tasks is not None,
            dump.tasks or 0,
            len(dump.threads),
            len(dump.groups),
            len(dump.deadlocks),
        )
    ]
    parts += [_thread(thread, tables) for thread in dump.threads]
    for group in dump.groups:
        state = rec.THREAD_STATES.index(group.state)
        parts += [rec.GROUP.pack(state, tables.stack(group.frames), len(group.threads)), _ids(group.threads)]
    for lock in dump.deadlocks:
        parts += [rec.DEADLOCK.pack(text(lock.confidence), text(lock.why), len(lock.threads)), _ids(lock.threads)]
    parts.append(more_threads(dump, tables))
    return b"".join(parts)


_NO_WAIT = WaitsOn("")


def _thread(thread: ThreadInfo, tables: Tables) -> bytes:
    waits = thread.waits_on or _NO_WAIT
    flags = _choices(thread.holds_gil, thread.waits_for_gil)
    flags |= _given(
        4,
        thread.id,
        thread.waits_on,
        thread.stack_age,
        thread.cpu_ratio,
        thread.user_ratio,
        thread.system_ratio,
    )
    return rec.THREAD.pack(
        flags,
        thread.native_id,
        tables.string(thread.name),
        thread.id or 0,
        rec.THREAD_STATES.index(thread.state),
        tables.string(thread.kernel_state),
        tables.stack(thread.frames),
        _number(thread.stack_age),
        _number(thread.cpu_ratio),
        _number(thread.user_ratio),
        _number(thread.system_ratio),
        tables.string(waits.kind),
        tables.string(waits.what),
        _choices(waits.timed) | _given(2, waits.address, waits.owner),
        waits.address or 0,
        waits.owner or 0,
        tables.string(waits.owner_quality),
    )


def _sampling(report: SamplingReport, tables: Tables) -> bytes:
    return rec.SAMPLING.pack(
        report.start,
        report.seconds,
        report.rounds,
        report.samples,
        report.errors,
        report.rate_hz,
        tables.string(report.mode),
        report.cost_seconds,
        report.stopped_seconds,
    )


def _detected(detected: Detected, tables: Tables) -> bytes:
    return rec.DETECTED.pack(
        tables.target(detected.target),
        detected.time,
        tables.string(detected.runtime),
        detected.version is not None,
        tables.string(detected.version or ""),
        tables.string(detected.reason),
        tables.string(detected.name),
        tables.string(detected.command),
    )


def _kernel(state: KernelState, tables: Tables) -> bytes:
    return rec.KERNEL.pack(tables.string(state.letter), tables.string(state.image))


_ENCODERS: dict[type, tuple[StructureType, Callable[[Any, Tables], bytes]]] = {
    GcState: (StructureType.GC, _gc),
    GilState: (StructureType.GIL, _gil),
    ThreadDump: (StructureType.THREADS, _threads),
    SamplingReport: (StructureType.SAMPLING, _sampling),
    Detected: (StructureType.DETECTED, _detected),
    KernelState: (StructureType.KERNEL, _kernel),
}


def _choices(*values: bool | None) -> int:
    """Two bits each, from the lowest on: whether it is known, and whether it is so."""
    bits = 0
    for place, value in enumerate(values):
        if value is not None:
            bits |= (3 if value else 1) << 2 * place
    return bits


def _given(first: int, *values: object) -> int:
    """A bit each, from bit `first` on: whether there is a value."""
    bits = 0
    for place, value in enumerate(values, start=first):
        if value is not None:
            bits |= 1 << place
    return bits


def _number(value: float | None) -> float:
    return 0.0 if value is None else value


def _ids(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)
