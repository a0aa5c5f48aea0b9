"""The collector's figures as a Go runtime keeps them, made by hand."""

from __future__ import annotations

from razorprof_go.pauses import BLOCK, RING

EPOCH = 1_700_000_000 * 10**9


class Ring:
    """A runtime that collects: call `collect` with lengths in nanoseconds, take the bytes with `raw`."""

    def __init__(self) -> None:
        self.lengths, self.ends = [0] * RING, [0] * RING
        self.cycles = self.total = self.last = self.forced = 0
        self.fraction = 0.0

    def collect(self, *lengths: int) -> Ring:
        for length in lengths:
            place = self.cycles % RING
            self.last = EPOCH + 1_000_000 * (self.cycles + 1)
            self.lengths[place], self.ends[place] = length, self.last
            self.total += length
            self.cycles += 1
        return self

    def raw(self, *, last: int | None = None, total: int | None = None) -> bytes:
        return BLOCK.pack(
            self.last if last is None else last,
            self.total if total is None else total,
            *self.lengths,
            *self.ends,
            self.cycles,
            self.forced,
            self.fraction,
        )
