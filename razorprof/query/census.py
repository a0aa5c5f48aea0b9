"""count_values: how many series of each group have which value, a series for each value.

Each distinct value makes a series, so the budget bounds them. Called by the evaluator.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.query.aggregate import grouping
from razorprof.query.limits import Budget
from razorprof.query.values import Vector


def counted_values(vector: Vector, label: str, names: tuple[str, ...], without: bool, budget: Budget) -> Vector:
    """The counts, with the value in `label`, written as Go writes it without an exponent."""
    if not label:
        raise UsageError("invalid label name for count_values", value='""')
    grouped = grouping(vector.labels, names, without)
    rows, columns = np.nonzero(vector.present)
    found = vector.values[rows, columns]
    found[np.isnan(found)] = np.nan  # one NaN, whatever its bits
    bits, kind = np.unique(found.view(np.uint64), return_inverse=True)
    keys = grouped.group_of[columns] * len(bits) + kind
    distinct, place = np.unique(keys, return_inverse=True)
    budget.check_series(len(distinct))
    budget.hold(len(distinct) * len(vector.values))
    names_of = [shortest(value) for value in bits.view(np.float64).tolist()]
    series: dict[Labels, int] = {}
    column_of = np.empty(len(distinct), np.intp)
    for number, key in enumerate(distinct.tolist()):
        labels = grouped.labels[key // len(bits)].with_({label: names_of[key % len(bits)]})
        column_of[number] = series.setdefault(labels, len(series))
    counts = np.zeros((len(vector.values), len(series)))
    np.add.at(counts, (rows, column_of[place]), 1.0)
    return Vector(tuple(series), counts, counts > 0)


def shortest(value: float) -> str:
    """The fewest digits that read back as the same float, never with an exponent (Go: FormatFloat 'f', -1)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text[:-2] if text.endswith(".0") else text
