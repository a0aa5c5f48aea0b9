"""Student's t against printed tables, and the critical value of many comparisons."""

from __future__ import annotations

import random

import pytest

from razorprof.analysis.compare_spread import long_run_variance
from razorprof.analysis.significance import Contrast, critical_value, upper_tail


@pytest.mark.parametrize(
    ("value", "freedom", "expected"),
    [
        (1.812, 10, 0.05),
        (2.764, 10, 0.01),
        (6.314, 1, 0.05),
        (1.645, 1e6, 0.05),
        (3.291, 1e6, 0.0005),
        (0, 5, 0.5),
    ],
)
def test_the_tail_of_students_t_is_that_of_the_tables(value: float, freedom: float, expected: float) -> None:
    assert upper_tail(value, freedom) == pytest.approx(expected, rel=2e-3)
    assert upper_tail(-value, freedom) == pytest.approx(1 - expected, rel=2e-3)


def test_many_comparisons_need_more_than_one() -> None:
    one, forty = (critical_value([Contrast(1e6)] * count) for count in (1, 40))
    assert one == pytest.approx(1.645, abs=0.01)
    assert forty == pytest.approx(3.023, abs=0.01)


def test_what_chance_cannot_carry_over_the_threshold_takes_nothing_from_the_others() -> None:
    well_measured, hard = Contrast(1e6, least=8.0), Contrast(1e6)
    assert critical_value([*[well_measured] * 39, hard]) == pytest.approx(critical_value([hard]), abs=0.01)


def test_tens_of_thousands_of_comparisons_are_no_work() -> None:
    dice = random.Random(1)
    contrasts = [Contrast(dice.uniform(20, 30), dice.uniform(0, 10)) for _ in range(50_000)]
    assert 4 < critical_value(contrasts) < 12


def test_values_that_move_slowly_spread_more_than_independent_ones() -> None:
    dice = random.Random(2)
    plain = [dice.gauss(0, 1) for _ in range(400)]
    slow = [0.0]
    for step in plain:
        slow.append(0.9 * slow[-1] + step)
    weights = [1.0] * 400
    independent, _ = long_run_variance(plain, weights)
    correlated, freedom = long_run_variance(slow[1:], weights)
    assert independent == pytest.approx(1 / 400, rel=0.3)
    assert correlated > 30 / 400  # of an endless series: 100 / 400
    assert freedom < 60
