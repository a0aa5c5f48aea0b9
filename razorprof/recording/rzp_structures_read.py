"""Structures (collector, GIL, threads ...) out of the bytes that a recording keeps of them. For rzp_decode."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from razorprof.model.frame import SamplingReport
from razorprof.model.gc import GcState, Generation, InterpreterGc
from razorprof.model.gil import Gil, GilState, HolderShare
from razorprof.model.metric import Quality
from razorprof.model.scrape import Detected, KernelState, Structure
from razorprof.model.threads import Deadlock, ThreadDump, ThreadGroup, ThreadInfo, ThreadState, WaitsOn
from razorprof.recording import rzp_records as rec
from razorprof.recording.rzp_lookup import Lookup
from razorprof.recording.rzp_records import StructureType
from razorprof.recording.rzp_structures_more import with_more_gc, with_more_threads

_STATES = tuple(ThreadState(state) for state in rec.THREAD_STATES)
_QUALITIES = tuple(Quality(quality) for quality in rec.QUALITIES)


def decode_structure(kind: int, body: bytes, lookup: Lookup) -> Structure | None:
    """None for a type that this version does not know. Raises rzp_lookup.BROKEN."""
    decode = _DECODERS.get(kind)
    return None if decode is None else decode(Cursor(body), lookup)


class Cursor:
    """Reads struct layouts one after the other; struct.error where the bytes end."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes, at: int = 0) -> None:
        self._body = body
        self._at = at

    def take(self, layout: struct.Struct) -> tuple[Any, ...]:
        found = layout.unpack_from(self._body, self._at)
        self._at += layout.size
        return found

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._body)

    def bytes(self, count: int) -> bytes:
        """The next bytes as they are."""
        if count > len(self._body) - self._at:
            raise ValueError("a part is longer than its record")
        self._at += count
        return self._body[self._at - count : self._at]

    def ids(self, count: int) -> tuple[int, ...]:
        """Numbers of 64 bits."""
        if count * 8 > len(self._body) - self._at:
            raise ValueError("a list is longer than its record")
        found = struct.unpack_from(f"<{count}q", self._body, self._at)
        self._at += 8 * count
        return found


def _gc(cursor: Cursor, lookup: Lookup) -> GcState:
    time, count = cursor.take(rec.GC)
    state = GcState(time, tuple([_interpreter(cursor) for _ in range(count)]))
    return with_more_gc(state, cursor, lookup)


def _interpreter(cursor: Cursor) -> InterpreterGc:
    id, flags, frozen, garbage, count, seconds, quality = cursor.take(rec.INTERPRETER)
    generations = tuple([Generation(*cursor.take(rec.GENERATION)) for _ in range(count)])
    return InterpreterGc(
        id=id,
        enabled=_choice(flags, 0),
        collecting=_choice(flags, 1),
        frozen=_given(flags, 4, frozen),
        garbage=_given(flags, 5, garbage),
        generations=_given(flags, 6, generations),
        gc_seconds=_given(flags, 7, seconds),
        gc_seconds_quality=_QUALITIES[quality],
    )


def _gil(cursor: Cursor, lookup: Lookup) -> GilState:
    time, seconds, looks, reason, late, late_seconds, count = cursor.take(rec.GIL)
    gils = tuple([_lock(cursor) for _ in range(count)])
    return GilState(time, gils, seconds, looks, lookup.strings[reason], late, late_seconds)


def _lock(cursor: Cursor) -> Gil:
    flags, held, holder, mean, switches, interpreters, holders, waiters = cursor.take(rec.LOCK)
    ids = cursor.ids(interpreters)
    shares = [cursor.take(rec.HOLDER) for _ in range(holders)]
    return Gil(
        interpreters=ids,
        held_ratio=_given(flags, 0, held),
        holder=_given(flags, 1, holder),
        holders=tuple([HolderShare(native if known else None, share) for known, native, share in shares]),
        waiters=_given(flags, 4, cursor.ids(waiters)),
        mean_waiters=_given(flags, 2, mean),
        switches=_given(flags, 3, switches),
    )


