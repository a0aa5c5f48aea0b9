"""Aggregations: many series into one for each group, at all T times at once.

Groups of equally many series are computed together as (T, n, G) arrays; who is in which group is found once for
the same series and remembered. What picks series (topk, bottomk) is in `ranking`, what makes new ones of their
values (count_values) in `census`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import Floats
from razorprof.query.functions.naming import NAME, SECOND, label_of, renamed
from razorprof.query.functions.sums import exact_sum, sum_and_lost
from razorprof.query.remembering import remembered
from razorprof.query.values import Bools, Places, Vector

# values, present: (T, n, G); parameter: (T,) or None. Answers (T, G), of any value where nothing is present.
Reduction = Callable[[Floats, Bools], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """G groups of n series each. groups: (G,) their places in the result; columns: (n, G)."""

    groups: Places
    columns: Places


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """labels: of the groups, in the order of their first series; group_of: (S,)."""

    labels: tuple[Labels, ...]
    group_of: Places
    cohorts: tuple[Cohort, ...]


@remembered
def grouping(labels: tuple[Labels, ...], names: tuple[str, ...], without: bool) -> Grouping:
    """Who belongs together."""
    keys = [one.without(NAME, SECOND, *names) if without else _only(one, names) for one in labels]
    if not without and NAME in names:
        dropped = {key for key, one in zip(keys, labels, strict=True) if NAME not in one}
        keys = [key.without(NAME) if key in dropped else key for key in keys]
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    group_of = np.array([place[key] for key in keys], np.intp)
    sizes = np.bincount(group_of, minlength=len(place))
    columns = np.argsort(group_of, kind="stable")
    starts = np.cumsum(sizes) - sizes
    cohorts = []
    for size in np.unique(sizes).tolist():
        groups = np.flatnonzero(sizes == size)
        cohorts.append(Cohort(groups, columns[starts[groups] + np.arange(size)[:, None]]))
    return Grouping(tuple(place), group_of, tuple(cohorts))


def aggregate(operator: str, vector: Vector, names: tuple[str, ...], without: bool) -> Vector:
    """sum, avg, min, max, group, count, stddev, stdvar."""
    return reduced(vector, grouping(vector.labels, names, without), _REDUCTIONS[operator])


def quantiles(vector: Vector, parameter: Floats, names: tuple[str, ...], without: bool) -> Vector:
    """The quantile at each time: below 0 -Inf, above 1 +Inf, NaN of NaN; samples that are NaN count as lowest."""
    return reduced(
        vector,
        grouping(vector.labels, names, without),
        lambda values, present: _quantile(values, present, parameter),
    )


def reduced(vector: Vector, grouped: Grouping, reduction: Reduction) -> Vector:
    rows = len(vector.values)
    values = np.zeros((rows, len(grouped.labels)))
    present = np.zeros(values.shape, bool)
    for cohort in grouped.cohorts:
        marks = vector.present[:, cohort.columns]
        with np.errstate(all="ignore"):
            values[:, cohort.groups] = reduction(vector.values[:, cohort.columns], marks)
        present[:, cohort.groups] = marks.any(axis=1)
    return Vector(grouped.labels, values, present)


def _only(labels: Labels, names: tuple[str, ...]) -> Labels:
    kept = Labels({name: label_of(labels, name) for name in names})
    return renamed(kept, kept[NAME]) if NAME in kept and SECOND in labels else kept


def _count(values: Floats, present: Bools) -> Floats:
    counts: Floats = present.sum(axis=1).astype(np.float64)
    return counts


def _one(values: Floats, present: Bools) -> Floats:
    return np.ones((values.shape[0], values.shape[2]))


def _sum(values: Floats, present: Bools) -> Floats:
    kept = np.where(present, values, 0.0)
    total, lost = sum_and_lost(kept)
    result: Floats = np.where(np.isfinite(total), total + lost, total)
    overflowed = ~np.isfinite(total) & np.isfinite(kept).all(axis=1)
    for step, group in np.argwhere(overflowed).tolist():  # in the order of the series it may stay finite
        result[step, group] = exact_sum(kept[step : step + 1, :, group : group + 1])[0, 0]
    return result


def _mean(values: Floats, present: Bools) -> Floats:
    counts = np.maximum(_count(values, present), 1.0)
    kept = np.where(present, values, 0.0)
    total, lost = sum_and_lost(kept)
    mean: Floats = total / counts + lost / counts
    if not np.isfinite(mean).all():
        total_of_parts, rest = sum_and_lost(kept / counts[:, None, :])  # finite samples have a finite mean
        finite = np.isfinite(kept).all(axis=1)
        mean = np.where(np.isfinite(mean), mean, np.where(finite, total_of_parts + rest, total))
    return mean


def _least(values: Floats, present: Bools) -> Floats:
    least: Floats = np.fmin.reduce(np.where(present, values, np.nan), axis=1)  # a number replaces NaN
    return least


def _greatest(values: Floats, present: Bools) -> Floats:
    greatest: Floats = np.fmax.reduce(np.where(present, values, np.nan), axis=1)
    return greatest


def _variance(values: Floats, present: Bools) -> Floats:
    away = values - _mean(values, present)[:, None, :]
    return _mean(away * away, present)


def _deviation(values: Floats, present: Bools) -> Floats:
    deviation: Floats = np.sqrt(_variance(values, present))
    return deviation


def _quantile(values: Floats, present: Bools, parameter: Floats) -> Floats:
    counts = present.sum(axis=1)
    class_of = np.where(present, np.where(np.isnan(values), 0, 1), 2)
    order = np.lexsort((np.where(np.isnan(values), 0.0, values), class_of), axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    rank = np.clip(np.nan_to_num(parameter), 0.0, 1.0)[:, None] * np.maximum(counts - 1, 0)
    lower = np.floor(rank).astype(np.intp)
    upper = np.minimum(lower + 1, np.maximum(counts - 1, 0))
    weight = rank - lower
    low = np.take_along_axis(ordered, lower[:, None, :], axis=1)[:, 0]
    high = np.take_along_axis(ordered, upper[:, None, :], axis=1)[:, 0]
    within: Floats = low * (1 - weight) + high * weight
    outside = np.select([np.isnan(parameter), parameter < 0, parameter > 1], [np.nan, -np.inf, np.inf], 0.0)
    return np.where(outside[:, None] == 0.0, within, outside[:, None])


_REDUCTIONS: dict[str, Reduction] = {
    "sum": _sum,
    "avg": _mean,
    "min": _least,
    "max": _greatest,
    "group": _one,
    "count": _count,
    "stddev": _deviation,
    "stdvar": _variance,
}
