"""Series as they are read back: labels (the name is the label __name__), times and values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels

# Prometheus' stale marker, by bit pattern (model/value/value.go there): arithmetic quiets it, so compare bits.
STALE_BITS = np.uint64(0x7FF0000000000002)
# Our own mark for "no sample in this row": another quiet NaN pattern, never handed out.
MISSING_BITS = np.uint64(0x7FF8_7A70_0000_0001)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """times: Unix seconds, ascending; values: same length, float64, may hold stale markers."""

    labels: Labels
    times: Floats
    values: Floats

    @property
    def name(self) -> str:
        return self.labels.get("__name__", "")

    def last(self) -> float | None:
        """The newest value, or None when there is none or it is a stale marker."""
        if not len(self.values) or is_stale(self.values[-1:])[0]:
            return None
        return float(self.values[-1])


def is_stale(values: Floats) -> NDArray[np.bool_]:
    """Which values are stale markers, by bit pattern."""
    stale: NDArray[np.bool_] = values.view(np.uint64) == STALE_BITS
    return stale