def _threads(cursor: Cursor, lookup: Lookup) -> ThreadDump:
    text = lookup.strings
    time, stacks, locks, reason, mode, has_tasks, tasks, threads, groups, deadlocks = cursor.take(rec.THREADS)
    dump = ThreadDump(
        time=time,
        threads=tuple([_thread(cursor, lookup) for _ in range(threads)]),
        stacks_reason=text[stacks],
        groups=tuple([_group(cursor, lookup) for _ in range(groups)]),
        deadlocks=tuple([_deadlock(cursor, lookup) for _ in range(deadlocks)]),
        locks_reason=text[locks],
        tasks=tasks if has_tasks else None,
        tasks_reason=text[reason],
        mode=text[mode],
    )
    return with_more_threads(dump, cursor, lookup)


def _thread(cursor: Cursor, lookup: Lookup) -> ThreadInfo:
    text = lookup.strings
    flags, native, name, id, state, kernel, stack, age, cpu, user, system, *waits = cursor.take(rec.THREAD)
    return ThreadInfo(
        native_id=native,
        name=text[name],
        id=_given(flags, 4, id),
        state=_STATES[state],
        kernel_state=text[kernel],
        holds_gil=_choice(flags, 0),
        waits_for_gil=_choice(flags, 1),
        waits_on=_waits(text, *waits) if flags & 1 << 5 else None,
        frames=lookup.stacks[stack],
        stack_age=_given(flags, 6, age),
        cpu_ratio=_given(flags, 7, cpu),
        user_ratio=_given(flags, 8, user),
        system_ratio=_given(flags, 9, system),
    )


def _waits(text: list[str], kind: int, what: int, flags: int, address: int, owner: int, quality: int) -> WaitsOn:
    return WaitsOn(
        kind=text[kind],
        what=text[what],
        address=_given(flags, 2, address),
        owner=_given(flags, 3, owner),
        owner_quality=text[quality],
        timed=_choice(flags, 0),
    )


def _group(cursor: Cursor, lookup: Lookup) -> ThreadGroup:
    state, stack, count = cursor.take(rec.GROUP)
    return ThreadGroup(_STATES[state], lookup.stacks[stack], cursor.ids(count))


def _deadlock(cursor: Cursor, lookup: Lookup) -> Deadlock:
    confidence, why, count = cursor.take(rec.DEADLOCK)
    return Deadlock(lookup.strings[confidence], cursor.ids(count), lookup.strings[why])


def _sampling(cursor: Cursor, lookup: Lookup) -> SamplingReport:
    start, seconds, rounds, samples, errors, rate, mode, cost, stopped = cursor.take(rec.SAMPLING)
    return SamplingReport(start, seconds, rounds, samples, errors, rate, lookup.strings[mode], cost, stopped)


def _detected(cursor: Cursor, lookup: Lookup) -> Detected:
    text = lookup.strings
    target, time, runtime, has_version, version, reason, name, command = cursor.take(rec.DETECTED)
    return Detected(
        lookup.target(target),
        time,
        text[runtime],
        text[version] if has_version else None,
        text[reason],
        text[name],
        text[command],
    )


def _kernel(cursor: Cursor, lookup: Lookup) -> KernelState:
    letter, image = cursor.take(rec.KERNEL)
    return KernelState(lookup.strings[letter], lookup.strings[image])


_DECODERS: dict[int, Callable[[Cursor, Lookup], Structure]] = {
    StructureType.GC: _gc,
    StructureType.GIL: _gil,
    StructureType.THREADS: _threads,
    StructureType.SAMPLING: _sampling,
    StructureType.DETECTED: _detected,
    StructureType.KERNEL: _kernel,
}


def _choice(flags: int, place: int) -> bool | None:
    bits = flags >> 2 * place & 3
    return bool(bits & 2) if bits & 1 else None


def _given(flags: int, place: int, value: Any) -> Any:
    return value if flags & 1 << place else None
