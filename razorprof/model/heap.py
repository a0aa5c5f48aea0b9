"""What a process holds in memory: its mappings by kind, seen from outside, and its allocations by call site,
recorded inside. Values only; see runtimes.cpython.heap_maps and profilers.memray_reader for where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from razorprof.model.frame import Stack
from razorprof.model.profile import Profile


class MemoryKind(StrEnum):
    """Kinds of mappings. Arenas and large objects are anonymous; `heap` is what brk(2) gave."""

    HEAP = "heap"
    ANONYMOUS = "anonymous"
    STACK = "stacks"
    LIBRARY = "libraries"
    FILE = "mapped files"
    SHARED = "shared"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MemoryShare:
    """Mappings together, in bytes. unique: in nobody else's memory; proportional: shared pages by their users."""

    mappings: int = 0
    virtual_bytes: int = 0
    resident_bytes: int = 0
    proportional_bytes: int = 0
    unique_bytes: int = 0
    swapped_bytes: int = 0


@dataclass(frozen=True, slots=True)
class MemoryMapView:
    """All memory of a process at one moment (Unix seconds), by kind."""

    time: float
    kinds: Mapping[MemoryKind, MemoryShare]
    total: MemoryShare


@dataclass(frozen=True, slots=True)
class HeapSnapshot:
    """Memory at one moment of a recording, Unix seconds. heap_bytes: allocated since the recording began."""

    time: float
    resident_bytes: int
    heap_bytes: int


@dataclass(frozen=True, slots=True)
class GrowingSite:
    """A call site that holds more after every window: a leak candidate, no proof.

    held_bytes: the least that it held in each window, oldest first; all of it was allocated while recording.
    """

    stack: Stack
    held_bytes: tuple[int, ...]
    live_allocations: int
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class HeapRecord:
    """Allocations of a window by call site; what was allocated before it is not in it.

    peak: what was held when most was (the high-water mark); live: what was still held in the end; both in bytes
    with a Measure of allocations. growing: None where too few windows were seen to judge. ended: why the
    recording ended (time, asked, bytes, disk, exit, gone ...). python_objects: the small objects of Python's own
    allocator are seen one by one, and not only as its arenas. what: what `peak` holds, in words; a runtime that
    only knows what is in use now gives that as `peak` and `live` and says so here.
    """

    peak: Profile
    live: Profile
    seconds: float
    start: float
    peak_bytes: int
    allocations: int
    snapshots: tuple[HeapSnapshot, ...] = ()
    growing: tuple[GrowingSite, ...] | None = None
    windows: int = 0
    python_objects: bool = False
    ended: str = ""
    file_bytes: int = 0
    notes: tuple[str, ...] = field(default=())
    what: str = "held at the peak"
