"""What is asked, from options and from a line of a batch."""

from __future__ import annotations

import pytest

from razorprof.cli.query_request import Moment, Request, Span, parse_time, request_of, round_step, when_of
from razorprof.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1700000000", 1_700_000_000.0),
        ("1700000000.1234", 1_700_000_000.123),
        ("-1.5", -1.5),
        ("1.7e9", 1.7e9),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14T22:13:20.5z", 1_700_000_000.5),
        ("2023-11-14t23:13:20.123456789+01:00", 1_700_000_000.123),
    ],
)
def test_times_are_unix_seconds_or_rfc_3339(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "now", "nan", "inf", "1_000", "1e999", "2023-11-14", "2023-11-14T22:13:20",
             "2023-13-14T22:13:20Z", "٣", "1" * 500]
)  # fmt: skip
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="the start is no time"):
        parse_time(text, "start")


def test_options_make_a_moment_or_a_range() -> None:
    assert when_of(None, None, None, None) == Moment()
    assert when_of("5", None, None, None) == Moment(5.0)
    assert when_of(None, "1", None, "1m") == Span(1.0, None, 60.0)
    assert when_of(None, None, None, None, ranged=True) == Span()
    with pytest.raises(UsageError, match="--time is for one moment"):
        when_of("5", "1", None, None)
    with pytest.raises(UsageError, match="step must be greater than 0"):
        when_of(None, None, None, "0")


def test_a_line_of_a_batch_says_the_same_as_text_or_numbers() -> None:
    assert request_of({"query": "up", "time": 5}) == Request("up", Moment(5.0))
    assert request_of({"query": "up", "time": "1970-01-01T00:00:05Z"}) == Request("up", Moment(5.0))
    assert request_of({"query": "up"}) == Request("up", Moment())
    assert request_of({"query": "up", "start": 1.5, "end": "2", "step": "1m"}) == Request(
        "up", Span(1.5, 2.0, 60.0)
    )


@pytest.mark.parametrize(
    "document",
    [
        [], "up", None, {}, {"query": 5}, {"query": "up", "time": True}, {"query": "up", "time": [1]},
        {"query": "up", "at": 1}, {"query": "up", "time": 1, "step": 1}, {"query": "up", "step": -1},
        {"query": "up", "time": 10**400},
    ],
)  # fmt: skip
def test_a_line_that_is_no_request_is_refused(document: object) -> None:
    with pytest.raises(UsageError):
        request_of(document)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 59.0, 250.0, 3600.0, 86_400.0, 1e7, 3e9])
def test_a_round_step_makes_at_most_250_points(seconds: float) -> None:
    step = round_step(seconds)
    assert step >= 0.001
    assert seconds / step <= 250
    assert seconds <= 1 or seconds / step > 60
