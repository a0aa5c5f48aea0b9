"""Where a figure leaves what it was usual until then."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.analysis.spikes import (
    DEVIATIONS,
    JOINED,
    LEAST_POINTS,
    LEAST_RATIO,
    find_spikes,
    usual,
    window_points,
)
from razorprof.model.series import Floats

START = 1_700_000_000.0
figures = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=0, max_size=300)
leasts = st.floats(1e-3, 1e3)


def every_second(values: list[float]) -> tuple[Floats, Floats]:
    return START + np.arange(float(len(values))), np.array(values, dtype=np.float64)


@given(figures, leasts)
def test_a_spike_is_above_its_median_by_all_that_is_asked_for(values: list[float], least: float) -> None:
    times, points = every_second(values)
    found = find_spikes(times, points, least=least)
    for spike in found:
        place = int(spike.time - START)
        assert spike.start <= spike.time <= spike.end
        assert spike.value == points[place]
        assert spike.value - spike.usual > max(least, LEAST_RATIO * abs(spike.usual))
        assert spike.score > 1
        first = int(spike.start - START)
        before = np.sort(points[max(0, first - window_points(times) - 20) : first])
        assert before[0] <= spike.usual <= before[-1]
    for one, other in pairwise(found):
        assert other.start - one.end > JOINED


@given(figures, leasts)
def test_nothing_that_stays_within_the_least_change_is_a_spike(values: list[float], least: float) -> None:
    times, points = every_second([value % least for value in values])
    assert find_spikes(times, points, least=least) == []


@given(figures, leasts, st.integers(-8, 8))
def test_the_unit_does_not_matter(values: list[float], least: float, power: int) -> None:
    times, points = every_second(values)
    factor = 2.0**power  # exact, so that the comparison is too
    places = [(one.start, one.time, one.end) for one in find_spikes(times, points, least=least)]
    scaled = find_spikes(times, points * factor, least=least * factor)
    assert [(one.start, one.time, one.end) for one in scaled] == places


@given(figures, leasts)
def test_what_comes_later_changes_nothing_before_it(values: list[float], least: float) -> None:
    times, points = every_second(values)
    cut = len(points) // 2
    early = [one for one in find_spikes(times, points, least=least) if one.end + JOINED < START + cut]
    assert [one for one in find_spikes(times[:cut], points[:cut], least=least) if one in early] == early


@given(st.lists(st.floats(-100, 100), min_size=LEAST_POINTS + 1, max_size=60), st.integers(8, 15))
def test_the_median_is_that_of_the_points_before(values: list[float], width: int) -> None:
    points = np.array(values)
    medians, spreads = usual(points, width)
    for place in range(LEAST_POINTS, len(points)):
        window = points[max(0, place - width) : place]
        median = np.median(window)
        assert medians[place - LEAST_POINTS] == median
        deviation = np.median(np.abs(window - median))
        assert spreads[place - LEAST_POINTS] >= max(
            DEVIATIONS * 1.48 * deviation, np.sort(window)[-1 - len(window) // 10] - median
        )


@given(st.integers(20, 280), st.integers(1, 15), st.floats(0.5, 5.0))
def test_a_burst_in_a_calm_figure_is_found_where_it_is(place: int, length: int, height: float) -> None:
    numbers = np.random.default_rng(place * 31 + length)
    values = 0.2 + numbers.uniform(-0.01, 0.01, 300)
    values[place : place + length] += height
    (found,) = find_spikes(START + np.arange(300.0), values, least=0.1)
    assert (found.start, found.end) == (START + place, START + min(299, place + length - 1))
    assert found.ratio == pytest.approx((0.2 + height) / 0.2, rel=0.2)


def test_a_step_is_told_at_its_beginning_and_becomes_usual() -> None:
    values = [0.1] * 200 + [0.9] * 400
    (found,) = find_spikes(*every_second(values), least=0.1)
    assert found.start == START + 200
    assert found.end == START + 319
    assert found.usual == pytest.approx(0.1)


def test_what_is_always_wild_has_no_spikes_but_those_wilder_than_itself() -> None:
    numbers = np.random.default_rng(5)
    values = numbers.uniform(0.0, 1.0, 2000)
    times = START + np.arange(2000.0)
    assert find_spikes(times, values, least=0.1) == []
    values[1500] = 0.5 + 2 * DEVIATIONS * 0.25 * 1.5
    (found,) = find_spikes(times, values, least=0.1)
    assert found.time == START + 1500


def test_what_comes_and_goes_all_the_time_is_usual_and_what_comes_now_and_then_is_not() -> None:
    often, seldom = (
        [0.9 if second % every < length else 0.1 for second in range(600)] for every, length in ((9, 3), (100, 4))
    )
    assert find_spikes(*every_second(often), least=0.1) == []
    found = find_spikes(*every_second(seldom), least=0.1)
    assert [one.start - START for one in found] == [100, 200, 300, 400, 500]


def test_gaps_stale_values_and_short_series_are_no_spikes() -> None:
    assert find_spikes(np.array([]), np.array([]), least=1.0) == []
    assert find_spikes(*every_second([0.0, 9.0, 0.0, 9.0]), least=1.0) == []
    times, values = every_second([1.0] * 50)
    times[25:] += 3600
    values[10] = np.nan
    values[11] = np.inf
    assert find_spikes(times, values, least=0.1) == []


def test_from_nothing_there_is_no_ratio() -> None:
    (found,) = find_spikes(*every_second([0.0] * 50 + [0.4] + [0.0] * 20), least=0.1)
    assert (found.value, found.usual, found.ratio) == (0.4, 0.0, None)


def test_windows_have_bounded_sizes_whatever_the_interval() -> None:
    for step, points in ((0.001, 240), (1.0, 120), (10.0, 12), (300.0, 8)):
        assert window_points(np.arange(50.0) * step) == points
