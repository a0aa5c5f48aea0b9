"""Who holds the GIL at one moment, read out of the target's memory.

A thread dump tells it for its own moment only. Called by the one-shot dump, and again and again by
gil_holder_looks for the live source.
"""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.remote.memory import UnreadableMemory
from razorprof.remote.namespaces import native_ids
from razorprof.runtimes.cpython.anatomy import Interpreter, PythonThread, walk_interpreters, with_native_ids
from razorprof.runtimes.cpython.attach import Attachment
from razorprof.runtimes.cpython.gil import HEAD_BYTES, STRUCT_BYTES, parse_gil


@dataclass(frozen=True, slots=True)
class GilHolders:
    """holders: native ids (in our PID namespace) of the threads that hold a GIL now, at most one a lock; None
    where a lock is held and by whom could not be told. locks: where the locks lie."""

    holders: frozenset[int] | None
    locks: tuple[range, ...]


def look_at_holders(attachment: Attachment) -> GilHolders:
    """One look, some 90 us. Raises CorruptState or UnreadableMemory where an interpreter came or went just now."""
    memory, layout = attachment.memory, attachment.calibrated.layout
    locks: dict[int, list[Interpreter]] = {}
    for interpreter in walk_interpreters(memory, attachment.runtime, layout):
        if interpreter.gil is not None:
            locks.setdefault(interpreter.gil, []).append(interpreter)
    held: list[PythonThread] = []
    is_told = True
    for address, sharing in locks.items():
        figures = parse_gil(memory.read(address, HEAD_BYTES))
        if not figures.locked:
            continue
        holder = _thread(attachment, figures.holder, {interpreter.address for interpreter in sharing})
        if holder is None:
            is_told = False
        else:
            held.append(holder)
    ids: frozenset[int] | None = frozenset()
    if held:
        ours = native_ids(attachment.process)
        named = with_native_ids(memory, held, lambda: set(ours))
        found = [ours.get(thread.native_id) for thread in named if thread.native_id is not None]
        known = frozenset(tid for tid in found if tid is not None)
        ids = known if len(known) == len(held) else None
    return GilHolders(ids if is_told else None, tuple(range(address, address + STRUCT_BYTES) for address in locks))


def _thread(attachment: Attachment, address: int, interpreters: set[int]) -> PythonThread | None:
    """The thread state at `address`, None if it is not one of these interpreters'."""
    memory, layout = attachment.memory, attachment.calibrated.layout
    if address % 8 or address < 4096:
        return None
    try:
        if memory.word(address + layout.thread_interpreter) not in interpreters:
            return None
        native_at = layout.thread_native_id
        native = None if native_at is None else memory.word(address + native_at)
        return PythonThread(address, memory.word(address + layout.thread_id), native)
    except UnreadableMemory:
        return None  # the thread has just ended
