"""How a process's figures differ between two windows of recordings: means and highest values, side by side.

What grew and shrank in functions is analysis.compare's; this is for whoever wants to see beside it that memory
grew, too. Nothing is judged here. Pure; for the command diff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from razorprof.model.labels import Labels
from razorprof.recording.rzp_peaks import Peak

_WHOSE = ("__name__", "job", "instance", "pid", "runtime")


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A gauge, or a counter's growth a second. labels: what tells it from others of its name in one process; base,
    new: None where it was not there."""

    name: str
    labels: Labels
    unit: str
    per_second: bool
    base: Peak | None
    new: Peak | None

    @property
    def difference(self) -> float | None:
        """Of the means; None where one is missing."""
        return None if self.base is None or self.new is None else self.new.mean - self.base.mean

    @property
    def growth(self) -> float | None:
        """The same as a share of the base; None where that is nothing."""
        if self.base is None or self.difference is None or not self.base.mean:
            return None
        return self.difference / abs(self.base.mean)


def changes(base: Sequence[Peak], new: Sequence[Peak]) -> list[FigureChange]:
    """One for each figure that either side has, in the order of their names. Of several series of one name and
    labels (a process whose runtime was not known yet) the one with the later peak counts."""
    sides = [_by_figure(base), _by_figure(new)]
    found = []
    for key in sorted({*sides[0], *sides[1]}, key=lambda key: (key[0], tuple(key[1].items()))):
        before, after = sides[0].get(key), sides[1].get(key)
        known = sides[0][key] if after is None else after
        found.append(FigureChange(*key, known.unit, known.per_second, before, after))
    return found


def _by_figure(peaks: Sequence[Peak]) -> dict[tuple[str, Labels], Peak]:
    return {(peak.name, peak.labels.without(*_WHOSE)): peak for peak in sorted(peaks, key=lambda peak: peak.time)}
