from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.query.functions import naive_windows
from tests.unit.query.functions.called import STEP, over, ranged, run

INF, NAN = math.inf, math.nan
SAMPLE = st.one_of(
    st.integers(0, 40).map(float),
    st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    st.sampled_from([NAN, INF, -INF, 0.0]),
)
TABLE = st.integers(1, 12).flatmap(
    lambda rows: st.lists(st.lists(SAMPLE, min_size=rows, max_size=rows), min_size=1, max_size=4)
)
STAMPS = st.lists(st.integers(1, 20_000), min_size=12, max_size=12)


def same(found: float | None, expected: float | None, scale: float = 0.0) -> bool:
    if found is None or expected is None:
        return found is expected
    if math.isnan(expected) or math.isnan(found):
        return math.isnan(expected) and math.isnan(found)
    return found == expected or math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9 * scale)


@settings(max_examples=120, deadline=None)
@given(TABLE, STAMPS, st.integers(1, 60), st.integers(0, 9000))
def test_windows_computed_together_give_what_each_gives_alone(
    table: list[list[float]], gaps: list[int], seconds: int, offset: int
) -> None:
    stamps = [sum(gaps[: place + 1]) for place in range(len(table[0]))]
    at = list(range(0, stamps[-1] + 20_000, 7_001))
    finite = [abs(value) for column in table for value in column if math.isfinite(value)]
    scale = max(finite, default=0.0)
    for name in (*naive_windows.OF_VALUES, "rate", "increase", "delta", "deriv"):
        found = over(name, table, seconds=seconds, at=at, times=stamps, offset=offset)
        for number, column in enumerate(table):
            for step, now in enumerate(at):
                end = now - offset
                start = end - seconds * 1000
                points = [(t / 1000, v) for t, v in zip(stamps, column, strict=True) if start < t <= end]
                expected: float | None
                if name in naive_windows.OF_VALUES:
                    of_values = naive_windows.OF_VALUES[name]
                    expected = of_values([v for _, v in points]) if points else None
                elif name == "deriv":
                    expected = naive_windows.slope(points)
                    if expected is not None and all(v == points[0][1] for _, v in points):  # NaN never is
                        expected = NAN if math.isinf(points[0][1]) else 0.0
                else:
                    expected = naive_windows.rate(
                        points, start / 1000, end / 1000, counter=name != "delta", per_second=name == "rate"
                    )
                value = found[number][step] if found else None
                assert same(value, expected, scale * (scale if "stdvar" in name else 1)), (name, points)


def test_a_small_reset_is_not_lost_behind_a_large_one() -> None:
    column = [1e18, 0.0, 1.0, 0.25, 1.25, 2.25]
    assert over("increase", [column], seconds=40, at=[5 * STEP]) == [[3.0]]


def test_a_rate_reaches_to_the_border_when_a_sample_is_where_one_is_expected() -> None:
    assert over("increase", [[0.0, 1, 2, 3, 4, 5, 6]], seconds=60) == [[pytest.approx(6.0)]]
    assert over("rate", [[0.0, 1, 2, 3, 4, 5, 6]], seconds=60) == [[pytest.approx(0.1)]]


def test_a_counter_is_not_followed_back_below_zero() -> None:
    # Samples at 20..40 s in a window from 11 s: zero was 5 s before the first sample.
    times = [20_000, 30_000, 40_000]
    assert over("increase", [[5.0, 15.0, 25.0]], seconds=29, at=[40_000], times=times) == [[25.0]]
    assert over("delta", [[5.0, 15.0, 25.0]], seconds=29, at=[40_000], times=times) == [[pytest.approx(29.0)]]


def test_a_gap_at_the_border_is_bridged_by_half_a_distance() -> None:
    times = [100_000, 110_000, 120_000]
    assert over("delta", [[0.0, 10, 20]], seconds=100, at=[150_000], times=times) == [[30.0]]


def test_a_single_sample_has_no_rate() -> None:
    for name in ("rate", "increase", "delta", "irate", "idelta", "deriv"):
        assert over(name, [[1.0]]) == []


def test_the_last_two_samples_make_an_instant_rate_and_a_reset_starts_at_zero() -> None:
    assert over("irate", [[0.0, 5, 25]]) == [[2.0]]
    assert over("irate", [[0.0, 25, 5]]) == [[0.5]]
    assert over("idelta", [[0.0, 25, 5]]) == [[-20.0]]


def test_sums_keep_what_rounding_takes_away() -> None:
    assert over("sum_over_time", [[1e100, 1.0, -1e100, 1.0]]) == [[2.0]]
    assert over("avg_over_time", [[1e100, 1.0, -1e100, 1.0]]) == [[0.5]]


def test_a_sum_that_overflows_is_infinite_and_its_mean_is_not() -> None:
    assert over("sum_over_time", [[1.7e308, 1.7e308, -1.7e308]]) == [[INF]]
    assert over("sum_over_time", [[1.7e308, -1.7e308, 1.7e308, -1.7e308, 3.0]]) == [[3.0]]
    assert over("avg_over_time", [[1.7e308, 1.7e308]]) == [[1.7e308]]


def test_infinite_samples_make_infinite_sums_and_two_of_them_none() -> None:
    assert over("sum_over_time", [[1.0, INF], [INF, -INF]])[0] == [INF]
    found = over("avg_over_time", [[1.0, -INF, 2.0], [INF, -INF, 0.0]])
    assert found[0] == [-INF]
    assert same(found[1][0], NAN)


@pytest.mark.parametrize(
    ("q", "expected"), [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0), (-0.1, -INF), (1.1, INF), (NAN, NAN)]
)
def test_quantiles_lie_between_samples(q: float, expected: float) -> None:
    found = over("quantile_over_time", [[4.0, 1.0, 3.0, 2.0]], q)
    assert same(found[0][0], expected)


def test_a_quantile_takes_nan_for_less_than_every_number() -> None:
    found = over("quantile_over_time", [[3.0, NAN, 1.0]], 0.5)
    assert found == [[1.0]]
    assert same(over("quantile_over_time", [[3.0, NAN, 1.0]], 0.0)[0][0], NAN)


def test_a_prediction_counts_from_the_evaluation_time_whatever_the_offset() -> None:
    line = [float(10 + 2 * second) for second in range(0, 50, 10)]
    for offset in (0, 20_000):
        found = over("predict_linear", [line], 100.0, at=[60_000], offset=offset)
        assert found == [[pytest.approx(10 + 2 * 160)]]


def test_a_constant_is_predicted_as_it_is_and_an_endless_one_is_unknown() -> None:
    assert over("predict_linear", [[7.0, 7.0, 7.0]], 1e9) == [[7.0]]
    assert same(over("deriv", [[INF, INF]])[0][0], NAN)


def test_only_the_newest_sample_keeps_the_name() -> None:
    when, ranges = ranged([[1.0, 2.0]])
    assert run("last_over_time", ranges, at=when).labels[0]["__name__"] == "m"
    assert "__name__" not in run("max_over_time", ranges, at=when).labels[0]
