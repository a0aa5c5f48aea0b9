"""A plan written back as PromQL means the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from razorprof.query.engine import compile_query
from razorprof.query.functions.call import Function
from razorprof.query.plan import Program
from razorprof.query.source_text import LONGEST, duration_text, source_texts


def written(text: str) -> str:
    program = compile_query(text).program
    return source_texts(program)[id(program.nodes[-1])]


def shape(thing: Any) -> Any:
    """A tree as plain values: nodes compare by identity."""
    if isinstance(thing, Program):
        return shape(thing.nodes[-1])
    if isinstance(thing, Function):
        return thing.name
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return type(thing).__name__, [shape(getattr(thing, each.name)) for each in dataclasses.fields(thing)]
    return [shape(each) for each in thing] if isinstance(thing, tuple) else thing


@pytest.mark.parametrize(
    "text",
    [
        "up",
        'process_open_fds{job="api", pid!="3", name=~"a.*", other!~"b"}',
        '{__name__=~"a|b"}',
        '{__name__="with space"}',
        'x{a="quo\\"te \\\\ back\\nline"}',
        "rate(x_total[5m])",
        "rate(x_total[1h30m] offset -5m)",
        "x offset 90s",
        "x @ 1700000000.5",
        "rate(x[5m] @ end() offset 1m)",
        "max_over_time((rate(x[5m]) > 3)[10m:30s])",
        "max_over_time(rate(x[5m])[10m:] offset 1h)",
        "(a + b) * c",
        "a + b * c",
        "a - (b - c)",
        "a - b - c",
        "a ^ b ^ c",
        "(a ^ b) ^ c",
        "-a",
        "-(a + b)",
        "-a ^ 2",
        "(-a) ^ 2",
        "(-1) ^ 2",
        "a > bool 5",
        "(a > 5) < 10",
        "a or b and c unless d",
        "(a or b) and c",
        "a == on (pid) group_left (name) b",
        "a / ignoring (mode) b",
        "a / on () group_right () b",
        "sum by (job, pid) (rate(x[5m]))",
        "sum without (pid) (x)",
        "topk(3, x)",
        'count_values("version", build)',
        "histogram_quantile(0.99, sum by (le) (rate(x_seconds_bucket[5m])))",
        'label_replace(x, "a", "$1", "b", "(.*)")',
        "time() - process_start_time_seconds",
        "1e-7 * x + 1.5e300 - Inf",
        "vector(1)",
    ],
)
def test_what_is_written_is_read_back_as_the_same(text: str) -> None:
    assert shape(compile_query(written(text)).program) == shape(compile_query(text).program)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("((a))>((5))", "a > 5"),
        ("rate(x[300s])", "rate(x[5m])"),
        ('{__name__="up"}', "up"),
        ("sum(x)by(a)", "sum by (a) (x)"),
        ("0.9*x", "0.9 * x"),
    ],
)
def test_it_is_written_the_usual_way(text: str, expected: str) -> None:
    assert written(text) == expected


def test_a_deep_tree_neither_recurses_nor_grows() -> None:
    program = compile_query("+".join(["x"] * 200)).program
    assert max(map(len, source_texts(program).values())) == LONGEST


def test_durations_of_nothing_and_of_less_than_a_second() -> None:
    assert (duration_text(0), duration_text(1), duration_text(90_061_500)) == ("0s", "1ms", "1d1h1m1s500ms")
