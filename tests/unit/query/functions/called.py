"""Calls of one function on hand-made values, as the evaluator would make them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.series import Floats
from razorprof.query.functions.registry import FUNCTIONS, Call
from razorprof.query.values import Millis, RangeVector, Scalar, Text, Value, Vector, Window

STEP = 10_000


def ranged(
    columns: Sequence[Sequence[float]],
    *,
    seconds: float = 300,
    at: Sequence[int] | None = None,
    times: Sequence[int] | None = None,
    offset: int = 0,
) -> tuple[Millis, RangeVector]:
    """Series of samples every ten seconds from 0 (or at `times`, ms), seen at `at` (ms; else at the last)."""
    values = np.array(columns, np.float64).T
    stamps = np.arange(len(values)) * STEP if times is None else np.array(times, np.int64)
    when = np.array([stamps[-1]] if at is None else at, np.int64)
    ends = when - offset
    starts = ends - int(seconds * 1000)
    labels = tuple(Labels(__name__="m", series=str(number)) for number in range(values.shape[1]))
    low, high = (np.searchsorted(stamps, border, side="right") for border in (starts, ends))
    return when, RangeVector((Window(labels, stamps, values, low, high, starts, ends, when),))


def vector(values: Sequence[float], **labels: Sequence[str]) -> Vector:
    """An instant vector at one time; labels: for each name the value of every series."""
    sets = tuple(
        Labels({"__name__": "m", "series": str(n)} | {name: of[n] for name, of in labels.items()})
        for n in range(len(values))
    )
    return Vector(sets, np.array([values], np.float64), np.ones((1, len(values)), bool))


def scalar(value: float, times: int = 1) -> Scalar:
    return Scalar(np.full(times, value))


def run(name: str, *arguments: Value, at: Millis | None = None) -> Vector:
    found = FUNCTIONS[name].call(Call(np.zeros(1, np.int64) if at is None else at, arguments))
    assert isinstance(found, Vector)
    return found


def over(
    name: str,
    columns: Sequence[Sequence[float]],
    *more: float,
    seconds: float = 300,
    at: Sequence[int] | None = None,
    times: Sequence[int] | None = None,
    offset: int = 0,
) -> list[list[float | None]]:
    """What a function of a range says: for each series its values, None where there is none."""
    when, ranges = ranged(columns, seconds=seconds, at=at, times=times, offset=offset)
    scalars = [scalar(value, len(when)) for value in more]
    arguments: tuple[Value, ...] = (*scalars, ranges) if name == "quantile_over_time" else (ranges, *scalars)
    found = run(name, *arguments, at=when)
    return [
        [float(v) if there else None for v, there in zip(column, present, strict=True)]
        for column, present in zip(found.values.T, found.present.T, strict=True)
    ]


def text(value: str) -> Text:
    return Text(value)


def values(found: Vector) -> Floats:
    return found.values
