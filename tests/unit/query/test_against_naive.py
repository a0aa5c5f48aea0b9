"""The vectorised evaluator says what the naive one says, on any small expression and data with holes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from razorprof.model.labels import Labels
from razorprof.model.series import MISSING_BITS, STALE_BITS, Floats, Series
from razorprof.query import evaluator
from razorprof.query.engine import compile_query
from razorprof.query.errors import EvaluationFailed
from razorprof.query.values import Vector
from razorprof.store.fixed import FixedView
from tests.unit.query.naive import EXPRESSIONS, Ambiguous, Data, Expression, Instant, Sample

START = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
GRID = [START + 15_000 * step for step in range(40)]
NUMBERS = st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.5, -4.0, 1e9]) | st.just(None)
LABEL_SETS = [
    Labels(__name__=name, a=a, b=b)
    for name in ("m", "n")
    for a in ("1", "2")
    for b in ("", "x", "xy")
    if a + b != "2x"
]


@st.composite
def data_sets(draw: st.DrawFn) -> Data:
    """Series on a common grid, most of them without holes, some with stale markers and gaps."""
    data: dict[Labels, list[Sample]] = {}
    for labels in draw(st.lists(st.sampled_from(LABEL_SETS), unique=True, min_size=1, max_size=7)):
        first = draw(st.integers(0, 10))
        values = draw(st.lists(NUMBERS, min_size=3, max_size=30))
        gaps = draw(st.sets(st.integers(0, 29), max_size=3))
        pairs = zip(GRID[first:], values, strict=False)
        data[labels] = [pair for place, pair in enumerate(pairs) if place not in gaps]
    return {labels: samples for labels, samples in data.items() if samples}


def as_view(data: Data, *, shared: bool) -> FixedView:
    """Each series with its own times, or all on one grid with the holes marked."""
    series = []
    for labels, samples in data.items():
        times = np.array([time for time, _ in samples], np.int64)
        values = np.array([0.0 if value is None else value for _, value in samples])
        values.view(np.uint64)[[value is None for _, value in samples]] = STALE_BITS
        if shared:
            row: Floats = np.full(len(GRID), MISSING_BITS, np.uint64).view(np.float64)
            row[np.searchsorted(GRID, times)] = values
            times, values = np.array(GRID), row
        series.append(Series(labels, times / 1000, values))
    return FixedView(series)


def naive_answer(expression: Expression, data: Data, time: int) -> Instant | None:
    try:
        return expression.at(data, time)
    except Ambiguous:
        return None


def equal(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6) or a == b


def row(vector: Vector, place: int) -> Instant:
    found = {
        labels: float(vector.values[place, column])
        for column, labels in enumerate(vector.labels)
        if vector.present[place, column]
    }
    assert len(found) == int(vector.present[place].sum())  # a label set stands in one column
    return found


def agree(ours: Instant, theirs: Instant) -> bool:
    return ours.keys() == theirs.keys() and all(equal(ours[labels], theirs[labels]) for labels in ours)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, data_sets(), st.sampled_from([0, 150_000, 300_001, 599_999]), st.booleans())
def test_an_instant_query_says_what_the_naive_one_says(
    expression: Expression, data: Data, time: int, shared: bool
) -> None:
    expected = naive_answer(expression, data, START + time)
    try:
        value = compile_query(expression.text).instant(as_view(data, shared=shared), (START + time) / 1000)
    except EvaluationFailed:
        assert expected is None
        return
    assert isinstance(value, Vector)
    assert expected is not None, "ambiguous, and not told so"
    assert agree(row(value, 0), expected), (row(value, 0), expected)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, data_sets(), st.sampled_from([7_000, 15_000, 60_000]), st.booleans(), st.booleans())
def test_a_range_query_is_instant_queries_one_after_the_other(
    expression: Expression, data: Data, step: int, shared: bool, in_stretches: bool
) -> None:
    times = range(START + 31_000, START + 500_000, step)
    expected = [naive_answer(expression, data, time) for time in times]
    cells = evaluator._CELLS
    evaluator._CELLS = 20 if in_stretches else cells
    try:
        found = compile_query(expression.text).range(
            as_view(data, shared=shared), times[0] / 1000, times[-1] / 1000, step / 1000
        )
    except EvaluationFailed:
        # Prometheus too refuses a range function's equal label sets at different times.
        assert None in expected or "over_time" in expression.text
        return
    finally:
        evaluator._CELLS = cells
    assert found.times.tolist() == list(times)
    for place, answer in enumerate(expected):
        assert answer is not None, "ambiguous, and not told so"
        assert agree(row(found.vector, place), answer), (place, row(found.vector, place), answer)
