from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.model.labels import Labels
from razorprof.query.functions.registry import FUNCTIONS, Call
from razorprof.query.values import Scalar, Vector
from tests.unit.query.functions.called import run, scalar

INF, NAN = math.inf, math.nan
BOUNDS = ["0.1", "0.5", "1", "+Inf"]


def buckets(counts: Mapping[str, float], **labels: str) -> Vector:
    sets = tuple(Labels(__name__="h_bucket", le=bound, **labels) for bound in counts)
    return Vector(sets, np.array([list(counts.values())]), np.ones((1, len(counts)), bool))


def quantile(q: float, counts: Mapping[str, float]) -> float:
    found = run("histogram_quantile", scalar(q), buckets(counts))
    assert found.labels == (Labels(),)
    return float(found.values[0, 0])


def fraction(lower: float, upper: float, counts: Mapping[str, float]) -> float:
    return float(run("histogram_fraction", scalar(lower), scalar(upper), buckets(counts)).values[0, 0])


USUAL = {"0.1": 10.0, "0.5": 50.0, "1": 90.0, "+Inf": 100.0}


@pytest.mark.parametrize(
    ("q", "expected"),
    [(0.05, 0.05), (0.1, 0.1), (0.3, 0.3), (0.9, 1.0), (0.95, 1.0), (1.0, 1.0), (-0.1, -INF), (1.5, INF)],
)
def test_a_quantile_is_linear_within_its_bucket(q: float, expected: float) -> None:
    assert quantile(q, USUAL) == pytest.approx(expected)


def test_a_quantile_of_nan_or_of_nothing_is_unknown() -> None:
    assert math.isnan(quantile(NAN, USUAL))
    assert math.isnan(quantile(0.5, dict.fromkeys(BOUNDS, 0.0)))
    assert math.isnan(quantile(0.5, {"0.1": 1.0, "0.5": 2.0}))  # no +Inf
    assert math.isnan(quantile(0.5, {"+Inf": 2.0}))


def test_the_order_of_buckets_and_the_writing_of_bounds_do_not_matter() -> None:
    turned = {"+Inf": 100.0, "1": 60.0, "1.0": 30.0, "0.5": 50.0, "1e-1": 10.0}
    assert quantile(0.7, turned) == pytest.approx(quantile(0.7, USUAL))


def test_a_bound_that_is_no_number_is_left_out() -> None:
    assert quantile(0.3, USUAL | {"much": 7.0, "": 3.0, "1_0": 2.0}) == pytest.approx(0.3)


def test_counts_that_fall_are_taken_to_stay() -> None:
    assert quantile(0.5, {"1": 10.0, "2": 8.0, "3": 20.0, "+Inf": 20.0}) == pytest.approx(1.0)
    rounding = {"1": 10.0, "2": 10.0 + 1e-13, "3": 20.0, "+Inf": 20.0}
    assert quantile(0.5 + 1e-14, rounding) == pytest.approx(2.0)


def test_negative_bounds_have_no_zero_to_start_from() -> None:
    assert quantile(0.1, {"-1": 5.0, "1": 10.0, "+Inf": 10.0}) == -1.0
    assert fraction(-INF, -1.0, {"-1": 5.0, "1": 10.0, "+Inf": 10.0}) == 0.5
    assert fraction(-5.0, -1.0, {"-1": 5.0, "1": 10.0, "+Inf": 10.0}) == 0.0


def test_fractions_are_shares_of_all_observations() -> None:
    assert fraction(0.0, 0.1, USUAL) == pytest.approx(0.1)
    assert fraction(0.1, 0.3, USUAL) == pytest.approx(0.2)
    assert fraction(-INF, INF, USUAL) == 1.0
    assert fraction(0.5, 0.5, USUAL) == 0.0
    assert fraction(1.0, 7.0, USUAL) == 0.0  # nothing is known above the highest bound but one
    assert math.isnan(fraction(NAN, 1.0, USUAL))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.floats(0.01, 1.0))
def test_the_share_below_a_quantile_is_that_quantile(steps: list[int], q: float) -> None:
    counts = np.cumsum([*steps, 0]).tolist()
    bounds = dict(zip(["0.5", "1", "2", "4", "+Inf"], map(float, counts), strict=True))
    if not counts[-1]:
        assert math.isnan(quantile(q, bounds))
    else:
        assert fraction(0.0, quantile(q, bounds), bounds) == pytest.approx(q)


def test_histograms_with_missing_buckets_are_computed_from_what_is_there() -> None:
    whole = buckets(USUAL, job="a")
    labels = whole.labels + buckets(USUAL, job="b").labels
    values = np.array([[*USUAL.values()] * 2] * 3)
    present = np.ones((3, 8), bool)
    present[1, 4:] = False  # b is gone
    present[2, 2] = False  # a lacks a bucket
    call = Call(np.arange(3), (Scalar(np.full(3, 0.7)), Vector(labels, values, present)))
    found = FUNCTIONS["histogram_quantile"].call(call)
    assert isinstance(found, Vector)
    assert found.labels == (Labels(job="a"), Labels(job="b"))
    assert found.present.tolist() == [[True, True], [True, False], [True, True]]
    assert found.values[:, 0].tolist() == pytest.approx([0.75, 0.75, 0.5])
    assert found.values[2, 1] == pytest.approx(0.75)
