"""A histogram that is being filled: observations in, the samples of its family out, with cumulative buckets.

Held by whoever observes (a reader for pauses, the session for read latencies); not for reading histograms back.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.metric import Metric, Sample


class HistogramState:
    """bounds: upper ends of the buckets, ascending and inclusive; the last one, infinity, is added. Not for two
    threads at once."""

    __slots__ = ("_bounds", "_counts", "_le", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        if not all(low < high for low, high in pairwise(bounds)) or not all(map(math.isfinite, bounds)):
            raise ValueError(f"the bounds of a histogram ascend and are finite: {bounds}")
        self._bounds = tuple(float(bound) for bound in bounds)
        self._le = (*(bound_text(bound) for bound in self._bounds), "+Inf")
        self._counts = [0] * len(self._le)
        self._sum = 0.0

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self._counts)

    def observe(self, value: float, times: int = 1) -> None:
        """Take an observation, or several of the same value. One that is not a number falls into the last bucket,
        as in Prometheus's own libraries."""
        place = len(self._bounds) if math.isnan(value) else bisect_left(self._bounds, value)
        self._counts[place] += times
        self._sum += value * times

    def samples(self, metric: Metric, labels: Labels = NO_LABELS) -> Iterator[Sample]:
        """The family's samples: cumulative buckets, sum and count."""
        total = 0
        for le, count in zip(self._le, self._counts, strict=True):
            total += count
            yield Sample(metric, float(total), labels.with_(le=le), "_bucket")
        yield Sample(metric, self._sum, labels, "_sum")
        yield Sample(metric, float(total), labels, "_count")


def bound_text(bound: float) -> str:
    """A bound as the label `le` holds it: a float in its shortest form, as OpenMetrics and Prometheus 3 do."""
    return repr(float(bound))
