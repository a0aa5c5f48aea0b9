"""What is wrong with a query is said when it is loaded, in bounded time, whatever the text."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.errors import NotSupported, RazorprofError, UsageError
from razorprof.query.engine import compile_query
from razorprof.query.guard import DEEPEST_NESTING, LONGEST_TEXT, MOST_OPERATORS, BeyondLimits
from razorprof.query.parse import parse


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "x +",
        "sum(x",
        'x{a="b}',
        "(x]",
        ")",
        "x[5m",
        "rate(x)",
        "abs(1)",
        "1 > 2",
        "x and 1",
        "x + on(a) 1",
        "x + bool y",
        "-x[5m]",
        "x[5m] + 1",
        '"a" + 1',
        "sum(1)",
        "topk(x)",
        "topk(x, x)",
        "count_values(1, x)",
        'count_values("", x)',
        "sum(x, y)",
        "unheard_of(x)",
        "rate(x[5m], 1)",
        "{}",
        '{a=~".*"}',
        'x{a=~"["}',
        'x{a=~"(?=a)"}',
        "x[0]",
        "x[-5m]",
        "x[5m:0]",
        "x offset Inf",
        "x offset NaN",
        "x[1e300]",
        "x[5m:1e300]",
        "x @ 1e300",
        "x @ Inf",
        "x @ NaN",
        "x offset 99999999999y",
        "x offset 1m offset 1m",
        "rate(x[1d])[5m:][5m:]",
        "a + on(b) group_left(b) c",
        "x\x00",
        "x\ud800",
        r'label_replace(x, "\xff", "", "", "")',
        r"x{a='\377'}",
        r'x{a="\"\xc3\xa9"}',
    ],
)
def test_what_is_no_promql_is_a_usage_error(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert type(caught.value) in (UsageError, BeyondLimits)
    assert caught.value.message
    assert capfd.readouterr().err == ""  # no panic of the parser's came up


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x anchored", "anchored"),
        ("rate(x[5m] smoothed)", "smoothed"),
        ("x + fill(0) y", "fill"),
        ("x[5m+1m]", "duration arithmetic"),
        ("x[5m:step()]", "duration arithmetic"),
        ("x offset (5m)", "duration arithmetic"),
        ("x offset -step()", "duration arithmetic"),
        ("x offset -(5m)", "duration arithmetic"),
        ("x </ 3", "</"),
        ("x @ -5", "1970"),
        ("info(x)", "info"),
        ("limitk(1, x)", "limitk"),
        ("limit_ratio(0.5, x)", "limit_ratio"),
        ("mad_over_time(x[5m])", "mad_over_time"),
        ("histogram_avg(x)", "histogram_avg"),
        ('sort_by_label(x, "a")', "sort_by_label"),
        ('x{a="b" or c="d"}', "or"),
    ],
)
def test_what_we_do_not_evaluate_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(NotSupported) as caught:
        parse(text)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "fill",
        r'x{a="\\xff\x41\101"}',
        r"x{a=`\xff`}",
        'x{anchored="1"}',
        "step + start + end",
        "x @ start() offset -5m",
        'x{a="[(((\\"", b=\'}\'} # ((((',
        "`(((`",
        "x[5m] @ 1e9",
        "x[300]",
        "x offset 1.5",
        "x offset -0x10",
        "sum without() (x)",
        "1h30m + 5",
        '{"a metric", "a label"="x"}',
        "x:y:z[5m:1m]",
        "((((x[5m]))))",
    ],
)
def test_what_only_looks_odd_is_loaded(text: str) -> None:
    assert parse(text).nodes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum(rate(x[5m])", "( at character 4"),
        ("sum({a='('}", "( at character 4"),
        ("(x]", "( is closed by ] at character 3"),
        (" x)", ") at character 3 closes nothing"),
    ],
)
def test_a_bracket_that_is_wrong_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in str(caught.value)


def test_the_deepest_that_is_accepted_does_not_exhaust_the_stack() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(250 + _depth())
    try:
        deep = "(" * DEEPEST_NESTING + "x" + ")" * DEEPEST_NESTING
        assert len(parse(deep).nodes) == 1
        long = "x" + " + x" * MOST_OPERATORS
        assert len(parse(long).nodes) == 2 * MOST_OPERATORS + 1
        assert len(parse("-" * MOST_OPERATORS + "x").nodes) > MOST_OPERATORS / 2
    finally:
        sys.setrecursionlimit(before)


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    return depth


@pytest.mark.parametrize(
    "text",
    [
        "(" * 12_000 + "x" + ")" * 12_000,
        "(" * (DEEPEST_NESTING + 1) + "x" + ")" * (DEEPEST_NESTING + 1),
        "x" + "+x" * (MOST_OPERATORS + 1),
        "-" * 10_000 + "x",
        "x" * 2_000_000,
        "x{a='" + "b" * LONGEST_TEXT + "'}",
        "sum(" * 190 + "x[5m]",
        "max_over_time(" * 60 + "x" + "[5m:])" * 60,
        '"' + "\\" * 16_000,
        "x{" + "a='b'," * 2_700,
        'x{a=~"((a{100}){100}){100}"}',
        'x{a=~"' + "(" * 8_000 + '"}',
        'x{a=~"' + "(a*)*" * 3_000 + '("}',
    ],
)
def test_a_monstrous_expression_is_refused_at_once(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(UsageError):
        parse(text)
    assert time.monotonic() - started < 10  # and neither ends the process nor eats its memory


PIECES = [
    *("x", "sum", "(", ")", "[", "]", "{", "}", "5m", "1e9", ":", "offset", "@", "-", "+", "by", "on"),
    *("group_left", ",", "a", "=", "=~", '"', "'", "`", "#", "\n", "1", "Inf", "bool", ">", "and", "start"),
    *("(", ")", "rate", "x[5m]", "[5m:]", "\\", "é", "\x00", "topk", "0x", "1_", "!", "~"),
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=14,
    ).map(" ".join)
)
def test_any_text_is_loaded_or_refused_with_an_error_of_ours(text: str) -> None:
    try:
        nodes = parse(text).nodes
    except RazorprofError:
        return
    assert nodes


def test_a_query_is_loaded_once() -> None:
    assert compile_query("sum(x)") is compile_query("sum(x)")


def test_an_interrupt_while_parsing_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("promql_parser.parse", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parse("some_metric")
