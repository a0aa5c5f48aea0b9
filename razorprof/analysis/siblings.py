"""Which worker of many is sick: how far each deviates from its siblings, by a robust z-score.

Median and median absolute deviation, so that one sick worker does not hide itself by moving the mean.
Source of the constants: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993): modified z-score,
1.4826 x MAD estimates the standard deviation of a normal distribution; above 3.5 is an outlier.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

OUTLIER = 3.5
_MAD_TO_SIGMA = 1.4826

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Deviation:
    """score: modified z-score, signed; figure: the one that deviates most; value: this worker's; usual: the
    siblings' median."""

    score: float
    figure: str
    value: float
    usual: float


@dataclass(frozen=True, slots=True)
class Figure:
    """How a figure is judged. floor: the smallest spread, in its unit, that means anything: below it all
    workers count as equal (two idle workers at 0.1 % and 0.3 % CPU do not differ)."""

    name: str
    floor: float


def deviations(rows: Mapping[K, Mapping[str, float]], figures: tuple[Figure, ...]) -> dict[K, Deviation]:
    """For each worker its largest deviation. At least three workers are needed for one to be odd; else empty.

    rows: worker -> figure name -> value; a figure that a worker lacks is not judged for it. The spread of a
    figure is never taken smaller than its floor or 5 % of its median.
    """
    worst: dict[K, Deviation] = {}
    if len(rows) < 3:
        return worst
    for figure in figures:
        values = {key: row[figure.name] for key, row in rows.items() if figure.name in row}
        if len(values) < 3:
            continue
        usual = median(values.values())
        spread = _MAD_TO_SIGMA * median(abs(value - usual) for value in values.values())
        sigma = max(spread, figure.floor, abs(usual) * 0.05)
        for key, value in values.items():
            score = (value - usual) / sigma
            if key not in worst or abs(score) > abs(worst[key].score):
                worst[key] = Deviation(score, figure.name, value, usual)
    return worst
