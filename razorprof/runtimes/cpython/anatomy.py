"""The interpreters and threads of a CPython, walked in its memory by a layout.

Called by calibrate, attach and the readers. The lists are the target's: every walk is bounded, a list that runs
in a circle or has absurd values raises CorruptState, and never yields a wrong figure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from razorprof.errors import ToolFailed
from razorprof.remote.memory import RemoteMemory, UnreadableMemory
from razorprof.runtimes.cpython.layout import Layout

MOST_INTERPRETERS = 256
MOST_THREADS = 4096
# struct pthread's tid on x86-64 glibc (all releases so far); proven against the kernel's list before use
_PTHREAD_TID = 720


class CorruptState(ToolFailed):
    """The target's memory holds what no CPython writes: torn by a change just now, damaged, or hostile."""

    name = "corrupt_state"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Addresses of one interpreter's parts. gc is None where the process has one collector for all
    interpreters and this is not the first (3.8); gil is None until it has one."""

    address: int
    id: int
    gc: int | None
    gil: int | None


@dataclass(frozen=True, slots=True)
class PythonThread:
    """address: of the PyThreadState; id: the pthread id; native_id: the kernel's in the target's own PID
    namespace, None where the version does not keep it."""

    address: int
    id: int
    native_id: int | None


def walk_interpreters(memory: RemoteMemory, runtime: int, layout: Layout) -> tuple[Interpreter, ...]:
    """All interpreters, ascending by id. Raises CorruptState, UnreadableMemory; empty before Python starts."""
    found: dict[int, Interpreter] = {}
    address = memory.word(runtime + layout.interpreters_head)
    while address:
        if address in found or len(found) >= MOST_INTERPRETERS:
            raise CorruptState("the list of interpreters has no end")
        _check_pointer(address)
        found[address] = _interpreter(memory, runtime, layout, address)
        address = memory.word(address + layout.interpreter_next)
    ordered = sorted(found.values(), key=lambda interpreter: interpreter.id)
    if len({interpreter.id for interpreter in ordered}) != len(ordered):
        raise CorruptState("two interpreters with the same id")
    return tuple(ordered)


def walk_threads(memory: RemoteMemory, interpreter: Interpreter, layout: Layout) -> tuple[PythonThread, ...]:
    """The thread states of an interpreter, newest first. Raises CorruptState, UnreadableMemory."""
    native_at = layout.thread_native_id
    fields = (layout.thread_next, layout.thread_interpreter, layout.thread_id, native_at or 0)
    first, last = min(fields[:3]), max(fields) + 8
    found: dict[int, PythonThread] = {}
    address = memory.word(interpreter.address + layout.interpreter_threads)
    while address:
        if address in found or len(found) >= MOST_THREADS:
            raise CorruptState("the list of threads has no end")
        _check_pointer(address)
        raw = memory.read(address + first, last - first)
        following, owner, thread_id = (_WORD.unpack_from(raw, field - first)[0] for field in fields[:3])
        if owner != interpreter.address:
            raise CorruptState("a thread that belongs to another interpreter")
        native = None if native_at is None else _WORD.unpack_from(raw, native_at - first)[0]
        if native is not None and not 0 <= native < 1 << 31:
            raise CorruptState("a native thread id that no thread has", value=native)
        found[address] = PythonThread(address, thread_id, native or None)
        address = following
    return tuple(found.values())


def with_native_ids(
    memory: RemoteMemory, threads: Sequence[PythonThread], known: Callable[[], set[int]]
) -> tuple[PythonThread, ...]:
    """The threads with native ids, below 3.11 taken from the C library's thread descriptors.

    `known` gives the kernel's ids in the target's PID namespace; an id that is not among them is left None.
    """
    if all(thread.native_id is not None for thread in threads):
        return tuple(threads)
    ids = known()
    found = []
    for thread in threads:
        native = thread.native_id
        if native is None and thread.id:
            try:
                native = int.from_bytes(memory.read(thread.id + _PTHREAD_TID, 4), "little")
            except UnreadableMemory:
                native = None
        found.append(PythonThread(thread.address, thread.id, native if native in ids else None))
    natives = [thread.native_id for thread in found if thread.native_id is not None]
    if len(set(natives)) != len(natives):  # two threads cannot be one: the descriptor is laid out otherwise
        return tuple(PythonThread(thread.address, thread.id, None) for thread in found)
    return tuple(found)


def _interpreter(memory: RemoteMemory, runtime: int, layout: Layout, address: int) -> Interpreter:
    id_ = memory.word(address + layout.interpreter_id)
    if id_ >= 1 << 32:
        raise CorruptState("an interpreter id that no interpreter has", value=id_)
    gc: int | None
    if layout.gc_in_runtime is not None:
        gc = runtime + layout.gc_in_runtime if id_ == 0 else None
    else:
        gc = None if layout.interpreter_gc is None else address + layout.interpreter_gc
    if layout.gil_in_runtime is not None:
        gil: int | None = runtime + layout.gil_in_runtime
    elif layout.gil_pointer is not None:
        gil = memory.word(address + layout.gil_pointer) or None
        if gil is not None:
            _check_pointer(gil)
    else:
        gil = None
    return Interpreter(address, id_, gc, gil)


def _check_pointer(address: int) -> None:
    if address % 8 or not 4096 <= address < 1 << 56:
        raise CorruptState("a pointer that points nowhere", value=hex(address))


_WORD = struct.Struct("<Q")
