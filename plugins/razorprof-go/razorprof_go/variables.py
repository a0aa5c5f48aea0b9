"""Where variables of Go's runtime lie in a binary without symbols: its code tells, and its memory proves it.

Called by whatever reads the runtime's structs. The table of functions is in every binary, and code for x86-64
names a variable by the distance from the end of the instruction: four bytes somewhere in a function that uses it.
Every four bytes are taken for such a distance; what lies there is taken for the variable only if its content
cannot be anything else's. The functions and what they use were looked at in 1.19 and 1.21 to 1.27.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from razorprof.errors import RazorprofError
from razorprof.remote.memory import RemoteMemory
from razorprof_go.binary import GoImage
from razorprof_go.functions import Functions
from razorprof_go.layouts import Layout

LAST_GC = "runtime.memstats.last_gc_unix"  # where the block of pauses begins, see razorprof_go.pauses
_X86_64 = 62  # EM_X86_64
_WRITABLE = 2  # PF_W
_LONGEST_CODE = 1 << 16
_BEHIND = (0, 1, 4)  # bytes of a constant between the distance and the end of the instruction
_TRIES = 5  # a program that makes goroutines changes what is compared
_MOST_GOROUTINES, _MOST_PROCESSORS = 1 << 32, 1 << 10
_LOOKED_AT = 4096  # goroutines, for the highest id
_SLACK = 1 << 17  # ids given out meanwhile
_BATCH = 16  # _GoidCacheBatch: ids that a processor takes at once
_FIRST_REASON = b"GC assist marking"  # waitReasonStrings[1] since 1.14
_LEAST_HEAP = 4 << 20  # defaultHeapMinimum; gcController.heapMinimum is so many bytes times GOGC / 100
_HEAP_MINIMUM = 16  # its offset
_BLOCK = (0, 8, 16, 2064, 4112, 4120)  # last_gc_unix, pause_total_ns, pause_ns, pause_end, numgc, gc_cpu_fraction
_Known = dict[str, int]


def find_variables(
    image: GoImage, memory: RemoteMemory, functions: Functions, layout: Layout | None
) -> dict[str, int]:
    """Addresses in the process of runtime.allgs, sched, gomaxprocs, waitReasonStrings, gcController and of
    LAST_GC, by name. Left out is what is not proven, and what takes a layout where there is none. 1 to 30 ms.

    gomaxprocs is the length of runtime.allp, which is the same number.
    """
    if image.elf.machine != _X86_64:
        return {}
    code = _Code(image, memory, functions)
    known: _Known = {}
    for users, prove in _PROOFS:
        candidates = code.used_by(users)
        for _ in range(_TRIES):
            try:
                proven = prove(memory, candidates, known, layout)
            except (RazorprofError, struct.error):
                break
            if proven:
                known |= proven
                break
    return known


class _Code:
    """The code of a program's functions, and which of its variables they use."""

    def __init__(self, image: GoImage, memory: RemoteMemory, functions: Functions) -> None:
        self._memory = memory
        self._places = functions.find({name for users, _ in _PROOFS for name in users})
        self._data = [
            (segment.address + image.bias, segment.address + image.bias + segment.memory_size)
            for segment in image.elf.segments
            if segment.flags & _WRITABLE
        ]

    def used_by(self, users: Iterable[str]) -> list[int]:
        """Aligned addresses in writable data that all these functions may use, ascending."""
        found: set[int] | None = None
        for name in users:
            used = self._used(name)
            found = used if found is None else found & used
        return sorted(found or ())

    def _used(self, name: str) -> set[int]:
        function = self._places.get(name)
        if function is None:
            return set()
        raw = self._memory.read_up_to(function.entry, min(function.size, _LONGEST_CODE))
        if len(raw) < 4:
            return set()
        octets = np.frombuffer(raw, dtype=np.uint8).astype(np.int64)
        distance = octets[:-3] | octets[1:-2] << 8 | octets[2:-1] << 16 | octets[3:] << 24
        distance -= (distance & 1 << 31) << 1
        ends = np.arange(len(distance)) + (function.entry + 4) + distance
        found: set[int] = set()
        for low, high in self._data:
            for behind in _BEHIND:
                place = ends + behind
                found.update(place[(place >= low) & (place < high) & (place % 8 == 0)].tolist())
        return found


def _words(memory: RemoteMemory, at: int, count: int) -> tuple[int, ...]:
    """Zeros where they cannot all be read: they prove nothing."""
    raw = memory.read_up_to(at, 8 * count)
    return struct.unpack(f"<{count}Q", raw) if len(raw) == 8 * count else (0,) * count


def _goroutines(memory: RemoteMemory, candidates: Sequence[int], known: _Known, layout: Layout | None) -> _Known:
    """allgs []*g, whose first element's address is kept in allgptr and whose length in allglen."""
    heads = {at: _words(memory, at, 3) for at in candidates}
    for at, (first, length, capacity) in heads.items():
        if not 0 < length <= capacity <= _MOST_GOROUTINES or not first or first % 8:
            continue
        others = {words[0] for place, words in heads.items() if not at <= place < at + 24}
        if first in others and length in others:
            return {"runtime.allgs": at}
    return {}


