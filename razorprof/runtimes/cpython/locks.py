"""Lock objects of CPython in the target's memory: `_thread.lock` and `_thread.RLock`, 3.8 to 3.13.

A thread that is blocked in the kernel shows the address of a semaphore; the lock object is what points there. It
is searched for in the writable memory, within bounds of time and bytes, and believed only if its type says that it
is one. Called by lock_owners. From 3.14 on locks are one byte and waiters park elsewhere: nothing is told there.
"""

from __future__ import annotations

import struct
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from razorprof.errors import RazorprofError
from razorprof.remote.maps import MappedRegion
from razorprof.remote.memory import RemoteMemory

if TYPE_CHECKING:  # it is loaded where it pays
    import numpy as np
    from numpy.typing import NDArray

FIRST, LAST = (3, 8), (3, 13)  # minor versions of which the layout below is known
LOCK, RLOCK = b"_thread.lock", b"_thread.RLock"
_CHUNK = 4 << 20
_MOST_BYTES = 4 << 30
_MOST_CANDIDATES = 20_000
_FEW = 6  # addresses that are searched for one by one
_WORTH_NUMPY = 16 << 20  # bytes: numpy takes 100 ms to load, and looks through 4 MiB in 1 ms instead of 18
_WORD = struct.Struct("<Q")
# Modules/_threadmodule.c, 64 bits: lockobject {refcount, type, semaphore, weakrefs, char locked};
# rlockobject {refcount, type, semaphore, owner (pthread id), count, weakrefs}
_OBJECT = struct.Struct("<QQQQQ")
_SEMAPHORE = 16
_MOST_REFERENCES = 1 << 40  # a freed object has a pointer there; an immortal one less than this


@dataclass(frozen=True, slots=True)
class LockObject:
    """A lock. owner: pthread id of the thread that holds it (RLock only, 0 for nobody); count: how often it does;
    weakref: address of the first weak reference to it (plain lock only)."""

    address: int
    semaphore: int
    is_rlock: bool
    is_held: bool
    owner: int = 0
    count: int = 0
    weakref: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found, by semaphore. reason: why it may not be all, empty when everything was seen."""

    locks: dict[int, LockObject]
    reason: str = ""


def find_locks(
    memory: RemoteMemory,
    regions: Iterable[tuple[int, int]],
    semaphores: Set[int],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Search:
    """The lock objects whose waiters sleep at `semaphores`. regions: (start, end) to look through.

    Ends early when all are found, or after `seconds` of the clock or 4 GiB: `reason` then says so.
    """
    found: dict[int, LockObject] = {}
    wanted = _Wanted(semaphores)
    if len(semaphores) > _FEW:
        wanted.ascending()  # numpy, which takes as long to load as the search may: not at its expense
    deadline = clock() + seconds
    seen = candidates = 0
    for start, end in regions:
        for at in range(start, end, _CHUNK):
            if not wanted.words:
                return Search(found)
            if clock() > deadline or seen >= _MOST_BYTES or candidates > _MOST_CANDIDATES:
                missing = len(wanted.words)
                return Search(
                    found, f"the search for {missing} locks was cut short after {seen >> 20} MiB, {seconds:g} s"
                )
            content = memory.read_up_to(at, min(_CHUNK, end - at))
            seen += len(content)
            before = len(found)
            for offset in _places(content, wanted, seen):
                candidates += 1
                lock = read_lock(memory, at + offset - _SEMAPHORE)
                if lock is not None and lock.semaphore in wanted.words:
                    found[lock.semaphore] = lock
            if len(found) > before:
                wanted = _Wanted(semaphores - found.keys())
    return Search(found)


def read_lock(memory: RemoteMemory, address: int) -> LockObject | None:
    """The lock object at `address`, None if there is none."""
    try:
        references, kind, semaphore, fourth, fifth = _OBJECT.unpack(memory.read(address, _OBJECT.size))
        if not 0 < references < _MOST_REFERENCES or not semaphore:
            return None
        name = type_name(memory, kind)
    except RazorprofError:
        return None
    if name == RLOCK:
        return LockObject(address, semaphore, True, fifth > 0, owner=fourth if fifth else 0, count=fifth)
    if name == LOCK:
        return LockObject(address, semaphore, False, fifth & 0xFF == 1, weakref=fourth)
    return None


def type_name(memory: RemoteMemory, kind: int) -> bytes:
    """tp_name of the type at `kind`, at most 40 bytes of it. Raises UnreadableMemory."""
    if kind % 8 or kind < 4096:
        return b""
    return memory.read_up_to(memory.word(kind + 24), 41).partition(b"\0")[0]


def searched_regions(regions: Iterable[MappedRegion], pthreads: Iterable[int]) -> list[tuple[int, int]]:
    """Where objects may lie: writable memory without a file, the smaller ones first.

    Stacks of threads (8 MiB each, mostly untouched) are left out: each ends with its thread's descriptor, the
    address of which is the pthread id. Memory that the kernel joined to it above that is kept.
    """
    descriptors = sorted(pthreads)
    found = []
    for region in regions:
        if not (region.is_writable and region.is_readable) or region.raw_path not in (b"", b"[heap]"):
            continue
        if region.inode:
            continue
        below = bisect_left(descriptors, region.end)
        last = descriptors[below - 1] if below else 0
        start = last & -8 if last >= region.start else region.start
        # Between two joined stacks there is a guard, so that only the last descriptor counts.
        found.append((start, region.end))
    return sorted(found, key=lambda part: part[1] - part[0])


class _Wanted:
    """The words that are looked for, and once they were asked for, the same as an ascending array."""

    def __init__(self, words: Set[int]) -> None:
        self.words = words
        self._ascending: NDArray[np.uint64] | None = None

    def ascending(self) -> NDArray[np.uint64]:
        if self._ascending is None:
            import numpy as np

            self._ascending = np.array(sorted(self.words), dtype=np.uint64)
        return self._ascending


def _places(content: bytes, wanted: _Wanted, seen: int) -> Iterator[int]:
    """Offsets (multiples of 8) of words that are one of `wanted`. seen: bytes that were looked through so far."""
    few = len(wanted.words) <= _FEW
    if len(content) >= 8 and (not few or seen > _WORTH_NUMPY or "numpy" in sys.modules):
        import numpy as np

        words = np.frombuffer(content, dtype="<u8", count=len(content) // 8)
        if few:
            for word in wanted.words:
                yield from (int(index) * 8 for index in np.flatnonzero(words == np.uint64(word)))
            return
        ascending = wanted.ascending()
        near = np.flatnonzero((words >= ascending[0]) & (words <= ascending[-1]))
        hits = near[ascending[np.searchsorted(ascending, words[near])] == words[near]]
        yield from (int(index) * 8 for index in hits)
        return
    for word in wanted.words:
        needle = _WORD.pack(word)
        at = content.find(needle)
        while at >= 0:
            if at % 8 == 0:
                yield at
            at = content.find(needle, at + 1)
