"""Lengths of single garbage collections, as a histogram: where CPython records them itself (3.15 and later).

Called by the gc reader with the records of each read. The target keeps only its newest collections; of those
that were overwritten between two reads the number and the total time are still exact, and each of them counts
with their mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from razorprof.model.histogram import HistogramState
from razorprof.model.metric import Sample
from razorprof.runtimes.cpython.gc import Records
from razorprof.runtimes.cpython.metrics import PAUSE

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Pauses:
    """All pauses of one attached process, over its interpreters and generations."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], tuple[int, float]] = {}
        self._histogram = HistogramState(BOUNDS)

    def add(self, interpreter: int, records: Sequence[Records]) -> None:
        """Take in what is new in an interpreter's records, generation by generation. The first time, the oldest
        record is only where counting begins."""
        for generation, known in enumerate(records):
            for collections, duration in known:
                before = self._seen.get((interpreter, generation))
                if before is not None and collections > before[0]:
                    more = collections - before[0]
                    self._histogram.observe(max(0.0, duration - before[1]) / more, more)
                if before is None or collections > before[0]:
                    self._seen[interpreter, generation] = (collections, duration)

    def samples(self) -> Iterator[Sample]:
        """The histogram: cumulative buckets, sum and count."""
        return self._histogram.samples(PAUSE)
