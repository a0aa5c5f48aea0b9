"""The functions of a range for one window, one sample after the other: what the vectorised are held to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Points = Sequence[tuple[float, float]]  # seconds, value


def rate(points: Points, start: float, end: float, *, counter: bool, per_second: bool) -> float | None:
    if len(points) < 2:
        return None
    (t0, v0), (tn, vn) = points[0], points[-1]
    change = vn - v0
    if counter:
        for (_, old), (_, new) in itertools.pairwise(points):
            if new < old:
                change += old
    span = tn - t0
    usual = span / (len(points) - 1)
    before, after = t0 - start, end - tn
    if before >= 1.1 * usual:
        before = usual / 2
    if counter and change > 0 and v0 >= 0:
        before = min(before, span * (v0 / change))
    if after >= 1.1 * usual:
        after = usual / 2
    factor = (span + before + after) / span
    return change * (factor / (end - start) if per_second else factor)


def total(values: Sequence[float]) -> float:
    if all(map(math.isfinite, values)):
        return float(sum(map(Fraction, values)))
    return sum(values)


def variance(values: Sequence[float]) -> float:
    if not all(map(math.isfinite, values)):
        return math.nan
    mean = sum(map(Fraction, values)) / len(values)
    return float(sum((Fraction(value) - mean) ** 2 for value in values) / len(values))


def least(values: Sequence[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def greatest(values: Sequence[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def changes(values: Sequence[float]) -> float:
    pairs = itertools.pairwise(values)
    return sum(old != new and not (math.isnan(old) and math.isnan(new)) for old, new in pairs)


def resets(values: Sequence[float]) -> float:
    return sum(new < old for old, new in itertools.pairwise(values))


def slope(points: Points) -> float | None:
    if len(points) < 2:
        return None
    if not all(math.isfinite(value) for _, value in points):
        return math.nan
    xs, ys = [Fraction(t) for t, _ in points], [Fraction(v) for _, v in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    over = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return float(over / sum((a - x) ** 2 for a in xs))


OF_VALUES: dict[str, Callable[[Sequence[float]], float]] = {
    "sum_over_time": total,
    "min_over_time": least,
    "max_over_time": greatest,
    "stdvar_over_time": variance,
    "count_over_time": lambda values: float(len(values)),
    "last_over_time": lambda values: values[-1],
    "present_over_time": lambda values: 1.0,
    "changes": changes,
    "resets": resets,
}
