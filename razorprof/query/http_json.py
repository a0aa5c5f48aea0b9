"""Answers in the shape of Prometheus's HTTP API: the `data` object, its numbers written as Prometheus writes them.

For the query command; whoever serves that API may use it too. Says nothing of transport.
"""

from __future__ import annotations

import math
from typing import Any

from razorprof.errors import NotSupported, RazorprofError, TimedOut, UsageError
from razorprof.model.labels import Labels
from razorprof.query.engine import RangeResult
from razorprof.query.errors import EvaluationFailed, QueryTooLarge
from razorprof.query.values import RangeVector, Scalar, Text, Value, Vector

_SMALLEST, _LARGEST = 1e-6, 1e21  # what lies outside has an exponent (util/jsonutil there)
Point = list[Any]  # [Unix seconds, value as text]


def instant_data(value: Value, time: float) -> dict[str, Any]:
    """`data` of an instant query that was asked for `time`, Unix seconds."""
    at = _seconds(round(time * 1000))
    match value:
        case Scalar():
            return {"resultType": "scalar", "result": [at, format_scalar(float(value.values[0]))]}
        case Text():
            return {"resultType": "string", "result": [at, value.text]}
        case Vector():
            result = [
                {"metric": dict(labels), "value": [at, format_value(number)]}
                for labels, number, there in zip(
                    value.labels, value.values[0].tolist(), value.present[0].tolist(), strict=True
                )
                if there
            ]
            return {"resultType": "vector", "result": result}
        case RangeVector():
            return {"resultType": "matrix", "result": _windows(value)}


def range_data(answer: RangeResult) -> dict[str, Any]:
    """`data` of a range query: a matrix, series in the order of their labels."""
    times = [_seconds(stamp) for stamp in answer.times.tolist()]
    vector = answer.vector
    result = []
    for place, labels in enumerate(vector.labels):
        points: list[Point] = [
            [time, format_value(number)]
            for time, number, there in zip(
                times, vector.values[:, place].tolist(), vector.present[:, place].tolist(), strict=True
            )
            if there
        ]
        if points:
            result.append({"metric": dict(labels), "values": points})
    return {"resultType": "matrix", "result": result}


def error_answer(error: RazorprofError) -> dict[str, Any]:
    """The whole answer for what failed; the hint is our addition."""
    return {"status": "error", "errorType": _error_type(error), "error": str(error), "hint": error.hint}


def format_value(value: float) -> str:
    """A sample's value, as in vectors and matrices: the shortest digits that tell it, 1e+21 and 1e-07 so."""
    if value == 0 or not math.isfinite(value) or _SMALLEST <= abs(value) < _LARGEST:
        return format_scalar(value)
    return format_exponent(value)


def format_exponent(value: float) -> str:
    """A number with an exponent, as an alert's value is written: Go's strconv with 'e' and -1."""
    if not math.isfinite(value):
        return format_scalar(value)
    mantissa, exponent = _digits(value) if value else ("0", 0)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    rest = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{sign}{mantissa[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def format_scalar(value: float) -> str:
    """A number without an exponent, whatever its size: Go's strconv with 'f' and -1."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0:
        return sign + "0"
    digits, exponent = _digits(value)
    point = exponent + 1  # places of the point from the left of the digits
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def _digits(value: float) -> tuple[str, int]:
    """The shortest digits that tell the value, and the power of ten of the first. Python's repr finds Go's."""
    text = repr(abs(value))
    mantissa, _, power = text.partition("e")
    whole, _, rest = mantissa.partition(".")
    digits = (whole + rest).lstrip("0")
    leading = len(whole + rest) - len(digits)
    return digits.rstrip("0") or "0", int(power or 0) + len(whole) - 1 - leading


def _windows(value: RangeVector) -> list[dict[str, Any]]:
    result = []
    for window in value.windows:
        low, high = int(window.low[0]), int(window.high[0])
        times = [_seconds(stamp) for stamp in window.times[low:high].tolist()]
        if not times:
            continue
        for place, labels in enumerate(window.labels):
            numbers = window.values[low:high, place].tolist()
            points = [[time, format_value(number)] for time, number in zip(times, numbers, strict=True)]
            result.append({"metric": dict(labels), "values": points})
    return sorted(result, key=_by_labels)


def _by_labels(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(Labels(row["metric"]).items())


def _seconds(millis: int) -> float | int:
    return millis // 1000 if millis % 1000 == 0 else millis / 1000


def _error_type(error: RazorprofError) -> str:
    """Prometheus's word for a kind of failure."""
    match error:
        case TimedOut():
            return "timeout"
        case EvaluationFailed() | QueryTooLarge():
            return "execution"
        case UsageError() | NotSupported():
            return "bad_data"
        case _:
            return "internal"
