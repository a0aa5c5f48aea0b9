"""Silence files: what covers which alerts when, and every way in which a file may be wrong, with its line."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from razorprof.alerting.silences import Silences, examine_silences, read_silences
from razorprof.errors import UsageError

GOOD = """\
version: 1
silences:
  - comment: the database moves
    matchers: ['alertname=~"Worker.*"', 'job="shop"']
    starts: 2026-12-01T22:00:00Z
    ends: 2026-12-02T02:00:00+01:00
  - comment: the nightly batch
    matchers: ['{severity="ticket"}']
    time_intervals:
      - times: [{start_time: '22:00', end_time: '24:00'}, {start_time: 00:00, end_time: 06:00}]
        weekdays: ['monday:friday']
        location: Europe/Berlin
  - comment: both
    matchers: [alertname="Both"]
    ends: 2026-12-31T00:00:00Z
    time_intervals: [{weekdays: [saturday], months: [12], years: [2026], days_of_month: [-31]}, {months: [1]}]
"""


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def read(text: str, folder: Path) -> Silences:
    path = folder / "silences.yml"
    path.write_text(text)
    path.chmod(0o600)
    return read_silences(path)


@pytest.mark.parametrize(
    ("labels", "time", "is_hidden"),
    [
        ({"alertname": "WorkerSlow", "job": "shop"}, "2026-12-01T22:00:00Z", True),
        ({"alertname": "WorkerSlow", "job": "shop"}, "2026-12-01T21:59:59Z", False),
        ({"alertname": "WorkerSlow", "job": "shop"}, "2026-12-02T00:59:59Z", True),
        ({"alertname": "WorkerSlow", "job": "shop"}, "2026-12-02T01:00:00Z", False),
        ({"alertname": "WorkerSlow", "job": "mail"}, "2026-12-01T23:00:00Z", False),
        ({"alertname": "Worker", "severity": "ticket"}, "2026-12-01T21:30:00Z", True),
        ({"alertname": "Worker", "severity": "ticket"}, "2026-12-01T05:30:00Z", False),
        ({"alertname": "Worker", "severity": "page"}, "2026-12-01T21:30:00Z", False),
        ({"alertname": "Both"}, "2026-01-15T00:00:00Z", True),
        ({"alertname": "Both"}, "2027-01-15T00:00:00Z", False),
    ],
)
def test_a_silence_covers_alerts_that_fit_while_it_is_in_force(
    labels: dict[str, str], time: str, is_hidden: bool, tmp_path: Path
) -> None:
    silences = read(GOOD, tmp_path)
    assert silences.hides(labels, at(time)) is is_hidden
    found = silences.find(labels, at(time))
    assert (found is not None) is is_hidden


def test_those_in_force_are_told_with_their_comments_and_lines(tmp_path: Path) -> None:
    silences = read(GOOD, tmp_path)
    assert len(silences.all) == 3
    active = silences.active(at("2026-12-01T22:30:00Z"))
    assert [(silence.comment, silence.line) for silence in active] == [
        ("the database moves", 3),
        ("the nightly batch", 7),
    ]
    assert silences.active(at("2026-12-05T12:00:00Z")) == ()


ONE = "version: 1\nsilences:\n  - comment: why\n    matchers: [a=b]\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "the file is empty"),
        ("[]", 1, "is a mapping"),
        ("version: 2\nsilences: [{}]", 1, "version '2' is not known"),
        ("silences: [{}]", 1, "has no version"),
        ("version: 1", 1, "has no silences"),
        ("version: 1\nsilences: []", 2, "has 0 items"),
        ("version: 1\nsilences: {}", 2, "is a list"),
        ("version: 1\nsilences:\n  - 3", 3, "a silence is a mapping"),
        ("version: 1\nmore: 1\nsilences: [{}]", 2, "no field 'more'"),
        (ONE, 3, "a silence has no end"),
        (ONE + "    ends: tomorrow\n", 5, "ends is no moment"),
        (ONE + "    ends: 2026-12-01\n", 5, "ends is no moment"),
        (ONE + "    ends: 2026-12-01T10:00:00\n", 5, "ends is no moment"),
        (ONE + "    ends: 2026-02-30T10:00:00Z\n", 5, "ends is no moment"),
        (ONE + "    ends: [2026-12-01T10:00:00Z]\n", 5, "ends is no moment"),
        (ONE + "    starts: 2026-12-01T10:00:00Z\n    ends: 2026-12-01T10:00:00Z\n", 6, "ends before it starts"),
        (ONE + "    ends:\n", 5, "ends of a silence holds nothing"),
        (ONE + "    end: 2026-12-01T10:00:00Z\n", 5, "no field 'end'"),
        (ONE + "    comment: again\n    ends: 2026-12-01T10:00:00Z\n", 5, "stands here again"),
        (ONE + "    time_intervals: []\n", 5, "has 0 items"),
        (ONE + "    time_intervals: [3]\n", 5, "a time interval is a mapping"),
        (ONE + "    time_intervals: [{}]\n", 5, "without any condition"),
        (ONE + "    time_intervals: [{location: UTC}]\n", 5, "without any condition"),
        (ONE + "    time_intervals:\n      - weekday: [monday]\n", 6, "no field 'weekday'"),
        (ONE + "    time_intervals:\n      - weekdays: monday\n", 6, "weekdays is a list"),
        (
            ONE + "    time_intervals:\n      - weekdays:\n        - monday\n        - someday\n",
            8,
            "not a weekday",
        ),
        (ONE + "    time_intervals:\n      - weekdays: [null]\n", 6, "holds nothing"),
        (ONE + "    time_intervals:\n      - months: [[1]]\n", 6, "is text"),
        (ONE + "    time_intervals:\n      - times: ['09:00']\n", 6, "a range of times is a mapping"),
        (ONE + "    time_intervals:\n      - times: [{start_time: '09:00'}]\n", 6, "has no end_time"),
        (
            ONE + "    time_intervals:\n      - times: [{start_time: '22:00', end_time: '06:00'}]\n",
            6,
            "not before the end",
        ),
        (ONE + "    time_intervals:\n      - years: [2026]\n        location: Mars/Base\n", 7, "not a place"),
        ("version: 1\nsilences:\n  - matchers: [a=b]\n    ends: 2026-12-01T10:00:00Z", 3, "has no comment"),
        (
            "version: 1\nsilences:\n  - matchers: [a=b]\n    comment: ' '\n    ends: 2026-12-01T10:00:00Z",
            4,
            "says nothing",
        ),
        ("version: 1\nsilences:\n  - comment: x\n    ends: 2026-12-01T10:00:00Z", 3, "has no matchers"),
        (
            "version: 1\nsilences:\n  - comment: x\n    matchers: [nonsense]\n    ends: 2026-12-01T10:00:00Z",
            4,
            "not a matcher",
        ),
        (
            "version: 1\nsilences:\n  - comment: x\n    matchers: ['a=~\"(\"']\n    ends: 2026-12-01T10:00:00Z",
            4,
            "regular expression",
        ),
        (
            "version: 1\nsilences:\n  - comment: x\n    matchers: ['a=~\".*\"', b!=c]\n    ends: x",
            4,
            "fit every alert",
        ),
        ("version: 1\nsilences: [{}]\n---\na: 1\n", 3, "a second document"),
        ("version: 1\nsilences: [", 3, "no YAML"),
        ("a: &a [*a]", 1, "contains itself"),
        ("\x00", 1, "control character"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    _, problems = examine_silences(text, "silences.yml")
    assert any(problem.line == line and words in problem.message for problem in problems), problems


def test_all_problems_are_found_at_once_and_the_first_one_is_raised(tmp_path: Path) -> None:
    text = "version: 1\nsilences:\n  - comment: 3\n    matchers: [x]\n    ends: never\n  - 3\n"
    _, problems = examine_silences(text, "x")
    assert [problem.line for problem in problems] == [3, 4, 5, 6]
    with pytest.raises(UsageError) as refused:
        read(text, tmp_path)
    assert f"{tmp_path / 'silences.yml'}:3" in str(refused.value)
    assert "and 3 more" in refused.value.hint


@pytest.mark.parametrize("content", [b"\xff\xfe", b"version: 1\n\xc3\x28"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    _, problems = examine_silences(content, "x")
    assert [problem.message for problem in problems] == ["this is no UTF-8 text"]


def test_a_file_that_is_too_large_is_not_read_further() -> None:
    _, problems = examine_silences("# " + "x" * (1 << 20), "x")
    assert "too large" in problems[0].message


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "silences.yml"
    path.write_text(GOOD)
    path.chmod(mode)
    with pytest.raises(UsageError, match="may be written by others"):
        read_silences(path)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for path in (tmp_path / "none", tmp_path, Path("a\0b"), tmp_path / "fifo"):
        with pytest.raises(UsageError):
            read_silences(path)


def test_of_many_silences_only_those_in_force_are_asked(tmp_path: Path) -> None:
    one = "  - {comment: x, matchers: ['alertname=\"A%d\"'], ends: 2026-01-01T00:00:00Z}\n"
    silences = read("version: 1\nsilences:\n" + "".join(one % number for number in range(1000)), tmp_path)
    assert silences.hides({"alertname": "A999"}, at("2025-12-31T00:00:00Z"))
    assert silences.active(at("2026-12-31T00:00:00Z")) == ()
