from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.query.functions.registry import FUNCTIONS, UNSUPPORTED, Call, Kind
from razorprof.query.values import RangeVector, Scalar, Vector
from razorprof.store.view import Matcher, MatchOp
from tests.unit.query.functions.called import ranged, run, scalar, text, vector

INF, NAN = math.inf, math.nan


def only(found: Vector) -> list[float]:
    return [float(value) for value in found.values[0][found.present[0]]]


def test_no_name_is_both_supported_and_refused() -> None:
    assert not set(FUNCTIONS) & set(UNSUPPORTED)
    assert all(name == function.name for name, function in FUNCTIONS.items())
    assert all(function.optional <= len(function.arguments) for function in FUNCTIONS.values())
    assert {function.returns for function in FUNCTIONS.values()} == {Kind.VECTOR, Kind.SCALAR}


def test_values_outside_a_domain_are_nan_and_overflows_infinite() -> None:
    np.testing.assert_array_equal(only(run("sqrt", vector([-1.0, 4.0]))), [NAN, 2.0])
    np.testing.assert_array_equal(only(run("ln", vector([-1.0, 0.0, 1.0]))), [NAN, -INF, 0.0])
    assert only(run("exp", vector([1e4, -1e4]))) == [INF, 0.0]
    np.testing.assert_array_equal(only(run("sgn", vector([-3.0, 0.0, 9.0, NAN]))), [-1.0, 0.0, 1.0, NAN])


def test_halves_are_rounded_up_and_to_any_step() -> None:
    assert only(run("round", vector([2.5, -2.5, 2.4]))) == [3.0, -2.0, 2.0]
    assert only(run("round", vector([7.0, 12.5]), scalar(5.0))) == [5.0, 15.0]


def test_clamping_between_turned_bounds_leaves_nothing() -> None:
    assert only(run("clamp", vector([-9.0, 1.0, 9.0]), scalar(0.0), scalar(2.0))) == [0.0, 1.0, 2.0]
    assert only(run("clamp", vector([1.0]), scalar(2.0), scalar(0.0))) == []
    np.testing.assert_array_equal(only(run("clamp_min", vector([NAN, 1.0]), scalar(3.0))), [NAN, 3.0])
    assert only(run("clamp_max", vector([5.0]), scalar(3.0))) == [3.0]


@settings(max_examples=200, deadline=None)
@given(st.integers(-60_000_000_000, 250_000_000_000))
def test_the_calendar_agrees_with_the_standard_library(seconds: int) -> None:
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    following = (then.replace(day=28) + timedelta(days=4)).replace(day=1)
    expected = {
        "minute": then.minute,
        "hour": then.hour,
        "day_of_week": then.isoweekday() % 7,
        "day_of_month": then.day,
        "day_of_year": then.timetuple().tm_yday,
        "days_in_month": (following - timedelta(days=1)).day,
        "month": then.month,
        "year": then.year,
    }
    assert {name: only(run(name, vector([float(seconds)])))[0] for name in expected} == expected


def test_without_an_argument_the_calendar_is_asked_for_the_evaluation_time() -> None:
    found = run("year", at=np.array([0, 1_700_000_000_000]))
    assert found.values[:, 0].tolist() == [1970.0, 2023.0]
    assert math.isnan(only(run("hour", vector([NAN])))[0])


def test_a_scalar_is_the_value_of_the_only_series() -> None:
    call = FUNCTIONS["scalar"].call
    one, two = (
        call(Call(np.zeros(1, np.int64), (vector([5.0]),))),
        call(Call(np.zeros(1, np.int64), (vector([5.0, 6.0]),))),
    )
    assert isinstance(one, Scalar)
    assert isinstance(two, Scalar)
    assert one.values.tolist() == [5.0]
    assert math.isnan(two.values[0])


def test_what_is_no_number_is_sorted_last_whichever_way() -> None:
    values = [2.0, NAN, -INF, 9.0]
    np.testing.assert_array_equal(only(run("sort", vector(values))), [-INF, 2.0, 9.0, NAN])
    np.testing.assert_array_equal(only(run("sort_desc", vector(values))), [9.0, 2.0, -INF, NAN])
    assert run("sort", vector(values)).labels[0]["series"] == "2"


def test_timestamps_are_those_of_the_samples_or_of_the_evaluation() -> None:
    at = np.array([90_000])
    found = FUNCTIONS["timestamp"].call(Call(at, (vector([1.0]),), sample_times=np.array([[61.5]])))
    assert isinstance(found, Vector)
    assert only(found) == [61.5]
    assert only(run("timestamp", vector([1.0]), at=at)) == [90.0]


def test_what_is_absent_has_the_labels_that_were_asked_to_be_equal() -> None:
    empty = Vector((), np.empty((1, 0)), np.empty((1, 0), bool))
    matchers = (
        Matcher("__name__", MatchOp.EQUAL, "up"),
        Matcher("job", MatchOp.EQUAL, "api"),
        Matcher("zone", MatchOp.EQUAL, "a"),
        Matcher("zone", MatchOp.NOT_EQUAL, "b"),
        Matcher("path", MatchOp.REGEX, "/.*"),
    )
    for name, nothing in (("absent", empty), ("absent_over_time", RangeVector(()))):
        found = FUNCTIONS[name].call(Call(np.zeros(1, np.int64), (nothing,), matchers=matchers))
        assert isinstance(found, Vector)
        assert found.labels == (Labels(job="api"),)
        assert only(found) == [1.0]


def test_nothing_is_absent_where_a_series_is() -> None:
    assert run("absent", vector([0.0])).labels == ()
    at, ranges = ranged([[1.0]], at=[0, 400_000])
    assert run("absent_over_time", ranges, at=at).present[:, 0].tolist() == [False, True]


def test_a_label_is_made_of_another_by_groups_and_names() -> None:
    series = vector([1.0], path=["/api/v2\nx"])
    found = run("label_replace", series, text("short"), text("${1}-$what-$$-$9-$"), text("path"),
                text("/(api)/(?P<what>v.).*"))  # fmt: skip
    assert found.labels[0]["short"] == "api-v2-$--$"


def test_an_expression_must_match_the_whole_value() -> None:
    series = vector([1.0], path=["api/v2"])
    kept = run("label_replace", series, text("short"), text("x"), text("path"), text("api"))
    assert kept.labels == series.labels
    gone = run("label_replace", series, text("path"), text(""), text("path"), text("api.*"))
    assert "path" not in gone.labels[0]


def test_a_label_that_is_no_text_can_be_matched() -> None:
    series = vector([1.0], path=["caf\udce9"])
    found = run("label_replace", series, text("short"), text("<$1>"), text("path"), text("(caf.)"))
    assert found.labels[0]["short"] == "<caf?>"


@pytest.mark.parametrize("pattern", ["(((a{999}){999}){999})", "(", "a**", r"(a)\1", "(?=x)", "a{1001}"])
def test_a_bad_expression_is_the_user_s_mistake(pattern: str) -> None:
    with pytest.raises(UsageError, match="invalid regular expression in label_replace"):
        run("label_replace", vector([1.0]), text("x"), text("y"), text("z"), text(pattern))


def test_labels_are_joined_in_the_order_given() -> None:
    series = vector([1.0], a=["x"], b=["y"])
    found = run("label_join", series, text("all"), text("-"), text("b"), text("none"), text("a"))
    assert found.labels[0]["all"] == "y--x"
    with pytest.raises(UsageError, match="invalid destination label name"):
        run("label_join", series, text(""), text("-"), text("b"))
