"""Which call sites still grow: leak candidates, told from caches that fill and stop. Pure; for memray_reader.

A site is named when the least that it held rose from each window to the next, at least three times, to the last.
The first window stands for nothing but its end: everything that is recorded begins with nothing held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from razorprof.model.frame import Stack
from razorprof.model.heap import GrowingSite

LEAST_RISES = 3  # so at least four windows
_LEAST_BYTES = 4096
_SLOWING = 0.25  # the last rise against the mean: a cache that has nearly filled up grows ever less


def growing_sites(
    rows: Iterable[tuple[Stack, Sequence[int], int]], window_seconds: float
) -> tuple[GrowingSite, ...] | None:
    """The sites that grow, fastest first. rows: stack, least bytes held in each window, allocations still held.

    None where there are too few windows to judge."""
    found = []
    for stack, held, live in rows:
        if len(held) <= LEAST_RISES:
            return None
        rises = [after - before for before, after in pairwise(held)]
        grown = held[-1] - held[0]
        mean = grown / len(rises)
        if min(rises) <= 0 or grown < _LEAST_BYTES or rises[-1] < mean * _SLOWING:
            continue
        rate = mean / window_seconds if window_seconds > 0 else 0.0
        found.append(GrowingSite(stack, tuple(held), live, rate))
    return tuple(sorted(found, key=lambda site: -site.bytes_per_second))
