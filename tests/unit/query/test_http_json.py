"""Answers as Prometheus's HTTP API writes them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.errors import NotSupported, RazorprofError, TimedOut, ToolFailed, UsageError
from razorprof.model.labels import Labels
from razorprof.model.series import Series
from razorprof.query.engine import compile_query
from razorprof.query.errors import EvaluationFailed
from razorprof.query.http_json import error_answer, format_scalar, format_value, instant_data, range_data
from razorprof.store.fixed import FixedView


@pytest.mark.parametrize(
    ("value", "vector", "scalar"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (-1.5, "-1.5", "-1.5"),
        (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
        (1e-6, "0.000001", "0.000001"),
        (1e-7, "1e-07", "0.0000001"),
        (-1.25e-300, "-1.25e-300", "-0." + "0" * 299 + "125"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (1e21, "1e+21", "1" + "0" * 21),
        (123456789012345.67, "123456789012345.67", "123456789012345.67"),
        (5e-324, "5e-324", "0." + "0" * 323 + "5"),
        (1.7976931348623157e308, "1.7976931348623157e+308", "17976931348623157" + "0" * 292),
        (math.inf, "+Inf", "+Inf"),
        (-math.inf, "-Inf", "-Inf"),
        (math.nan, "NaN", "NaN"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, vector: str, scalar: str) -> None:
    assert format_value(value) == vector
    assert format_scalar(value) == scalar


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_is_read_back_the_same(value: float) -> None:
    for text in (format_value(value), format_scalar(value)):
        assert float(text) == value
        assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert "e" not in format_scalar(value)


def view() -> FixedView:
    times = np.array([10.0, 20.0, 30.5])
    one = Series(Labels({"__name__": "a", "x": "1"}), times, np.array([1.0, 2.0, 3.5]))
    return FixedView([one, Series(Labels({"__name__": "b"}), times[:1], np.array([math.nan]))])


def test_each_type_of_answer_has_its_shape() -> None:
    def ask(text: str, time: float) -> object:
        return instant_data(compile_query(text).instant(view(), time), time)

    assert ask("1e-7", 30) == {"resultType": "scalar", "result": [30, "0.0000001"]}
    assert ask("'x'", 30.25) == {"resultType": "string", "result": [30.25, "x"]}
    assert ask("a", 31) == {
        "resultType": "vector",
        "result": [{"metric": {"__name__": "a", "x": "1"}, "value": [31, "3.5"]}],
    }
    assert ask("{__name__=~'a|b'}[15s]", 31) == {
        "resultType": "matrix",
        "result": [{"metric": {"__name__": "a", "x": "1"}, "values": [[20, "2"], [30.5, "3.5"]]}],
    }
    assert ask("none", 31) == {"resultType": "vector", "result": []}


def test_a_range_leaves_out_the_times_without_a_value() -> None:
    answer = compile_query("a").range(view(), 0, 40, 10)
    assert range_data(answer) == {
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": "a", "x": "1"}, "values": [[10, "1"], [20, "2"], [30, "2"], [40, "3.5"]]}
        ],
    }


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (UsageError("x"), "bad_data"),
        (NotSupported("x"), "bad_data"),
        (EvaluationFailed("x"), "execution"),
        (TimedOut("x"), "timeout"),
        (ToolFailed("x"), "internal"),
    ],
)
def test_errors_have_prometheus_words(error: RazorprofError, word: str) -> None:
    assert error_answer(error) == {"status": "error", "errorType": word, "error": "x", "hint": ""}
