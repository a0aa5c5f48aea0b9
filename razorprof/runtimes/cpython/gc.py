"""The collector's figures out of the bytes of its struct.

Called by snapshot with bytes that were read in one go. Knows no process and does no I/O; what no CPython writes
raises CorruptState, so that a hostile or torn struct never becomes a figure. Not the standard library's gc.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from itertools import pairwise

from razorprof.runtimes.cpython.anatomy import CorruptState
from razorprof.runtimes.cpython.calibrate import Calibrated

GENERATIONS = 3
_GENERATION_BYTES = 24  # struct gc_generation: list head of two words, threshold, count
_MOST = 1 << 53  # a counter beyond this is no counter, and no float either


@dataclass(frozen=True, slots=True)
class GenerationFigures:
    """duration: seconds spent collecting it since the start, exact; None below 3.15."""

    count: int
    threshold: int
    collections: int
    collected: int
    uncollectable: int
    duration: float | None


Records = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class GcFigures:
    """One collector. garbage: address of gc.garbage; frozen_ends: neighbours of the permanent generation's head,
    to see whether that list changed; nothing_frozen: it is empty; records: per generation the (collections,
    duration) totals after each of its newest collections, oldest first; empty below 3.15."""

    enabled: bool
    collecting: bool
    generations: tuple[GenerationFigures, ...]
    garbage: int
    statistics: int | None
    frozen_ends: tuple[int, int]
    nothing_frozen: bool
    records: tuple[Records, ...] = ()


class GcParser:
    """Parses collectors of one proven layout."""

    def __init__(self, calibrated: Calibrated) -> None:
        layout = calibrated.layout
        self.size = layout.gc.size
        self._gc = layout.gc
        self._stats = layout.stats
        self._heads = [calibrated.generations + _GENERATION_BYTES * g for g in range(GENERATIONS)]
        self._rings = layout.rings

    def parse(self, raw: bytes | bytearray | memoryview, address: int, rings: bytes | None = None) -> GcFigures:
        """The figures of the collector at `address`. `rings`: its struct gc_stats, needed from 3.15 on."""
        enabled = _flag(raw, self._gc.enabled)
        collecting = _flag(raw, self._gc.collecting)
        generations = []
        records = []
        for generation, head in enumerate(self._heads):
            threshold, count = _COUNTS.unpack_from(raw, head + 16)
            if self._rings is None:
                entry = self._gc.stats + self._stats.size * generation
                collections, collected, uncollectable = _THREE.unpack_from(raw, entry)
                duration = None
            else:
                collections, collected, uncollectable, duration = self._from_rings(rings, generation)
                records.append(self._records(rings, generation, collections))
            if threshold < 0 or not all(0 <= n < _MOST for n in (collections, collected, uncollectable)):
                raise CorruptState("figures that no garbage collector has")
            generations.append(
                GenerationFigures(count, threshold, collections, collected, uncollectable, duration)
            )
        garbage = _WORD.unpack_from(raw, self._gc.garbage)[0]
        following, previous = _TWO.unpack_from(raw, self._gc.permanent)
        statistics = None if self._rings is None else _WORD.unpack_from(raw, self._gc.stats)[0]
        head = address + self._gc.permanent
        return GcFigures(
            enabled,
            collecting,
            tuple(generations),
            garbage,
            statistics,
            (following, previous),
            nothing_frozen=following & ~3 == head,
            records=tuple(records),
        )

    def _from_rings(self, rings: bytes | None, generation: int) -> tuple[int, int, int, float]:
        """The newest entry of a generation's ring; its figures are totals since the start."""
        start, index_at, entries = self._ring(rings, generation)
        index = struct.unpack_from("<b", rings or b"", index_at)[0]
        if not 0 <= index < entries:
            raise CorruptState("an index outside the collector's statistics", value=index)
        entry = start + index * self._stats.size
        collections, collected, uncollectable = (
            struct.unpack_from("<q", rings or b"", entry + at)[0]
            for at in (self._stats.collections, self._stats.collected, self._stats.uncollectable)
        )
        duration: float = struct.unpack_from("<d", rings or b"", entry + (self._stats.duration or 0))[0]
        if not (math.isfinite(duration) and 0.0 <= duration < 1e12):
            raise CorruptState("a time in garbage collection that cannot be")
        return collections, collected, uncollectable, duration

    def _records(self, rings: bytes | None, generation: int, newest: int) -> Records:
        """All entries of a ring that hold a collection, oldest first. Totals rise together, or it is no ring."""
        start, _, entries = self._ring(rings, generation)
        found = set()
        for index in range(entries):
            entry = start + index * self._stats.size
            collections = struct.unpack_from("<q", rings or b"", entry + self._stats.collections)[0]
            duration = struct.unpack_from("<d", rings or b"", entry + (self._stats.duration or 0))[0]
            if 0 < collections <= newest and math.isfinite(duration) and duration >= 0:
                found.add((collections, duration))
        ordered = tuple(sorted(found))
        if any(later[1] < earlier[1] or later[0] == earlier[0] for earlier, later in pairwise(ordered)):
            raise CorruptState("records of the garbage collector that contradict each other")
        return ordered

    def _ring(self, rings: bytes | None, generation: int) -> tuple[int, int, int]:
        """(offset of the first entry, offset of the index, number of entries) of a generation's ring."""
        where = self._rings
        if where is None or rings is None or self._stats.duration is None or len(rings) < where.size:
            raise CorruptState("the collector's statistics are not there")
        if generation == 0:
            return where.young, where.young_index, (where.young_index - where.young) // self._stats.size
        start = where.old + where.old_size * (generation - 1)
        return start, start + where.old_index, where.old_index // self._stats.size


def _flag(raw: bytes | bytearray | memoryview, offset: int) -> bool:
    value = _INT.unpack_from(raw, offset)[0]
    if value not in (0, 1):
        raise CorruptState("a flag of the garbage collector that is neither 0 nor 1", value=value)
    return bool(value)


_INT = struct.Struct("<i")
_WORD = struct.Struct("<Q")
_TWO = struct.Struct("<2Q")
_COUNTS = struct.Struct("<2i")
_THREE = struct.Struct("<3q")
