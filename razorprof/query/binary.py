"""Operators between numbers: arithmetic and comparison, on scalars and between a vector and a scalar.

Between two vectors it is `matching` that finds the pairs; the numbers are computed here for it too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.naming import nameless
from razorprof.query.values import Bools, Scalar, Vector

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def compares(operator: str) -> bool:
    return operator in _COMPARISONS


def arithmetic(operator: str, left: Floats, right: Floats) -> Floats:
    """IEEE 754 as in Go: x/0 is infinite or NaN, % is fmod."""
    with np.errstate(all="ignore"):
        result: Floats = _ARITHMETIC[operator](left, right)
    return result


def comparison(operator: str, left: Floats, right: Floats) -> Bools:
    """Whether it holds. NaN equals nothing."""
    with np.errstate(all="ignore"):
        result: Bools = _COMPARISONS[operator](left, right)
    return result


def between_scalars(operator: str, left: Scalar, right: Scalar) -> Scalar:
    """A comparison answers 0 or 1."""
    if compares(operator):
        return Scalar(comparison(operator, left.values, right.values).astype(np.float64))
    return Scalar(arithmetic(operator, left.values, right.values))


def with_scalar(operator: str, vector: Vector, scalar: Scalar, *, scalar_left: bool, as_bool: bool) -> Vector:
    """A filtering comparison keeps the vector's own values and names, on whichever side it stands."""
    number = scalar.values[:, None]
    left, right = (number, vector.values) if scalar_left else (vector.values, number)
    if not compares(operator):
        return Vector(nameless(vector.labels), arithmetic(operator, left, right), vector.present)
    holds = comparison(operator, left, right)
    if as_bool:
        return Vector(nameless(vector.labels), holds.astype(np.float64), vector.present)
    return Vector(vector.labels, vector.values, vector.present & holds)


def negated(value: Scalar | Vector) -> Scalar | Vector:
    """Unary minus."""
    if isinstance(value, Scalar):
        return Scalar(-value.values)
    return Vector(nameless(value.labels), -value.values, value.present)
