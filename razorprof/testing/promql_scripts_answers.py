"""What the engine answers to an eval of a query script, and how it differs from what is expected.

For promql_scripts only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from razorprof.model.labels import Labels
from razorprof.query.engine import compile_query
from razorprof.query.limits import Limits
from razorprof.query.series_notation import Points
from razorprof.query.values import RangeVector, Scalar, Text, Vector, Window
from razorprof.store.view import SeriesView
from razorprof.testing.promql_scripts_parse import Eval, Span

_TOLERANCE = 1e-6
_SMALLEST = 2.2250738585072014e-308

Row = tuple[Labels, Mapping[int, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One of the three. rows: each series with its values by time in ms, in the order of the answer."""

    rows: tuple[Row, ...] = ()
    scalar: float | None = None
    text: str | None = None

    def at(self, time: int, *, scalar: bool) -> Answer:
        """What this, of a range query, says about one time."""
        rows = tuple((labels, {time: points[time]}) for labels, points in self.rows if time in points)
        if scalar:
            return Answer(scalar=rows[0][1][time] if len(rows) == 1 and not rows[0][0] else None)
        return Answer(rows)


def ask(view: SeriesView, expression: str, when: Span, limits: Limits) -> Answer:
    """Evaluate. Raises what compile_query and the evaluation raise."""
    query = compile_query(expression)
    if when.step:
        found = query.range(view, when.start / 1000, when.end / 1000, when.step / 1000, limits)
        return Answer(_rows(found.vector, found.times.tolist()))
    value = query.instant(view, when.start / 1000, limits)
    match value:
        case Text():
            return Answer(text=value.text)
        case Scalar():
            return Answer(scalar=float(value.values[0]))
        case Vector():
            return Answer(_rows(value, [when.start]))
        case RangeVector():
            return Answer(tuple(row for window in value.windows for row in _samples(window)))


def difference(command: Eval, answer: Answer) -> str | None:
    """The first thing in which an answer is not as expected; None if it is."""
    if command.text is not None:
        return None if answer.text == command.text else f"expected {command.text!r}, got {_told(answer)}"
    if command.scalar is not None:
        if answer.scalar is not None and almost_equal(answer.scalar, command.scalar):
            return None
        return f"expected the scalar {command.scalar}, got {_told(answer)}"
    if answer.text is not None or answer.scalar is not None:
        return f"expected series, got {_told(answer)}"
    expected = {labels: _expected(points, command.grid) for labels, points in command.series}
    found = dict(answer.rows)
    for labels in expected:
        if labels not in found:
            return f"expected {_name(labels)}, not found in {_told(answer)}"
    for labels, points in found.items():
        if labels not in expected:
            return f"unexpected {_name(labels)} {dict(points)}"
        if wrong := _points_differ(expected[labels], points):
            return f"{_name(labels)}: {wrong}"
    order = [labels for labels, _ in answer.rows]
    if command.ordered and order != list(expected):
        return f"expected another order, got {', '.join(map(_name, order))}"
    return None


def almost_equal(one: float, other: float) -> bool:
    """Equal to a millionth of their size; NaN equals NaN; nothing but (nearly) zero equals zero."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    if math.isinf(one) or math.isinf(other) or math.isnan(one) or math.isnan(other):
        return False
    size = abs(one) + abs(other)
    apart = abs(one - other)
    if one == 0 or other == 0 or size < _SMALLEST:
        return apart < _TOLERANCE * _SMALLEST
    return apart / min(size, 1.7976931348623157e308) < _TOLERANCE


def _samples(window: Window) -> Iterator[Row]:
    """The series of a range vector at one time."""
    cut = slice(window.low[0], window.high[0])
    times = window.times[cut].tolist()
    if times:
        for column, labels in enumerate(window.labels):
            yield labels, dict(zip(times, window.values[cut, column].tolist(), strict=True))


def _rows(vector: Vector, steps: Sequence[int]) -> tuple[Row, ...]:
    rows = []
    for column, labels in enumerate(vector.labels):
        there = vector.present[:, column].tolist()
        points = {
            time: value
            for time, value, is_there in zip(steps, vector.values[:, column].tolist(), there, strict=True)
            if is_there
        }
        if points:
            rows.append((labels, points))
    return tuple(rows)


def _expected(points: Points, grid: Span) -> dict[int, float]:
    values, there = points.values.tolist(), points.there.tolist()
    return {
        grid.start + place * grid.step: value
        for place, (value, is_there) in enumerate(zip(values, there, strict=True))
        if is_there
    }


def _points_differ(expected: Mapping[int, float], found: Mapping[int, float]) -> str | None:
    if expected.keys() != found.keys():
        return f"expected values at {_seconds(expected)}, got them at {_seconds(found)}"
    for time, value in expected.items():
        if not almost_equal(found[time], value):
            return f"expected {value} at {time / 1000} s, got {found[time]}"
    return None


def _seconds(points: Mapping[int, float]) -> str:
    return ", ".join(f"{time / 1000} s" for time in sorted(points)) or "no time"


def _name(labels: Labels) -> str:
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    return f"{labels.get('__name__', '')}{{{inside}}}"


def _told(answer: Answer) -> str:
    if answer.text is not None:
        return f"the string {answer.text!r}"
    if answer.scalar is not None:
        return f"the scalar {answer.scalar}"
    return "; ".join(f"{_name(labels)} {dict(points)}" for labels, points in answer.rows[:20]) or "nothing"
