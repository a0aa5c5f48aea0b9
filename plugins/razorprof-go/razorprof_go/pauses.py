"""The block of the collector's figures inside of runtime.memstats: proven, and followed from look to look.

Pure: takes bytes. Called by razorprof_go.collector, which reads them. The block lies the same in every version
that was measured (1.19 to 1.27), and proves itself: the ring's newest end is the time of the last collection, and
its lengths add up to the total. The same proof catches a read that fell into the runtime's writing.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from razorprof.model.histogram import bound_text
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, Sample

RING = 256
# last_gc_unix, pause_total_ns, pause_ns[256], pause_end[256], numgc, numforcedgc, gc_cpu_fraction
BLOCK = struct.Struct(f"<QQ{RING}Q{RING}QIId")
_MICROSECONDS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)
BOUNDS_NS = tuple(1000 * microseconds for microseconds in (*_MICROSECONDS, 1_000_000))
_WRAPS = 1 << 32


@dataclass(frozen=True, slots=True)
class GcBlock:
    """The figures at one moment; times in nanoseconds. cycles counts modulo 2**32, as the runtime does."""

    last_gc: int
    pause_total: int
    lengths: tuple[int, ...]
    ends: tuple[int, ...]
    cycles: int
    forced: int
    cpu_fraction: float

    def is_consistent(self) -> bool:
        """Whether it can be what the runtime keeps: false for other memory, and in the midst of being written."""
        if not 0.0 <= self.cpu_fraction <= 1.0 or self.forced > self.cycles:
            return False
        if self.cycles == 0:
            return self.last_gc == 0 and self.pause_total == 0
        total = sum(self.lengths)
        adds_up = total == self.pause_total if self.cycles <= RING else total <= self.pause_total
        return adds_up and self.ends[(self.cycles + RING - 1) % RING] == self.last_gc != 0

    def since(self, earlier: int) -> list[tuple[int, int]]:
        """(end, length) of the collections after the first `earlier` ones, oldest first; at most RING."""
        new = min(RING, (self.cycles - earlier) % _WRAPS)
        places = [(self.cycles - new + number) % RING for number in range(new)]
        return [(self.ends[place], self.lengths[place]) for place in places]


def parse_block(raw: bytes | bytearray | memoryview) -> GcBlock:
    """The block in BLOCK.size bytes."""
    found = BLOCK.unpack(raw)
    return GcBlock(found[0], found[1], found[2 : 2 + RING], found[2 + RING : 2 + 2 * RING], *found[2 + 2 * RING :])


def find_block(memory: bytes, started: int, now: int) -> list[int]:
    """Places in `memory` where a block begins that proves itself. started, now: Unix nanoseconds between which the
    last collection was. All zero memory costs next to nothing."""
    import numpy as np

    words = np.frombuffer(memory, dtype="<u8", count=len(memory) // 8)
    hits = np.flatnonzero((words >= started) & (words <= now))
    found = []
    for place in (8 * int(hit) for hit in hits):
        if place + BLOCK.size <= len(memory):
            block = parse_block(memory[place : place + BLOCK.size])
            if block.cycles and block.is_consistent():
                found.append(place)
    return found


_LABELS = (*(Labels(le=bound_text(bound / 1e9)) for bound in BOUNDS_NS), Labels(le="+Inf"))


class PauseHistogram:
    """All pauses of a process since it began. Of those that the ring had lost before they were seen the number and
    the total are exact, and each counts with their mean. Sum and count are the runtime's own, to the nanosecond.
    """

    def __init__(self) -> None:
        self._counts = [0] * len(_LABELS)
        self._cycles = 0
        self._total = 0
        self.lost = 0

    def fits(self, block: GcBlock) -> bool:
        """Whether the total rose by what the new pauses add up to, where the ring still has them all."""
        behind = (block.cycles - self._cycles) % _WRAPS
        if behind > RING:
            return block.pause_total >= self._total
        return block.pause_total - self._total == sum(length for _, length in block.since(self._cycles))

    def add(self, block: GcBlock) -> None:
        """Take in what is new of a block that fits."""
        new = block.since(self._cycles)
        for _, length in new:
            self._counts[bisect_left(BOUNDS_NS, length)] += 1
        lost = (block.cycles - self._cycles) % _WRAPS - len(new)
        if lost > 0:
            left = block.pause_total - self._total - sum(length for _, length in new)
            self._counts[bisect_left(BOUNDS_NS, left / lost)] += lost
            self.lost += lost
        self._cycles, self._total = block.cycles, block.pause_total

    def samples(self, metric: Metric) -> Iterator[Sample]:
        """The histogram's samples."""
        below = 0
        for labels, count in zip(_LABELS, self._counts, strict=True):
            below += count
            yield Sample(metric, float(below), labels, "_bucket")
        yield Sample(metric, self._total / 1e9, suffix="_sum")
        yield Sample(metric, float(below), suffix="_count")
