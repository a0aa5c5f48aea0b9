"""topk and bottomk: the series of greatest or least value in each group, with their own labels.

NaN comes last for both; of equal values the series whose labels sort first is taken first, as Prometheus meets
them in its blocks. An instant query answers in the order of the values. Called by the evaluator.
"""

from __future__ import annotations

import math

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.aggregate import grouping
from razorprof.query.errors import EvaluationFailed
from razorprof.query.values import Places, Vector

_MOST = 2**63


def ranked(operator: str, vector: Vector, parameter: Floats, names: tuple[str, ...], without: bool) -> Vector:
    """The first k of each group at each time; k is cut to a whole number, below 1 it picks nothing."""
    wanted = _whole(parameter)
    grouped = grouping(vector.labels, names, without)
    present = np.zeros(vector.present.shape, bool)
    sign = -1.0 if operator == "topk" else 1.0
    order_of_first = np.zeros(len(vector.labels), np.intp)
    place_of = np.empty(len(vector.labels), np.intp)
    place_of[sorted(range(len(vector.labels)), key=lambda place: tuple(vector.labels[place].items()))] = np.arange(
        len(vector.labels)
    )
    for cohort in grouped.cohorts:
        values, marks = vector.values[:, cohort.columns], vector.present[:, cohort.columns]
        class_of = np.where(marks, np.where(np.isnan(values), 1, 0), 2)
        among_equals = np.broadcast_to(place_of[cohort.columns], values.shape)
        order = np.lexsort((among_equals, sign * np.where(class_of == 0, values, 0.0), class_of), axis=1)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :, None], axis=1)
        present[:, cohort.columns] = marks & (rank < wanted[:, None, None])
        order_of_first[cohort.columns] = rank[0]
    if len(vector.values) != 1:
        return Vector(vector.labels, vector.values, present)
    places = np.lexsort((order_of_first, grouped.group_of))
    places = places[present[0, places]]
    labels = tuple(vector.labels[place] for place in places)
    return Vector(labels, vector.values[:, places], present[:, places])


def _whole(parameter: Floats) -> Places:
    bad = parameter[np.isnan(parameter) | (parameter >= _MOST) | (parameter <= -_MOST)]
    if len(bad):
        text = "NaN" if math.isnan(bad[0]) else f"{bad[0]:g}"
        raise EvaluationFailed(f"scalar value {text} overflows int64", hint="k is a whole number")
    return np.trunc(parameter).astype(np.intp)
