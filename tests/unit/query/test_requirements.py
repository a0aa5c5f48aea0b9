"""What an expression needs to see before its answer means something."""

from __future__ import annotations

import pytest

from razorprof.query.engine import compile_query
from razorprof.query.requirements import look_back, missing, name_of, selection_text, shortest_range


def lacks(text: str, *there: str) -> list[str]:
    found = missing(compile_query(text).program, lambda matchers: name_of(matchers) in there)
    return [name_of(matchers) for matchers in found]


@pytest.mark.parametrize(
    ("text", "there", "wanted"),
    [
        ("a > 1", "", ["a"]),
        ("a > 1", "a", []),
        ("a / b > 1", "a", ["b"]),
        ("a / b > 1", "", ["a", "b"]),
        ("a > 1 and b > 1", "a", ["b"]),
        ("a or b", "b", []),
        ("a or b", "", ["a", "b"]),
        ("a > 1 or (b / c)", "b", ["a", "c"]),
        ("a unless b", "a", []),
        ("a unless b", "b", ["a"]),
        ("absent(a)", "", []),
        ("absent_over_time(a[5m]) or b", "", []),
        ("absent(a) and b", "", ["b"]),
        ("rate(a[5m]) > 0", "", ["a"]),
        ("max_over_time(rate(a[1m])[5m:]) > 0", "", ["a"]),
        ("sum by (x) (a) > scalar(b)", "a", ["b"]),
        ("topk(scalar(b), a)", "a", ["b"]),
        ("-a", "", ["a"]),
        ("vector(1)", "", []),
        ("vector(time()) > 5 or vector(0)", "", []),
        ("a + a", "", ["a"]),
    ],
)
def test_an_expression_lacks_the_selections_without_which_it_says_nothing(
    text: str, there: str, wanted: list[str]
) -> None:
    assert lacks(text, *there.split()) == wanted


@pytest.mark.parametrize(
    ("text", "seconds", "shortest"),
    [
        ("a > 1", 0.0, None),
        ("a offset 1m > 1", 60.0, None),
        ("rate(a[5m])", 300.0, 300.0),
        ("rate(a[5m] offset 1m) + rate(b[30s])", 360.0, 30.0),
        ("max_over_time(rate(a[1m])[10m:30s])", 660.0, 60.0),
        ("job:a > 1", 40.0, None),
        ("avg_over_time(job:a[1m])", 100.0, 60.0),
        ("max_over_time((job:a > 1)[1m:])", 100.0, None),
        ("a offset -5m", 0.0, None),
    ],
)
def test_how_far_an_expression_looks_back(text: str, seconds: float, shortest: float | None) -> None:
    program = compile_query(text).program
    assert look_back(program, lambda name: 40.0 if name == "job:a" else 0.0) == seconds
    assert shortest_range(program) == shortest


@pytest.mark.parametrize("text", ["up", 'up{job="a", pid!="7", x=~"a|b"}', '{x="a\\"\\n\\\\"}'])
def test_a_selection_is_told_as_it_is_written(text: str) -> None:
    [matchers] = missing(compile_query(text).program, lambda matchers: False)
    assert selection_text(matchers) == text
