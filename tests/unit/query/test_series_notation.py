"""The series notation, as strictly as Prometheus's parser reads it; the integration test asks promtool."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.errors import UsageError
from razorprof.query.series_notation import parse_labels, parse_points, parse_series, unquoted

REFUSED_POINTS = (
    "NaNx5", "Infx2", "-Infx2", "infinity", "stalex3", "1stale", "STALE", "__", "_x", "1+1", "1+1 x3", "1x",
    "1x1.5", "1x+3", "0x1f", "1_", "1__0", ".", "1e", "1m", "1+2+3x2", "1,2", "x3", "-2--3x2", "+-1", "1+NaNx2",
    "1-infx2", '"1"', "(1)", "1_x3", "1x3_", "9e999", "_1", "foo", "1X3", "١", "1\u00a02",
)  # fmt: skip
REFUSED_SERIES = (
    "x {}", 'x{,}', 'x{a="b",,}', 'x{a=~"b"}', 'x{a!="b"}', 'x{a="b",a="c"}', 'x{a:b="c"}', "x.y", "1x", "nan",
    "INF", "on", "bool", "ignoring", "group_left", "atan2", 'x{1a="1"}', 'x{a="\\q"}', 'x{a="\\\'"}',
    "x{a='\\\"'}", 'x{a="\\ud800"}', 'x{a="\\U00110000"}', 'x{a="\\777"}', 'x{a="b"', "x{a}", "x{a=b}",
    'x{a="b" b="c"}', "-x", "", "é", 'x{a="a\nb"}', 'x{a="b"}y',
)  # fmt: skip


@pytest.mark.parametrize("text", REFUSED_POINTS)
def test_points_that_prometheus_refuses_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_points(text)


@pytest.mark.parametrize("text", REFUSED_SERIES)
def test_series_that_prometheus_refuses_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_series(f"{text} 1 2")


@pytest.mark.parametrize(
    "name", ["sum", "by", "offset", "start", "without", "and", "stale", "infinity", "a:b", "_"]
)
def test_other_words_of_the_language_may_be_names(name: str) -> None:
    assert parse_series(f"{name} 1").labels["__name__"] == name


def test_the_name_in_front_counts_and_spaces_end_a_series() -> None:
    assert dict(parse_labels('x{__name__="y", "z"}')[0]) == {"__name__": "x"}
    assert parse_series('x{a="b"}\t1  2\r\n3').points.values.tolist() == [1, 2, 3]
    assert parse_series("x").points.values.tolist() == []


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r'"a\tb\"c\\"', 'a\tb"c\\'),
        (r"'it\'s'", "it's"),
        (r"`a\n'`", r"a\n'"),
        (r'"\x41\101\u00e9\U0001F600"', "AAé😀"),
        (r'"\xc3\xa9"', "é"),
        ('"é"', "é"),
    ],
)
def test_string_literals_are_those_of_go(literal: str, text: str) -> None:
    assert unquoted(literal) == text


def test_bytes_that_are_no_text_stay_apart_from_text() -> None:
    assert unquoted(r'"\xff"') != unquoted('"\xff"')


@given(st.text(alphabet="x{}=\"'`\\,_ 0123456789+-.einfNaNstale", max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        found = parse_series(line)
    except UsageError:
        return
    assert len(found.points.values) == len(found.points.there)
