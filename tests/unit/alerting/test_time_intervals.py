"""Times that come again: hours, weekdays, days, months, years, and places with a time of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from razorprof.alerting.time_intervals import (
    Range,
    TimeInterval,
    parse_days,
    parse_location,
    parse_months,
    parse_times,
    parse_weekdays,
    parse_years,
)
from razorprof.errors import UsageError


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        (
            TimeInterval(times=(parse_times("09:00", "17:00"),)),
            ["2026-12-01T09:00:00Z", "2026-12-01T16:59:59Z", "2026-12-01T18:59+02:00"],
            ["2026-12-01T08:59:59Z", "2026-12-01T17:00:00Z"],
        ),
        (
            TimeInterval(times=(parse_times("22:00", "24:00"), parse_times("00:00", "06:00"))),
            ["2026-12-01T23:59:59Z", "2026-12-01T00:00:00Z"],
            ["2026-12-01T06:00:00Z", "2026-12-01T21:59:00Z"],
        ),
        (
            TimeInterval(weekdays=(parse_weekdays("monday:friday"),)),
            ["2026-11-30T00:00:00Z", "2026-12-04T23:59:59Z"],
            ["2026-11-29T23:59:59Z", "2026-12-05T00:00:00Z"],
        ),
        (
            TimeInterval(weekdays=(parse_weekdays("Saturday"), parse_weekdays("SUNDAY"))),
            ["2026-12-05T12:00:00Z", "2026-12-06T12:00:00Z"],
            ["2026-12-04T12:00:00Z", "2026-12-07T12:00:00Z"],
        ),
        (
            TimeInterval(days=(parse_days("1:5"), parse_days("-3:-1"))),
            ["2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z", "2026-02-26T00:00:00Z", "2024-02-29T00:00:00Z"],
            ["2026-02-06T00:00:00Z", "2026-02-25T00:00:00Z", "2024-02-26T00:00:00Z"],
        ),
        (
            TimeInterval(days=(parse_days("30:31"),)),
            ["2026-04-30T00:00:00Z", "2026-05-31T00:00:00Z"],
            ["2026-02-28T00:00:00Z", "2026-05-29T00:00:00Z"],
        ),
        (TimeInterval(days=(parse_days("15:-1"),)), ["2026-02-28T00:00:00Z"], ["2026-02-14T00:00:00Z"]),
        (
            TimeInterval(months=(parse_months("november:12"), parse_months("May"))),
            ["2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z", "2026-05-15T00:00:00Z"],
            ["2026-10-31T00:00:00Z", "2026-06-01T00:00:00Z"],
        ),
        (
            TimeInterval(years=(parse_years("2026:2027"),)),
            ["2026-01-01T00:00:00Z", "2027-12-31T23:59:59Z"],
            ["2025-12-31T23:59:59Z", "2028-01-01T00:00:00Z"],
        ),
        (
            TimeInterval(times=(parse_times("09:00", "17:00"),), location=parse_location("Europe/Berlin")),
            ["2026-12-01T08:00:00Z", "2026-07-01T07:00:00Z"],  # winter and summer
            ["2026-12-01T07:59:59Z", "2026-07-01T06:59:59Z", "2026-12-01T16:00:00Z"],
        ),
        (
            TimeInterval(weekdays=(parse_weekdays("friday"),), location=parse_location("Asia/Tokyo")),
            ["2026-12-03T15:00:00Z"],
            ["2026-12-04T15:00:00Z"],
        ),
        (
            TimeInterval(times=(parse_times("09:00", "17:00"),), weekdays=(parse_weekdays("monday"),)),
            ["2026-11-30T09:00:00Z"],
            ["2026-11-30T08:00:00Z", "2026-12-01T09:00:00Z"],
        ),
    ],
)
def test_a_moment_is_in_it_where_every_condition_holds(
    interval: TimeInterval, inside: list[str], outside: list[str]
) -> None:
    assert [text for text in inside if not interval.contains(at(text))] == []
    assert [text for text in outside if interval.contains(at(text))] == []


@pytest.fixture
def in_kiritimati(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that stands where it is 14 hours later than UTC."""
    monkeypatch.setitem(os.environ, "TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_kiritimati")
def test_local_is_where_the_machine_stands() -> None:
    interval = TimeInterval(times=(parse_times("09:00", "10:00"),), is_local=True)
    assert interval.contains(at("2026-12-01T19:30:00Z"))
    assert not interval.contains(at("2026-12-01T09:30:00Z"))


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (parse_weekdays, "mon", "not a weekday"),
        (parse_weekdays, "1:5", "not a weekday"),
        (parse_weekdays, "friday:monday", "the end is before the start"),
        (parse_weekdays, "monday:", "not a weekday"),
        (parse_weekdays, "monday:tuesday:friday", "not a weekday"),
        (parse_days, "0", "not a day of a month"),
        (parse_days, "32", "not a day of a month"),
        (parse_days, "-32:-1", "not a day of a month"),
        (parse_days, "5:1", "the end is before the start"),
        (parse_days, "-1:-3", "the end is before the start"),
        (parse_days, "-3:5", "another side"),
        (parse_days, "x", "not a whole number"),
        (parse_days, "", "not a whole number"),
        (parse_days, "9" * 10_000, "not a whole number"),
        (parse_months, "0", "not a month"),
        (parse_months, "13", "not a month"),
        (parse_months, "jan", "not a month"),
        (parse_months, "december:january", "the end is before the start"),
        (parse_years, "2027:2026", "the end is before the start"),
        (parse_years, "soon", "not a whole number"),
        (parse_location, "Europe/Atlantis", "not a place"),
        (parse_location, "../../etc/passwd", "not a place"),
        (parse_location, "/etc/passwd", "not a place"),
        (parse_location, "Europe", "not a place"),
        (parse_location, "a\0b", "not a place"),
    ],
)
def test_what_cannot_be_meant_is_refused(parse: Callable[[str], object], text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(text)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("9:00", "17:00", "not a time of day"),
        ("09:00", "24:01", "not a time of day"),
        ("09:60", "17:00", "not a time of day"),
        ("17:00", "09:00", "not before the end"),
        ("09:00", "09:00", "not before the end"),
        ("24:00", "24:00", "not before the end"),
    ],
)
def test_times_of_day_that_cannot_be_meant_are_refused(start: str, end: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_times(start, end)


def test_a_range_of_one_is_written_without_a_colon() -> None:
    assert parse_weekdays("sunday") == Range(0, 0)
    assert parse_years("2026") == Range(2026, 2026)
