"""What a query answers: looking back, stale markers, times, operators, aggregations, order, limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from razorprof.clock import ManualClock
from razorprof.errors import TimedOut, UsageError
from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Series
from razorprof.query.engine import RangeResult, compile_query
from razorprof.query.errors import EvaluationFailed, QueryTooLarge
from razorprof.query.limits import Limits
from razorprof.query.values import RangeVector, Scalar, Text, Vector
from razorprof.store.fixed import FixedView

STALE = float(STALE_BITS.view(np.float64))
NAN, INF = math.nan, math.inf


def series(text: str, values: list[float], *, start: float = 0.0, step: float = 60.0) -> Series:
    """``name a=1 b=2`` and values at start, start + step, ..."""
    name, *pairs = text.split()
    labels = dict(pair.split("=") for pair in pairs)
    array = np.array(values, np.float64)
    array.view(np.uint64)[[value is STALE for value in values]] = STALE_BITS
    return Series(Labels(labels, __name__=name), start + step * np.arange(len(values), dtype=np.float64), array)


def at(view: FixedView, text: str, time: float = 0.0) -> dict[str, float]:
    """The answer as {labels in a word: value}, in its order."""
    value = compile_query(text).instant(view, time)
    assert isinstance(value, Vector)
    assert value.present.all()
    words = [" ".join(f"{k}={v}" for k, v in labels.items()) for labels in value.labels]
    return dict(zip(words, value.values[0].tolist(), strict=True))


def number(text: str, time: float = 0.0) -> float:
    value = compile_query(text).instant(FixedView([]), time)
    assert isinstance(value, Scalar)
    return float(value.values[0])


def rows(result: RangeResult) -> dict[str, list[float | None]]:
    return {
        " ".join(f"{k}={v}" for k, v in labels.items()): [
            float(value) if there else None
            for value, there in zip(result.vector.values[:, place], result.vector.present[:, place], strict=True)
        ]
        for place, labels in enumerate(result.vector.labels)
    }


ONE = FixedView([series("x", [7.0])])


@pytest.mark.parametrize(("time", "there"), [(-0.001, False), (0.0, True), (299.999, True), (300.0, False)])
def test_a_sample_counts_for_five_minutes_the_end_left_out(time: float, there: bool) -> None:
    assert at(ONE, "x", time) == ({"__name__=x": 7.0} if there else {})


def test_a_stale_marker_hides_the_series_until_its_next_sample() -> None:
    view = FixedView([series("x", [1.0, STALE, 3.0])])
    assert at(view, "x", 59) == {"__name__=x": 1.0}
    assert at(view, "x", 60) == {}
    assert at(view, "x", 120) == {"__name__=x": 3.0}
    assert at(view, "count_over_time(x[3m])", 120) == {"": 2.0}


def test_a_nan_sample_is_no_stale_marker() -> None:
    assert math.isnan(at(FixedView([series("x", [NAN])]), "x")["__name__=x"])


def test_a_range_leaves_its_beginning_out_and_its_end_in() -> None:
    view = FixedView([series("x", [1.0, 2.0, 4.0])])
    assert at(view, "sum_over_time(x[1m])", 60) == {"": 2.0}
    assert at(view, "sum_over_time(x[61s])", 60) == {"": 3.0}


def test_offset_and_at_move_a_selector() -> None:
    view = FixedView([series("x", [1.0, 2.0, 4.0])])
    assert at(view, "x offset 1m", 120) == {"__name__=x": 2.0}
    assert at(view, "x offset -1m", 60) == {"__name__=x": 4.0}
    assert at(view, "x @ 60", 1e6) == {"__name__=x": 2.0}
    assert at(view, "x @ 120 offset 2m", 1e6) == {"__name__=x": 1.0}
    result = compile_query("x @ start() + x @ end() * 10 + sum_over_time(x[1m:1m] @ end()) * 100")
    assert rows(result.range(view, 0, 120, 60)) == {"": [441.0, 441.0, 441.0]}


def test_a_subquery_steps_on_whole_multiples_and_by_a_minute_unless_told() -> None:
    view = FixedView([])
    assert at(view, "min_over_time(vector(time())[2m:])", 150) == {"": 60.0}
    assert at(view, "min_over_time(vector(time())[2m:50s])", 150) == {"": 50.0}
    assert at(view, "count_over_time(vector(1)[100s:50s])", 150) == {"": 2.0}
    assert at(view, "count_over_time(vector(1)[10s:1h])", 150) == {}
    assert at(view, "sum_over_time(vector(time())[1m:1m] offset 1m)", 150) == {"": 60.0}


def test_durations_are_numbers() -> None:
    assert number("5m + 1") == 301.0
    assert at(ONE, "sum_over_time(x[300])", 1) == {"": 7.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0", INF),
        ("-1 / 0", -INF),
        ("0 / 0", NAN),
        ("-7 % 5", -2.0),
        ("5 % 0", NAN),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("10 ^ 400", INF),
        ("(-8) ^ (1/3)", NAN),
        ("1 atan2 0", math.pi / 2),
        ("NaN == bool NaN", 0.0),
        ("NaN != bool NaN", 1.0),
        ("1 >= bool 1", 1.0),
        ("-(3 < bool 2)", 0.0),
        ("0x1F", 31.0),
    ],
)
def test_numbers_are_ieee_754(text: str, expected: float) -> None:
    assert number(text) == pytest.approx(expected, nan_ok=True)


def test_a_string_is_itself() -> None:
    value = compile_query(r'"a\nb"').instant(ONE, 0)
    assert isinstance(value, Text)
    assert value.text == "a\nb"


def test_an_instant_query_may_ask_for_a_range() -> None:
    value = compile_query("x[5m]").instant(ONE, 60)
    assert isinstance(value, RangeVector)
    (window,) = value.windows
    assert window.values[window.low[0] : window.high[0], 0].tolist() == [7.0]
    with pytest.raises(UsageError, match="range query"):
        compile_query("x[5m]").range(ONE, 0, 60, 60)


def test_a_comparison_keeps_the_vector_s_value_and_name_on_either_side() -> None:
    view = FixedView([series("x a=1", [1.0]), series("x a=2", [5.0])])
    assert at(view, "x > 2") == {"__name__=x a=2": 5.0}
    assert at(view, "2 < x") == {"__name__=x a=2": 5.0}
    assert at(view, "x > bool 2") == {"a=1": 0.0, "a=2": 1.0}
    assert at(view, "x * 2") == {"a=1": 2.0, "a=2": 10.0}
    assert at(view, "-x") == {"a=1": -1.0, "a=2": -5.0}
    assert at(view, "x == x") == {"__name__=x a=1": 1.0, "__name__=x a=2": 5.0}


PAIRED = FixedView(
    [
        series("used a=1 pid=7", [10.0]),
        series("used a=1 pid=8", [30.0]),
        series("used a=2 pid=9", [50.0]),
        series("limit a=1 zone=z", [100.0]),
        series("limit a=3", [1.0]),
    ]
)


def test_many_series_match_one_when_the_group_is_said() -> None:
    assert at(PAIRED, "used / on(a) group_left limit") == {"a=1 pid=7": 0.1, "a=1 pid=8": 0.3}
    assert at(PAIRED, "limit - on(a) group_right(zone) used") == {
        "a=1 pid=7 zone=z": 90.0,
        "a=1 pid=8 zone=z": 70.0,
    }
    assert at(PAIRED, "limit > on(a) group_right used") == {
        "__name__=used a=1 pid=7": 100.0,
        "__name__=used a=1 pid=8": 100.0,
    }
    assert at(PAIRED, "used{pid='7'} + ignoring(pid, zone) limit") == {"a=1": 110.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("used / on(a) limit", "must be explicit"),
        ("limit / on(a) used", "many-to-many matching not allowed"),
        ("limit / on(a) group_left used", r"match group \{a=\"1\"\} on the right hand-side"),
        ("used / on(a) group_right limit", "on the left hand-side"),
        ("{__name__=~'used|limit', a='1'} + on(a) group_left(pid) vector(1) or used + on(b) used", "many-to-many"),
        ("sum without(pid) (used) + on(b) group_left(a) limit", "many-to-many"),
    ],
)
def test_an_ambiguous_match_is_an_error(text: str, words: str) -> None:
    with pytest.raises(EvaluationFailed, match=words):
        at(PAIRED, text)


def test_labels_taken_from_the_one_side_must_leave_the_results_distinct() -> None:
    with pytest.raises(EvaluationFailed, match="grouping labels must ensure unique matches"):
        at(PAIRED, "used{a='1'} * on(a) group_left(pid) limit")


def test_sets_go_by_matching_labels() -> None:
    assert at(PAIRED, "used and on(a) limit") == {"__name__=used a=1 pid=7": 10, "__name__=used a=1 pid=8": 30}
    assert at(PAIRED, "used unless on(a) limit") == {"__name__=used a=2 pid=9": 50}
    assert at(PAIRED, "limit or on(a) used") == {
        "__name__=limit a=1 zone=z": 100,
        "__name__=limit a=3": 1,
        "__name__=used a=2 pid=9": 50,
    }


def test_equal_labels_after_dropping_the_name_are_an_error() -> None:
    view = FixedView([series("x", [1.0]), series("y", [2.0])])
    for text in (
        "-{__name__=~'x|y'}",
        "abs({__name__=~'x|y'})",
        "{__name__=~'x|y'} + 1",
        "rate({__name__=~'x|y'}[5m:])",
    ):
        with pytest.raises(EvaluationFailed, match="same labelset"):
            at(view, text, 120)


def test_the_name_goes_at_once_unless_it_is_to_go_at_the_end() -> None:
    at_the_end = Limits(delayed_names=True)
    view = FixedView([Series(Labels(__name__="x", a="1"), np.array([0.0, 60.0]), np.array([0.0, 60.0]))])
    text = 'label_replace(rate(x[2m]), "was", "$1", "__name__", "(.*)")'
    for limits, expected in ((Limits(), Labels(a="1")), (at_the_end, Labels(a="1", was="x"))):
        value = compile_query(text).instant(view, 60.0, limits)
        assert isinstance(value, Vector)
        assert value.labels == (expected,)
        assert compile_query(text).range(view, 60.0, 120.0, 60.0, limits).vector.labels == (expected,)


def test_no_second_name_is_left_of_delayed_removal() -> None:
    view = FixedView([Series(Labels(__name__="x", a="1"), np.array([0.0, 60.0]), np.array([0.0, 60.0]))])
    limits = Limits(delayed_names=True)
    for text in ("x", "x[2m]", "x[2m:1m]", "x or -x", "x - x", "topk(1, x)", "x * on (a) group_left (__name__) x"):
        value = compile_query(text).instant(view, 60.0, limits)
        held = value.labels if isinstance(value, Vector) else value.windows[0].labels  # type: ignore[union-attr]
        assert {name for one in held for name in one} <= {"__name__", "a"}, text


def test_series_that_follow_each_other_become_one() -> None:
    view = FixedView([series("x", [1.0, STALE]), series("y", [2.0, 3.0], start=60)])
    assert rows(compile_query("{__name__=~'x|y'} + 1").range(view, 0, 120, 60)) == {"": [2.0, 3.0, 4.0]}


VALUES = FixedView(
    [
        series("x a=1 b=1", [1.0]),
        series("x a=1 b=2", [NAN]),
        series("x a=2 b=1", [4.0]),
        series("x a=2 b=2", [2.0]),
        series("x a=2 b=3", [2.0]),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum by (a) (x)", {"a=1": NAN, "a=2": 8.0}),
        ("sum without (b) (x)", {"a=1": NAN, "a=2": 8.0}),
        ("sum(x{a='2'})", {"": 8.0}),
        ("avg by (a) (x)", {"a=1": NAN, "a=2": 8 / 3}),
        ("min(x)", {"": 1.0}),
        ("max(x{b='2'})", {"": 2.0}),
        ("max(x{a='1', b='2'})", {"": NAN}),
        ("count by (b) (x)", {"b=1": 2.0, "b=2": 2.0, "b=3": 1.0}),
        ("group by (a) (x)", {"a=1": 1.0, "a=2": 1.0}),
        ("stdvar(x{a='2'})", {"": 8 / 9}),
        ("stddev(x{a='2'})", {"": math.sqrt(8 / 9)}),
        ("quantile(0.5, x{a='2'})", {"": 2.0}),
        ("quantile(0.75, x{a='2'})", {"": 3.0}),
        ("quantile(0, x)", {"": NAN}),
        ("quantile(0.5, x)", {"": 2.0}),
        ("quantile(-1, x)", {"": -INF}),
        ("quantile(1.1, x)", {"": INF}),
        ("quantile(NaN, x)", {"": NAN}),
        ("sum(nothing)", {}),
        ("count_values('v', x)", {"v=1": 1.0, "v=NaN": 1.0, "v=4": 1.0, "v=2": 2.0}),
        ("count_values by (a) ('b', x)", {"a=1 b=1": 1.0, "a=1 b=NaN": 1.0, "a=2 b=2": 2.0, "a=2 b=4": 1.0}),
        ("sum by (a, __name__) (x{a='2'})", {"__name__=x a=2": 8.0}),
    ],
)
def test_an_aggregation_answers_as_prometheus_does(text: str, expected: dict[str, float]) -> None:
    assert at(VALUES, text) == pytest.approx(expected, nan_ok=True)


def test_topk_answers_in_order_with_nan_last() -> None:
    assert list(at(VALUES, "topk(9, x)").values()) == pytest.approx([4.0, 2.0, 2.0, 1.0, NAN], nan_ok=True)
    assert list(at(VALUES, "bottomk(9, x)").values()) == pytest.approx([1.0, 2.0, 2.0, 4.0, NAN], nan_ok=True)
    assert at(VALUES, "topk by (a) (1, x)") == {"__name__=x a=1 b=1": 1.0, "__name__=x a=2 b=1": 4.0}
    assert at(VALUES, "topk(0.9, x)") == {}
    assert at(VALUES, "topk(-1, x)") == {}
    for text in ("topk(NaN, x)", "topk(Inf, x)", "bottomk(1e19, x)"):
        with pytest.raises(EvaluationFailed, match="int64"):
            at(VALUES, text)


def test_of_equal_values_the_series_that_sorts_first_is_taken() -> None:
    equal = FixedView([Series(Labels(__name__="x", a=name), np.array([0.0]), np.array([1.0])) for name in "cab"])
    assert list(at(equal, "topk(2, x)", 0)) == ["__name__=x a=a", "__name__=x a=b"]
    assert list(at(equal, "bottomk(1, x)", 0)) == ["__name__=x a=a"]


def test_the_k_of_topk_may_change_with_time() -> None:
    view = FixedView([series("x a=1", [1.0, 1.0]), series("x a=2", [2.0, 2.0])])
    result = compile_query("topk(1 + time() / 60, x)").range(view, 0, 60, 60)
    assert rows(result) == {"__name__=x a=1": [None, 1.0], "__name__=x a=2": [2.0, 2.0]}


def test_sums_and_averages_lose_nothing_to_rounding_or_overflow() -> None:
    view = FixedView([series(f"x a={i}", [v]) for i, v in enumerate([1e100, 1.0, -1e100, 1.0])])
    assert at(view, "sum(x)") == {"": 2.0}
    assert at(view, "avg(x)") == {"": 0.5}
    great = FixedView([series(f"x a={i}", [1.5e308]) for i in range(3)])
    assert at(great, "avg(x)") == pytest.approx({"": 1.5e308})
    assert at(great, "sum(x)") == {"": INF}
    mixed = FixedView([series("x a=1", [INF]), series("x a=2", [-INF])])
    assert math.isnan(at(mixed, "avg(x)")[""])
    assert at(FixedView([series("x a=1", [INF]), series("x a=2", [1.0])]), "avg(x)") == {"": INF}


def test_timestamp_is_the_sample_s_time_for_a_selector_alone() -> None:
    view = FixedView([series("x", [1.0], start=10)])
    assert at(view, "timestamp((x))", 60) == {"": 10.0}
    assert at(view, "timestamp(x + 0)", 60) == {"": 60.0}
    assert at(view, "timestamp(x offset 20s)", 60) == {"": 10.0}


def test_absent_takes_the_labels_that_were_asked_for() -> None:
    assert at(ONE, 'absent(y{a="1", b=~"2"})') == {"a=1": 1.0}
    assert at(ONE, "absent(x)") == {}
    assert at(ONE, "absent(sum(y{a='1'}))") == {"": 1.0}


def test_regexes_are_anchored_and_a_dot_matches_a_line_s_end() -> None:
    view = FixedView([Series(Labels(__name__="x", a="b\nc"), np.array([0.0]), np.array([1.0]))])
    assert len(at(view, 'x{a=~"b.c"}')) == 1
    assert at(view, 'x{a=~"b"}') == {}
    assert len(at(view, 'x{a!~"c", missing="", missing=~"|y"}')) == 1


def test_a_range_answers_sorted_and_a_scalar_as_a_series_without_labels() -> None:
    view = FixedView([series("x a=2", [1.0, 2.0]), series("x a=1", [3.0])])
    result = compile_query("x").range(view, 0, 400, 100)
    assert list(rows(result)) == ["__name__=x a=1", "__name__=x a=2"]
    assert rows(result)["__name__=x a=1"] == [3.0, 3.0, 3.0, None, None]
    assert rows(compile_query("time()").range(view, 0, 2, 1)) == {"": [0.0, 1.0, 2.0]}
    assert rows(compile_query("nothing").range(view, 0, 2, 1)) == {}


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        (0, 11_000, 1),
        (0, 1, 0),
        (0, 1, -1),
        (1, 0, 1),
        (0, NAN, 1),
        (INF, INF, 1),
        (0, 1e300, 1),
        (0, 1, 1e-9),
        (0, 1, NAN),
    ],
)
def test_a_range_that_cannot_be_meant_is_a_usage_error(start: float, end: float, step: float) -> None:
    with pytest.raises(UsageError):
        compile_query("x").range(ONE, start, end, step)


def test_a_range_that_ends_before_it_starts_is_told_with_whole_times() -> None:
    with pytest.raises(UsageError, match=r"\(1700000000 < 1700000100\.25\)"):
        compile_query("x").range(ONE, 1_700_000_100.25, 1_700_000_000, 1)


def test_a_range_of_eleven_thousand_steps_is_answered() -> None:
    assert len(compile_query("x").range(ONE, 0, 10_999, 1).times) == 11_000


@pytest.mark.parametrize("time", [NAN, INF, -1e300, 1e18])
def test_a_time_that_cannot_be_is_a_usage_error(time: float) -> None:
    with pytest.raises(UsageError):
        compile_query("x").instant(ONE, time)


def test_no_more_samples_are_held_than_may_be() -> None:
    view = FixedView([series(f"x a={i}", [1.0] * 5) for i in range(20)])
    assert at(view, "count(x)", 240) == {"": 20.0}
    for text in ("x", "sum(x)", "max_over_time(vector(1)[100y:1ms])", "x + on() group_left vector(1)"):
        with pytest.raises(QueryTooLarge, match="too many samples"):
            compile_query(text).instant(view, 240, Limits(samples=50))
    with pytest.raises(QueryTooLarge, match="too many series"):
        compile_query("x").instant(view, 240, Limits(series=19))


def test_an_absurd_subquery_is_refused_before_it_takes_memory() -> None:
    with pytest.raises(QueryTooLarge):
        at(ONE, "max_over_time(vector(1)[1000y:1ms])")


def test_a_query_ends_when_its_time_is_over() -> None:
    class Hasty(ManualClock):
        def monotonic(self) -> float:
            self.advance(1)
            return super().monotonic()

    with pytest.raises(TimedOut, match="timed out"):
        compile_query("x + x + x").instant(ONE, 0, Limits(seconds=2), clock=Hasty())


def test_a_chain_of_hundreds_of_operators_is_evaluated() -> None:
    assert at(ONE, "x" + " + x" * 499) == {"": 3500.0}
    assert at(ONE, "(" * 200 + "x" + ")" * 200) == {"__name__=x": 7.0}