def _processors(memory: RemoteMemory, candidates: Sequence[int], known: _Known, layout: Layout | None) -> _Known:
    """allp []*p, where each p begins with its number."""
    for at in candidates:
        first, length, capacity = _words(memory, at, 3)
        if not 0 < length <= min(capacity, _MOST_PROCESSORS) or not first or first % 8:
            continue
        try:
            pointers = memory.words(first, length)
            numbers = [int.from_bytes(memory.read(pointer, 4), "little") for pointer in pointers]
        except RazorprofError:
            continue
        if numbers == list(range(length)) and len(set(pointers)) == length:
            return {"runtime.gomaxprocs": at + 8}
    return {}


def _scheduler(memory: RemoteMemory, candidates: Sequence[int], known: _Known, layout: Layout | None) -> _Known:
    """sched, which begins with the last goroutine id that was given out."""
    if layout is None or "runtime.allgs" not in known or "runtime.gomaxprocs" not in known:
        return {}
    highest = _highest_id(memory, known["runtime.allgs"], layout)
    processors = int.from_bytes(memory.read(known["runtime.gomaxprocs"], 4), "little")
    at = layout.scheduler
    size = max(at.values()) + 8
    for place in candidates:
        raw = memory.read_up_to(place, size)
        if len(raw) < size:
            continue
        (last,) = struct.unpack_from("<Q", raw)
        (made,) = struct.unpack_from("<q", raw, at["mnext"])
        idle, most = (struct.unpack_from("<i", raw, at[name])[0] for name in ("nmidle", "maxmcount"))
        (resting,) = struct.unpack_from("<i", raw, at["npidle"])
        is_id = highest <= last <= highest + _BATCH * processors + _SLACK
        if is_id and 0 <= idle <= made <= 1 << 31 and made > 0 and most > 0 and 0 <= resting <= processors:
            return {"runtime.sched": place}
    return {}


def _highest_id(memory: RemoteMemory, allgs: int, layout: Layout) -> int:
    """Of the goroutines that were made last, dead or not: a dead one keeps its id until it is used again."""
    first, length, _ = memory.words(allgs, 3)
    taken = min(length, _LOOKED_AT)
    pointers = memory.words(first + 8 * (length - taken), taken)
    plan = memory.plan([(pointer + layout.goroutine["goid"], 8) for pointer in pointers])
    return int(np.frombuffer(bytes(plan.read()), dtype="<u8").max(initial=0))


def _reasons(memory: RemoteMemory, candidates: Sequence[int], known: _Known, layout: Layout | None) -> _Known:
    """waitReasonStrings: an empty text, and then one that is the same in every version."""
    for at in candidates:
        try:
            _, none, text, length = memory.words(at, 4)
            if not none and length == len(_FIRST_REASON) and memory.read(text, length) == _FIRST_REASON:
                return {"runtime.waitReasonStrings": at}
        except RazorprofError:
            continue
    return {}


def _pacer(memory: RemoteMemory, candidates: Sequence[int], known: _Known, layout: Layout | None) -> _Known:
    """gcController, whose least heap follows from GOGC."""
    if layout is None:
        return {}
    for at in candidates:
        raw = memory.read_up_to(at, _HEAP_MINIMUM + 8)
        if len(raw) < _HEAP_MINIMUM + 8:
            continue
        (percent,) = struct.unpack_from("<i", raw, layout.pacer["gcPercent"])
        (limit,) = struct.unpack_from("<q", raw, layout.pacer["memoryLimit"])
        (least,) = struct.unpack_from("<Q", raw, _HEAP_MINIMUM)
        if limit > 0 and percent >= -1 and least == _LEAST_HEAP * percent % (1 << 64) // 100:
            return {"runtime.gcController": at}
    return {}


def _pauses(memory: RemoteMemory, candidates: Sequence[int], known: _Known, layout: Layout | None) -> _Known:
    """The block of pauses, all of whose fields are used: no other variables lie like this. It may be empty yet."""
    used = set(candidates)
    found = [at for at in candidates if all(at + offset in used for offset in _BLOCK)]
    return {LAST_GC: found[0]} if len(found) == 1 else {}


_Prove = Callable[[RemoteMemory, Sequence[int], _Known, Layout | None], _Known]
# functions that use the variable, and its proof; a proof may rest on the ones before it
_PROOFS: tuple[tuple[tuple[str, ...], _Prove], ...] = (
    (("runtime.allgadd",), _goroutines),
    (("runtime.procresize",), _processors),
    (("runtime.newproc1",), _scheduler),
    (("runtime.goroutineheader",), _reasons),
    (("runtime.gcinit", "runtime.gcControllerCommit"), _pacer),
    (("runtime.gcMarkTermination",), _pauses),
)
