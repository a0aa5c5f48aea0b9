"""Where an expression that is none goes wrong: the words are for people, the verdict is the parser's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.errors import RazorprofError, UsageError
from razorprof.query.diagnose import first_wrong_word
from razorprof.query.engine import compile_query


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo bar", "unexpected 'bar' at character 5"),
        ("up +", "it ends too early"),
        ("up > bool", "it ends too early"),
        ("up = 1", "unexpected '=' at character 4"),
        ("sum by a (x)", "unexpected 'a' at character 8"),
        ("sum(rate(x[5m])) by", "it ends too early"),
        ("rate(x[5m]) by (a)", "unexpected 'by' at character 13"),
        ('up{a="b" c="d"}', "unexpected 'c' at character 10"),
        ("up and and x", "unexpected 'x' at character 12"),
        ("up == on a", "unexpected 'a' at character 10"),
        ("topk(5 up)", "unexpected 'up' at character 8"),
        ("sum(,up)", "unexpected ',' at character 5"),
        ("a\n+ b\n  c", "unexpected 'c' at line 3, character 3"),
        ("count(up) == 0 for 5m", "unexpected 'for' at character 16"),
        ("up @ x", "unexpected 'x' at character 6"),
        ('up{a="b"}{c="d"}', "unexpected '{' at character 10"),
        ("x" * 10 + " " + "y" * 50, f"unexpected '{'y' * 19}…' at character 12"),
    ],
)
def test_the_first_word_that_cannot_stand_there_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        compile_query(text)
    assert caught.value.message == f"bad expression: {words}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("up = 1", "compare with =="),
        ("a && b", "write: and"),
        ("a || b", "write: or"),
        ('up =~ "x"', "=~ and !~ stand within the braces of a selector"),
        ("foo.bar", "names have no dots; quote such a name within braces"),
    ],
)
def test_a_usual_mistake_comes_with_its_remedy(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        compile_query(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "sum by (a, b) (rate(x[5m] offset 1h)) / on (a) group_left (b) y",
        "avg without () (x) > bool -1 and (a or b) unless c",
        'label_replace(up, "a", "$1", "b", "(.*)") + x @ start()',
        "histogram_quantile(0.9, sum(rate(x[5m])) by (le))",
        'max_over_time(rate({__name__=~"a|b", c!="d"}[5m])[1h:1m] @ 1700000000 offset -5m)',
        "topk(3, x) == ignoring(a) group_right y",
        "time() - -vector(1) ^ 2 atan2 pi()",
        "by + offset",
        "sum + 1",
    ],
)
def test_nothing_is_found_in_good_expressions(text: str) -> None:
    compile_query(text)
    assert first_wrong_word(text) == ("", "")


_WORDS = [
    "up",
    "sum",
    "by",
    "(",
    ")",
    "{",
    "}",
    "[5m]",
    "offset",
    "5m",
    "@",
    "and",
    "+",
    "-",
    "==",
    "bool",
    "on",
    ",",
    '"a"',
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([*_WORDS, "1", "rate", "=", "group_left", "\n"]), max_size=12))
def test_what_is_good_is_never_said_to_be_wrong(words: list[str]) -> None:
    text = " ".join(words)
    try:
        compile_query(text)
    except RazorprofError:
        return
    assert first_wrong_word(text) == ("", "")
