"""Who holds the locks that threads wait for, as far as the target's memory tells, and whose end a join waits for.

An RLock names its owner. A plain lock names nobody; but a thread inside `with lock:` keeps the lock's bound
`__exit__` on its stack: where exactly one thread does, it is most likely the owner (an estimate). The end of a
thread is a lock up to 3.12, which the thread's state refers to weakly, and an event in its handle in 3.13.
Called by thread_dump_locks. Everything read is checked; what does not fit is not told.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from razorprof.errors import RazorprofError
from razorprof.remote.memory import RemoteMemory
from razorprof.runtimes.cpython.anatomy import PythonThread
from razorprof.runtimes.cpython.locks import LockObject, type_name

_STATE_BYTES = 640  # of a PyThreadState: what is looked for stands in its first part
_MOST_FRAMES = 2000
_MOST_CHUNKS = 64
_MOST_WORDS = 20_000  # of one thread's stack
_METHOD = b"builtin_function_or_method"
_METHOD_SELF = 24  # PyCFunctionObject: refcount, type, definition, self
_LATE_EXIT = (3, 12)  # from here on `with` pushes __exit__ when __enter__ has come back
_LARGEST_CHUNK = 1 << 30


@dataclass(frozen=True, slots=True)
class JoinWait:
    """A thread waits for the end of the thread with this pthread id."""

    pthread: int


def joined_by_lock(memory: RemoteMemory, lock: LockObject, threads: Sequence[PythonThread]) -> JoinWait | None:
    """Whose end the lock stands for, up to 3.12: its thread state keeps a weak reference to it."""
    if lock.is_rlock or not lock.weakref:
        return None
    wanted = struct.pack("<Q", lock.weakref)
    for thread in threads:
        state = memory.read_up_to(thread.address, _STATE_BYTES)
        at = state.find(wanted)
        if at >= 0 and at % 8 == 0 and thread.id:
            try:
                if memory.word(lock.weakref + 16) == lock.address:  # PyWeakReference.wr_object
                    return JoinWait(thread.id)
            except RazorprofError:
                return None
    return None


def joined_by_event(memory: RemoteMemory, semaphore: int, threads: Sequence[PythonThread]) -> JoinWait | None:
    """Whose end a parked thread of 3.13 waits for.

    It sleeps at the semaphore of a wait_entry (Python/parking_lot.c) on its own stack; the word before that is the
    address of the event, which lies in a ThreadHandle (Modules/_threadmodule.c) 25 bytes after the pthread id, and
    17 after the same id once more.
    """
    known = {thread.id for thread in threads}
    try:
        event = memory.word(semaphore - 8)
        if event < 4096:
            return None
        ident, handle = memory.words(event - 25, 2)
    except RazorprofError:
        return None
    return JoinWait(ident) if ident == handle and ident in known else None


def holders_inside_with(
    memory: RemoteMemory,
    locks: Sequence[LockObject],
    threads: Sequence[PythonThread],
    waiters: Mapping[int, int],
    version: tuple[int, int],
) -> dict[int, int]:
    """Address of a held plain lock -> pthread id of the one thread that is inside a `with` of it.

    waiters: pthread id -> address of the lock that it waits for. Up to 3.11 who waits has its own method on the
    stack already and does not count, unless there is another one: then it waits for itself. Later it is not on the
    stack yet; nor is a wait for oneself told, for a slot that is no longer used may show another waiter's method.
    For the same reason a method that stands on two stacks makes its lock ambiguous.
    """
    wanted = {lock.address for lock in locks if not lock.is_rlock and lock.is_held}
    if not wanted:
        return {}
    found: dict[int, list[tuple[int, set[int]]]] = {}
    for thread in threads:
        for lock, methods in _methods_on_stack(memory, thread, wanted, version).items():
            found.setdefault(lock, []).append((thread.id, methods))
    owners: dict[int, int] = {}
    for lock, seen in found.items():
        everything = [method for _, methods in seen for method in methods]
        if len(everything) != len(set(everything)):
            continue
        inside = [
            thread
            for thread, methods in seen
            if waiters.get(thread) != lock or (version < _LATE_EXIT and len(methods) > 1)
        ]
        if len(inside) == 1:
            owners[lock] = inside[0]
    return owners


def _methods_on_stack(
    memory: RemoteMemory, thread: PythonThread, locks: set[int], version: tuple[int, int]
) -> dict[int, set[int]]:
    """The different bound methods of each lock that the thread's Python stack refers to."""
    found: dict[int, set[int]] = {}
    for word in set(_stack_words(memory, thread.address, version)):
        if word % 8 or not 4096 <= word < 1 << 56:
            continue
        raw = memory.read_up_to(word, _METHOD_SELF + 8)
        if len(raw) != _METHOD_SELF + 8:
            continue
        _, kind, _, bound_to = struct.unpack("<QQQQ", raw)
        try:
            if bound_to in locks and type_name(memory, kind) == _METHOD:
                found.setdefault(bound_to, set()).add(word)
        except RazorprofError:
            continue
    return found


def _stack_words(memory: RemoteMemory, state: int, version: tuple[int, int]) -> Iterator[int]:
    """The words of the thread's frames, at most _MOST_WORDS."""
    parts = _frames_on_heap(memory, state) if version < (3, 11) else _data_stack(memory, state)
    left = _MOST_WORDS
    for address, size in parts:
        raw = memory.read_up_to(address, min(size, left * 8))
        left -= len(raw) // 8
        yield from struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])
        if left <= 0:
            return


def _frames_on_heap(memory: RemoteMemory, state: int) -> Iterator[tuple[int, int]]:
    """(address, size) of the frames, innermost first; up to 3.10: PyThreadState.frame, PyFrameObject.f_back."""
    try:
        frame = memory.word(state + 24)
        for _ in range(_MOST_FRAMES):
            if not frame or frame % 8:
                return
            _, kind, slots, back = memory.words(frame, 4)
            if slots > _MOST_WORDS or type_name(memory, kind) != b"frame":
                return
            size = min(memory.word(kind + 32), 4096) + 8 * slots  # PyTypeObject.tp_basicsize
            yield frame + 24, size - 24
            frame = back
    except RazorprofError:
        return


def _data_stack(memory: RemoteMemory, state: int) -> Iterator[tuple[int, int]]:
    """(address, size) of the used parts of the data stack, 3.11 and later.

    Where it stands in a thread state differs: three words in a row, chunk, top and limit, are it where the chunk's
    own size (struct _stack_chunk: previous, size, top) says so.
    """
    raw = memory.read_up_to(state, _STATE_BYTES)
    words = struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])
    try:
        for chunk, top, limit in zip(words, words[1:], words[2:], strict=False):
            if chunk % 4096 or not 4096 <= chunk < top <= limit < chunk + _LARGEST_CHUNK:
                continue
            previous, size, _ = memory.words(chunk, 3)
            if limit - chunk != size:
                continue
            yield chunk + 24, top - chunk - 24
            for _ in range(_MOST_CHUNKS):
                if not previous or previous % 8:
                    return
                chunk = previous
                previous, size, used = memory.words(chunk, 3)
                yield chunk + 24, 8 * used if 24 + 8 * used <= size else 0
            return
    except RazorprofError:
        return
