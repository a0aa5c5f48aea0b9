"""Equal label sets after an operation: columns that never meet become one, those that meet are an error.

Called by the evaluator after whatever may drop a label, and by it to join the parts of a long evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from razorprof.model.labels import Labels
from razorprof.query.errors import EvaluationFailed
from razorprof.query.functions.naming import NAME, SECOND
from razorprof.query.values import Vector

SAME_LABELS = "vector cannot contain metrics with the same labelset"


def distinct(vector: Vector, message: str = SAME_LABELS, *, strict: bool = False) -> Vector:
    """The vector with each label set in one column.

    Two samples of one label set at the same time: EvaluationFailed. strict: at any time, as Prometheus does after
    functions of ranges and unary minus.
    """
    if len(set(vector.labels)) == len(vector.labels):
        return vector
    kept = vector.present.any(axis=0)
    columns: dict[Labels, list[int]] = {}
    for place in np.flatnonzero(kept).tolist():
        columns.setdefault(vector.labels[place], []).append(place)
    values = np.empty((len(vector.values), len(columns)))
    present = np.empty(values.shape, bool)
    for place, (labels, members) in enumerate(columns.items()):
        marks = vector.present[:, members]
        if len(members) > 1 and (strict or (marks.sum(axis=1) > 1).any()):
            raise EvaluationFailed(
                message, value=shown(labels), hint="keep a label that tells the series apart, or aggregate them"
            )
        values[:, place] = vector.values[np.arange(len(values)), np.asarray(members)[marks.argmax(axis=1)]]
        present[:, place] = marks.any(axis=1)
    return Vector(tuple(columns), values, present)


def joined(parts: Sequence[Vector]) -> Vector:
    """Vectors of consecutive times as one."""
    first = parts[0].labels
    if all(part.labels is first or part.labels == first for part in parts):
        if len(parts) == 1:
            return parts[0]
        values = np.concatenate([part.values for part in parts])
        return Vector(first, values, np.concatenate([part.present for part in parts]))
    places: dict[Labels, int] = {}
    for part in parts:
        for labels in part.labels:
            places.setdefault(labels, len(places))
    rows = sum(len(part.values) for part in parts)
    values, present = np.zeros((rows, len(places))), np.zeros((rows, len(places)), bool)
    row = 0
    for part in parts:
        to = [places[labels] for labels in part.labels]
        values[row : row + len(part.values), to] = part.values
        present[row : row + len(part.values), to] = part.present
        row += len(part.values)
    return Vector(tuple(places), values, present)


def shown(labels: Labels) -> str:
    """A label set as Prometheus writes it, shortened: error messages quote it."""
    name = labels.get(NAME, "")
    inside = ", ".join(f'{key}="{value}"' for key, value in labels.items() if key not in (NAME, SECOND))
    text = f"{name}{{{inside}}}"
    return text if len(text) <= 200 else text[:200] + "…"
