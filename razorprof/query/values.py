"""The values that flow between the parts of an evaluation: everything is evaluated at T times at once.

An instant query is a range query with T = 1. Times are whole milliseconds, as Prometheus keeps them: sums and
differences of them are exact. Arrays are (T, S): a row per evaluation time, a column per series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.model.series import Floats

Millis = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """An instant vector at each of T times. labels: S label sets, the name as __name__ while it is kept;
    values, present: (T, S); a value counts only where it is present."""

    labels: tuple[Labels, ...]
    values: Floats
    present: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A number at each of T times: (T,)."""

    values: Floats


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The range vector of S series that share their N time stamps, cut at T times.

    times: (N,) ms, ascending; values: (N, S), real samples only; low, high: (T,) the samples of step t are
    times[low[t]:high[t]]; starts, ends: (T,) ms, the range (starts[t], ends[t]] after offset and @; at: (T,) ms,
    the evaluation times themselves.

    Series with gaps or stale markers of their own are folded: their samples stand one behind the other in a single
    column, and each pair of an evaluation time and a series is a step of its own, t * folded + s. What computes on
    windows asks only where each begins and ends, so it need not know.
    """

    labels: tuple[Labels, ...]
    times: Millis
    values: Floats
    low: Places
    high: Places
    starts: Millis
    ends: Millis
    at: Millis
    folded: int | None = None

    def unfolded(self) -> tuple[Window, ...]:
        """The same, each series in a window of its own if they were folded."""
        if self.folded is None:
            return (self,)
        return tuple(
            Window(
                (labels,),
                self.times[self.low[place] : self.high[place - self.folded]],
                self.values[self.low[place] : self.high[place - self.folded]],
                self.low[place :: self.folded] - self.low[place],
                self.high[place :: self.folded] - self.low[place],
                self.starts[place :: self.folded],
                self.ends[place :: self.folded],
                self.at[place :: self.folded],
            )
            for place, labels in enumerate(self.labels)
        )


@dataclass(frozen=True, slots=True)
class RangeVector:
    """All windows of a range selector or subquery. A label set appears once."""

    windows: tuple[Window, ...]


Value = Vector | Scalar | Text | RangeVector
