"""The calendar functions: what the clock on the wall and the calendar say at a Unix time, in UTC.

Seconds are cut to whole ones towards zero, as Go's time.Unix(int64(v), 0) does. What is no time (NaN, Inf, beyond
the years that 64 bits of seconds hold) gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import NO_LABELS
from razorprof.query.functions.call import Call
from razorprof.query.functions.naming import nameless
from razorprof.query.values import Vector

Whole = NDArray[np.int64]
_DAY = 86_400
_FARTHEST = 2.0**62  # seconds; leaves room for the arithmetic below


def calendar(part: Callable[[Whole], Whole]) -> Callable[[Call], Vector]:
    """The function of a vector of Unix times, the evaluation time where it is missing; part: of whole seconds."""

    def call(call: Call) -> Vector:
        if call.arguments:
            vector = call.vector(0)
        else:
            times = call.at[:, None] / 1000
            vector = Vector((NO_LABELS,), times, np.ones(times.shape, bool))
        known = np.abs(vector.values) < _FARTHEST  # False for NaN
        seconds = np.where(known, vector.values, 0).astype(np.int64)
        values = np.where(known, part(seconds).astype(np.float64), np.nan)
        return Vector(nameless(vector.labels), values, vector.present)

    return call


def minute(seconds: Whole) -> Whole:
    return seconds % 3600 // 60


def hour(seconds: Whole) -> Whole:
    return seconds % _DAY // 3600


def day_of_week(seconds: Whole) -> Whole:
    """0 is Sunday; the epoch was a Thursday."""
    return (seconds // _DAY + 4) % 7


def day_of_month(seconds: Whole) -> Whole:
    return seconds // _DAY - _first_day(_months(seconds)) + 1


def day_of_year(seconds: Whole) -> Whole:
    months = _months(seconds)
    return seconds // _DAY - _first_day(months - months % 12) + 1


def days_in_month(seconds: Whole) -> Whole:
    months = _months(seconds)
    return _first_day(months + 1) - _first_day(months)


def month(seconds: Whole) -> Whole:
    return _months(seconds) % 12 + 1


def year(seconds: Whole) -> Whole:
    return _months(seconds) // 12 + 1970


def _months(seconds: Whole) -> Whole:
    """Months since January 1970."""
    return (seconds // _DAY).astype("M8[D]").astype("M8[M]").astype(np.int64)


def _first_day(months: Whole) -> Whole:
    """Days since the epoch of the first day of a month."""
    return months.astype("M8[M]").astype("M8[D]").astype(np.int64)
