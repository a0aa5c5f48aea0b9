"""Proof, in the target itself, that a layout from the table is the one it has. Fails closed.

Called by attach, every time. What is compared are pointers that only fit when the offsets do: the collector's
pointer to its own first generation, list heads whose neighbours point back, 3.13's self-description, threads
that name their interpreter. A build that differs is refused (NotSupported, final); a moment at which nothing
can be proven (Python is just starting) is ToolFailed: try again.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from razorprof.errors import NotSupported, ToolFailed
from razorprof.remote.memory import RemoteMemory, UnreadableMemory
from razorprof.runtimes.cpython.anatomy import CorruptState, Interpreter, walk_interpreters, walk_threads
from razorprof.runtimes.cpython.layout import Layout

_TRIES = 10
_PAUSE = 0.003
_COOKIE = b"xdebugpy"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A proven layout. generations: offset of the first generation in the collector; gil_reason,
    threads_reason: why GIL or threads cannot be read, empty where they can."""

    layout: Layout
    generations: int
    gil_reason: str = ""
    threads_reason: str = ""


def calibrate(
    memory: RemoteMemory,
    runtime: int,
    layout: Layout,
    hexversion: int | None,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Calibrated:
    """The layout, proven. Takes below a millisecond, at most 30 ms where the target changes under our hands.

    Raises NotSupported where the target is laid out otherwise, ToolFailed where it is not ready yet.
    """
    if layout.debug_offsets is not None:
        check_debug_offsets(memory.read(runtime, layout.debug_offsets), layout, hexversion)
    failure: ToolFailed | NotSupported = ToolFailed("Python cannot be read just now")
    for attempt in range(_TRIES):
        if attempt:
            pause(_PAUSE)
        try:
            interpreters = _started_interpreters(memory, runtime, layout)
            generations = _prove_gc(memory, interpreters, layout)
        except (NotSupported, CorruptState) as error:
            failure = error
            continue
        except UnreadableMemory as error:
            failure = NotSupported("a pointer of Python's state leads nowhere: laid out otherwise", value=error)
            continue
        threads_reason = _prove(memory, interpreters, layout, _threads_failure, pause)
        gil_reason = _prove(memory, interpreters, layout, _gil_failure, pause)
        return Calibrated(layout, generations, gil_reason, threads_reason)
    if isinstance(failure, CorruptState):
        raise NotSupported("the memory layout of this Python is not the known one", value=failure) from failure
    raise failure


def check_debug_offsets(raw: bytes, layout: Layout, hexversion: int | None) -> None:
    """Compare 3.13's and later self-description with the table. Raises NotSupported."""
    count = len(raw) // 8
    words = struct.unpack_from(f"<{count}Q", raw)
    if raw[:8] != _COOKIE:
        raise NotSupported("this Python does not describe itself as its version does: a changed build")
    if hexversion is not None and words[1] != hexversion:
        raise NotSupported("this Python's self-description is of another version", value=hex(words[1]))
    if words[2]:
        raise NotSupported("a free-threaded build of Python, which has neither this GIL nor this collector")
    # runtime_state: size, finalizing, interpreters_head; interpreter_state: size, id, next, threads_head,
    # (3.14+: threads_main,) gc
    said = (words[5], *words[7:10])
    known = (layout.interpreters_head, layout.interpreter_id, layout.interpreter_next, layout.interpreter_threads)
    if said != known or layout.interpreter_gc not in words[10:12]:
        raise NotSupported("this Python describes its interpreter otherwise than its version does")
    pair = (layout.gc.size, layout.gc.collecting)
    places = [place for place in range(12, count - 1) if words[place : place + 2] == pair]
    if not places:
        raise NotSupported("this Python describes its garbage collector otherwise than its version does")
    if layout.rings is not None and all(layout.rings.size not in words[p : p + 8] for p in places):
        raise NotSupported("this Python describes its collector's statistics otherwise than its version does")


def list_is_whole(memory: RemoteMemory, head: int) -> bool:
    """Whether a collector's list head at `head` is linked to neighbours that point back at it."""
    following, previous = memory.words(head, 2)
    following, previous = following & ~3, previous & ~3  # flags of PyGC_Head
    if not following or not previous:
        return False
    try:
        back, forth = memory.word(following + 8), memory.word(previous)
    except UnreadableMemory:
        return False
    return back & ~3 == head and forth & ~3 == head


def _started_interpreters(memory: RemoteMemory, runtime: int, layout: Layout) -> tuple[Interpreter, ...]:
    initialized = int.from_bytes(memory.read(runtime + layout.initialized, 4), "little")
    if initialized not in (0, 1):
        raise NotSupported("the memory layout of this Python is not the known one", value=initialized)
    interpreters = walk_interpreters(memory, runtime, layout) if initialized else ()
    if not interpreters:
        raise ToolFailed(
            "Python is not started in this process (yet)", hint="it is tried again; a program may only link Python"
        )
    if interpreters[0].id != 0:
        raise CorruptState("no main interpreter")
    return interpreters


def _prove_gc(memory: RemoteMemory, interpreters: tuple[Interpreter, ...], layout: Layout) -> int:
    gc = interpreters[0].gc
    if gc is None:
        raise NotSupported("no garbage collector is known for this Python")
    raw = memory.read(gc, layout.gc.size)
    enabled, collecting = (
        struct.unpack_from("<i", raw, at)[0] for at in (layout.gc.enabled, layout.gc.collecting)
    )
    if enabled not in (0, 1) or collecting not in (0, 1):
        raise NotSupported("the garbage collector is not where this version has it")
    if not list_is_whole(memory, gc + layout.gc.permanent):
        raise NotSupported("the collector's permanent generation is not where this version has it")
    if layout.gc.anchor is not None:
        offset: int = struct.unpack_from("<Q", raw, layout.gc.anchor)[0] - gc
        if offset not in layout.gc.generations:
            raise NotSupported("the collector's generations are not where this version has them", value=offset)
        return offset
    # Without an anchor, the old generations must be whole lists themselves; a running collection takes them apart.
    (offset,) = layout.gc.generations
    if not all(list_is_whole(memory, gc + offset + 24 * generation) for generation in (1, 2)):
        if collecting:
            raise ToolFailed("a garbage collection is running, its layout cannot be proven just now")
        raise NotSupported("the collector's generations are not where this version has them")
    return offset


_Failure = Callable[[RemoteMemory, tuple[Interpreter, ...], Layout], str]


def _prove(
    memory: RemoteMemory,
    interpreters: tuple[Interpreter, ...],
    layout: Layout,
    failure_of: _Failure,
    pause: Callable[[float], None],
) -> str:
    """Why this part cannot be read, empty where it can. Threads come and go: what holds once is proven."""
    reason = ""
    for attempt in range(_TRIES):
        if attempt:
            pause(_PAUSE)
        try:
            reason = failure_of(memory, interpreters, layout)
        except (CorruptState, UnreadableMemory) as error:
            reason = str(error)
        if not reason:
            return ""
    return reason


def _threads_failure(memory: RemoteMemory, interpreters: tuple[Interpreter, ...], layout: Layout) -> str:
    threads = walk_threads(memory, interpreters[0], layout)
    return "" if threads else "the main interpreter has no thread"


def _gil_failure(memory: RemoteMemory, interpreters: tuple[Interpreter, ...], layout: Layout) -> str:
    gil = interpreters[0].gil
    if gil is None:
        return "the main interpreter has no GIL"
    interval, holder, locked, _ = struct.unpack("<QQi4xQ", memory.read(gil, 32))
    if not 0 < interval < 10**9 or locked not in (0, 1):
        return "the GIL is not where this version has it"
    if holder and locked:
        addresses = {t.address for interpreter in interpreters for t in walk_threads(memory, interpreter, layout)}
        if holder not in addresses:
            return "the GIL is held by no thread of this Python"
    return ""
