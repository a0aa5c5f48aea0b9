"""Figures of a recorded process, out of hand-built columns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Series
from razorprof.model.target import Identity, Target
from razorprof.session.recorded_figures import RECORDED_FIGURES, RecordedFigure, instance_of, points_of, value_in
from razorprof.store.fixed import FixedView

WEB = instance_of(Target(Identity(7, 99), "web", 50.0), "box")
STALE = float(np.array([STALE_BITS]).view(np.float64)[0])


def figure(key: str) -> RecordedFigure:
    return next(one for one in RECORDED_FIGURES if one.key == key)


def series(name: str, times: list[float], values: list[float], **labels: str) -> Series:
    whole = {"__name__": name, "instance": "box/7", "job": "web", **labels}
    return Series(Labels(whole), np.array(times), np.array(values))


def test_a_counter_is_its_growth_a_second_through_restarts() -> None:
    view = FixedView([series("process_cpu_seconds_total", [0, 1, 2, 3, 4], [5.0, 5.5, 6.0, 0.25, 0.75])])
    times, values = points_of(view, WEB, figure("cpu"))
    assert times.tolist() == [1, 2, 3, 4]
    assert values.tolist() == [0.5, 0.5, 0.25, 0.5]
    assert value_in(view, WEB, figure("cpu"), 1.0, 3.0) == pytest.approx(0.375)
    assert value_in(view, WEB, figure("cpu"), 1.5, 3.0) == pytest.approx(0.375), "from the last point before"
    assert value_in(view, WEB, figure("cpu"), 9.0, 12.0) is None


def test_a_series_goes_on_under_other_labels_and_stale_markers_are_no_points() -> None:
    view = FixedView(
        [
            series("process_threads", [0, 1, 2], [3, 3, STALE]),
            series("process_threads", [2, 3], [4, 5], runtime="cpython"),
            series("process_threads", [0, 1, 2, 3], [90, 90, 90, 90], instance="box/8"),
        ]
    )
    times, values = points_of(view, WEB, figure("threads"))
    assert (times.tolist(), values.tolist()) == ([0, 1, 2, 3], [3, 3, 4, 5])
    assert value_in(view, WEB, figure("threads"), 2.0, 3.0) == 4.5
    assert value_in(view, WEB, figure("threads"), 3.5, 9.0) is None


def test_memory_grows_over_five_seconds_and_shrinks_too() -> None:
    resident = [1e6 * second for second in range(10)] + [9e6, 4e6]
    view = FixedView([series("process_resident_memory_bytes", list(map(float, range(12))), resident)])
    times, values = points_of(view, WEB, figure("growth"))
    assert times.tolist() == list(range(5, 12))
    assert values[0] == 1e6
    assert values[-1] == pytest.approx((4e6 - 6e6) / 5)
    assert value_in(view, WEB, figure("growth"), 0.0, 9.0) == pytest.approx(1e6)
    assert value_in(view, WEB, figure("growth"), 9.0, 11.0) == pytest.approx(-2.5e6)
    assert value_in(view, WEB, figure("rss"), 10.0, 11.0) == 6.5e6


def test_a_pause_is_the_mean_of_those_since_the_point_before() -> None:
    view = FixedView(
        [
            series("python_gc_pause_seconds_sum", [0, 1, 2, 3], [0.0, 0.2, 0.2, 1.2]),
            series("python_gc_pause_seconds_count", [0, 1, 2, 3], [0, 4, 4, 6]),
        ]
    )
    times, values = points_of(view, WEB, figure("gc_pause"))
    assert times.tolist() == [1, 3]
    assert values == pytest.approx([0.05, 0.5])
    assert value_in(view, WEB, figure("gc_pause"), 0.0, 3.0) == pytest.approx(0.2)
    assert value_in(view, WEB, figure("gc_pause"), 1.0, 2.0) is None


def test_of_two_qualities_the_better_one_counts() -> None:
    view = FixedView(
        [
            series("python_gc_seconds_total", [0, 1, 2], [0.0, 0.5, 1.0], quality="estimated"),
            series("python_gc_seconds_total", [1, 2], [0.0, 0.25], quality="exact"),
        ]
    )
    times, values = points_of(view, WEB, figure("gc_time"))
    assert (times.tolist(), values.tolist()) == ([1, 2], [0.5, 0.25])


@pytest.mark.parametrize("one", RECORDED_FIGURES, ids=lambda one: one.key)
def test_every_figure_of_nothing_is_nothing(one: RecordedFigure) -> None:
    view = FixedView([series(one.figure.metric, [5.0], [1.0], **one.figure.labels)])
    for empty in (FixedView([]), view):
        times, values = points_of(empty, WEB, one)
        assert len(times) == len(values) <= 1
        assert value_in(empty, WEB, one, -math.inf, 4.0) is None


def test_keys_and_labels_are_told_apart() -> None:
    keys = [one.key for one in RECORDED_FIGURES]
    assert len(set(keys)) == len(keys)
    assert {one.key for one in RECORDED_FIGURES if one.least} >= {
        "cpu",
        "growth",
        "gc_time",
        "gc_pause",
        "gil_held",
    }
