"""Windows computed together, series with gaps of their own and steps that overlap, against each by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Floats, Series
from razorprof.query.engine import compile_query
from razorprof.query.limits import Limits
from razorprof.query.values import RangeVector, Vector
from razorprof.store.fixed import FixedView

COUNT, STEP = 90, 10.0
NAMES = (
    "avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time "
    "min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time"
)
RANGE_FUNCTIONS = [
    *(f"{name}(x[5m])" for name in NAMES.split()),
    "quantile_over_time(scalar(vector(time() / 1000)), x[5m])",
    "predict_linear(x[5m], time())",
    "max_over_time(rate(x[1m])[3m:20s])",
]


def gappy(seed: int, *, strange: bool) -> list[Series]:
    """Series that share their times but for stale markers and gaps, each at places of its own."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(23):
        times = np.arange(COUNT, dtype=np.float64) * STEP
        values = random.integers(0, 9, COUNT).cumsum().astype(np.float64)
        values[random.integers(0, COUNT, 3)] = 0.5
        if strange:
            values[random.integers(0, COUNT, 2)] = random.choice([np.nan, np.inf, -np.inf, 1e308, -1e308], 2)
        if number % 3:
            values.view(np.uint64)[random.integers(0, COUNT, number)] = STALE_BITS
        kept = np.ones(COUNT, bool)
        kept[random.integers(0, COUNT, number % 5)] = False
        found.append(Series(Labels(__name__="x", n=str(number)), times[kept], values[kept]))
    return found


def same(one: Floats, other: Floats) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))


@pytest.mark.parametrize("strange", [False, True])
@pytest.mark.parametrize("text", RANGE_FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_series_with_gaps_of_their_own_answer_as_each_alone(text: str, strange: bool) -> None:
    series, query = gappy(7, strange=strange), compile_query(text)
    together = query.range(FixedView(series), 0.0, 1100.0, 37.0).vector
    assert len(together.labels) > 20
    for place, labels in list(enumerate(together.labels))[::2]:
        (only,) = (one for one in series if one.labels["n"] == labels["n"])
        alone = query.range(FixedView([only]), 0.0, 1100.0, 37.0).vector
        assert alone.labels == (labels,)
        there = together.present[:, place]
        assert there.tolist() == alone.present[:, 0].tolist()
        assert same(together.values[there, place], alone.values[there, 0]), labels


@pytest.mark.parametrize("strange", [False, True])
@pytest.mark.parametrize("text", RANGE_FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_range_of_overlapping_windows_answers_as_each_time_alone(text: str, strange: bool) -> None:
    view, query = FixedView(gappy(8, strange=strange)), compile_query(text)
    over = query.range(view, 0.0, 1000.0, 59.0)
    for row, time in enumerate((over.times / 1000).tolist()):
        at_once = query.instant(view, time)
        assert isinstance(at_once, Vector)
        found = dict(zip(at_once.labels, at_once.values[0].tolist(), strict=True))
        there = np.flatnonzero(over.vector.present[row])
        assert {over.vector.labels[place] for place in there} == found.keys()
        for place in there.tolist():
            ours, alone = over.vector.values[row, place], found[over.vector.labels[place]]
            assert same(np.array([ours]), np.array([alone])), (over.vector.labels[place], time)


@pytest.mark.parametrize("delayed", [False, True])
def test_a_range_of_series_with_gaps_shows_each_with_its_own_times(delayed: bool) -> None:
    series = gappy(9, strange=False)
    value = compile_query("x[1m]").instant(FixedView(series), 700.0, Limits(delayed_names=delayed))
    assert isinstance(value, RangeVector)
    found = {}
    for window in value.windows:
        cut = slice(window.low[0], window.high[0])
        for place, labels in enumerate(window.labels):
            found[labels] = dict(zip(window.times[cut].tolist(), window.values[cut, place].tolist(), strict=True))
    for one in series:
        real = (one.times > 640) & (one.times <= 700) & (one.values.view(np.uint64) != STALE_BITS)
        points = zip((one.times[real] * 1000).tolist(), one.values[real].tolist(), strict=True)
        assert found.pop(one.labels, {}) == dict(points)
    assert found == {}


def test_something_is_absent_where_no_series_with_gaps_has_a_sample() -> None:
    series = [one for one in gappy(10, strange=False) if one.labels["n"] in ("14", "17")]
    query = compile_query("absent_over_time(x[10s])")
    vector = query.range(FixedView(series), 0.0, 1000.0, 10.0).vector
    there = np.zeros(101, bool)
    for one in series:
        real = one.values.view(np.uint64) != STALE_BITS
        there[(one.times[real] / 10).astype(int)] = True
    assert vector.present[:, 0].tolist() == (~there).tolist()
    assert not there.all()


def test_sums_of_overlapping_windows_lose_nothing_to_rounding() -> None:
    values = np.tile([1.0, 1e100, 1.0, -1e100], 100)
    view = FixedView([Series(Labels(__name__="x"), np.arange(400, dtype=np.float64), values)])
    for text, expected in (("sum_over_time(x[40s])", 20.0), ("avg_over_time(x[40s])", 0.5)):
        vector = compile_query(text).range(view, 43.0, 399.0, 4.0).vector
        assert set(vector.values.ravel().tolist()) == {expected}


def test_variances_of_overlapping_windows_are_those_of_each() -> None:
    random = np.random.default_rng(3)
    near, far = random.normal(0, 1, 400), random.normal(0, 1, 400)
    far[200:] += 1e9  # its mean is far from that of every window
    steps = np.repeat(np.arange(10.0), 40)  # most windows have no variance at all
    for values in (near, far, steps, near.cumsum(), np.full(400, 0.1)):
        view = FixedView([Series(Labels(__name__="x"), np.arange(400, dtype=np.float64), values)])
        found = compile_query("stdvar_over_time(x[50s])").range(view, 60.0, 399.0, 3.0)
        for row, time in enumerate((found.times // 1000).tolist()):
            expected = float(np.var(values[time - 49 : time + 1].astype(np.longdouble)))
            assert math.isclose(found.vector.values[row, 0], expected, rel_tol=1e-9, abs_tol=1e-25)


def test_averages_of_overlapping_windows_do_not_overflow() -> None:
    view = FixedView([Series(Labels(__name__="x"), np.arange(200, dtype=np.float64), np.full(200, 1.5e308))])
    means = compile_query("avg_over_time(x[40s])").range(view, 50.0, 150.0, 5.0).vector.values
    assert same(means, np.full(means.shape, 1.5e308))
    totals = compile_query("sum_over_time(x[40s])").range(view, 50.0, 150.0, 5.0).vector.values
    assert set(totals.ravel().tolist()) == {math.inf}
