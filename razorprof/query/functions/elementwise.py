"""Functions that change each value of an instant vector by itself: arithmetic, rounding, trigonometry, clamp.

They drop the name and keep which values are present. IEEE arithmetic throughout: an overflow is Inf and a value
outside a function's domain is NaN, as in Go.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from razorprof.model.series import Floats
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import nameless
from razorprof.query.values import Vector


def elementwise(change: Callable[[Floats], Floats]) -> Callable[[Call], Vector]:
    """The function that applies `change` to all values of its only argument."""

    def call(call: Call) -> Vector:
        vector = call.vector(0)
        with np.errstate(all="ignore"):
            return Vector(nameless(vector.labels), change(vector.values), vector.present)

    return call


def sign(values: Floats) -> Floats:
    """-1, 1, and what is neither (0, -0, NaN) as it is."""
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def degrees(values: Floats) -> Floats:
    return values * 180 / np.pi


def radians(values: Floats) -> Floats:
    return values * np.pi / 180


def round_(call: Call) -> Vector:
    """round(v, to_nearest=1): halves go up."""
    vector = call.vector(0)
    nearest = call.scalar(1).values[:, None] if len(call.arguments) > 1 else np.float64(1)
    with np.errstate(all="ignore"):
        inverse = 1.0 / nearest
        values = np.floor(vector.values * inverse + 0.5) / inverse
    return Vector(nameless(vector.labels), values, vector.present)


def clamp(call: Call) -> Vector:
    """clamp(v, min, max): nothing at the times where max < min."""
    vector = call.vector(0)
    low, high = (call.scalar(place).values[:, None] for place in (1, 2))
    values = _greater(low, _smaller(high, vector.values))
    return Vector(nameless(vector.labels), values, vector.present & ~(high < low))


def clamp_min(call: Call) -> Vector:
    vector = call.vector(0)
    return Vector(nameless(vector.labels), _greater(call.scalar(1).values[:, None], vector.values), vector.present)


def clamp_max(call: Call) -> Vector:
    vector = call.vector(0)
    return Vector(nameless(vector.labels), _smaller(call.scalar(1).values[:, None], vector.values), vector.present)


def _greater(one: Floats, other: Floats) -> Floats:
    """Go's math.Max: NaN wins, except over +Inf."""
    return np.where(np.isposinf(one) | np.isposinf(other), np.inf, np.maximum(one, other))


def _smaller(one: Floats, other: Floats) -> Floats:
    """Go's math.Min: NaN wins, except over -Inf."""
    return np.where(np.isneginf(one) | np.isneginf(other), -np.inf, np.minimum(one, other))
