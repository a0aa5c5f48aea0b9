"""Matchers are parsed and match as Alertmanager's do."""

from __future__ import annotations

import pytest

from razorprof.alerting.matchers import LabelMatcher, all_match, parse_matchers
from razorprof.errors import UsageError
from razorprof.model.labels import Labels
from razorprof.store.view import MatchOp


def only(text: str) -> LabelMatcher:
    (found,) = parse_matchers(text)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('alertname="X"', LabelMatcher("alertname", MatchOp.EQUAL, "X")),
        ("alertname=X", LabelMatcher("alertname", MatchOp.EQUAL, "X")),
        (' alertname != "X y" ', LabelMatcher("alertname", MatchOp.NOT_EQUAL, "X y")),
        ('severity=~"page|critical"', LabelMatcher("severity", MatchOp.REGEX, "page|critical")),
        ("severity!~page.*", LabelMatcher("severity", MatchOp.NOT_REGEX, "page.*")),
        ("a=", LabelMatcher("a", MatchOp.EQUAL, "")),
        ('a=""', LabelMatcher("a", MatchOp.EQUAL, "")),
        (r'a="say \"hi\"\n\\ \d"', LabelMatcher("a", MatchOp.EQUAL, 'say "hi"\n\\ \\d')),
        ("a=b\\", LabelMatcher("a", MatchOp.EQUAL, "b\\")),
        ("a==b", LabelMatcher("a", MatchOp.EQUAL, "=b")),
        ('{a="b"}', LabelMatcher("a", MatchOp.EQUAL, "b")),
        ('{a="b",}', LabelMatcher("a", MatchOp.EQUAL, "b")),
        ('a="},{"', LabelMatcher("a", MatchOp.EQUAL, "},{")),
    ],
)
def test_a_matcher_is_read_as_alertmanager_reads_it(text: str, expected: LabelMatcher) -> None:
    assert only(text) == expected


def test_several_matchers_stand_between_commas_outside_of_quotes() -> None:
    found = parse_matchers('{a="1,2", b=~"x|y" ,c!=3}')
    assert [str(one) for one in found] == ['a="1,2"', 'b=~"x|y"', 'c!="3"']


@pytest.mark.parametrize(
    "text",
    ["", "{}", " ", "a", "=b", "1a=b", 'a="b', 'a=b"c"', 'a="b"c', 'a="b""', "a=b,,c=d", ",a=b", "a=~(", "ä=b"],
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_matchers(text)


def test_a_bad_regex_is_refused_when_it_is_read_and_told() -> None:
    with pytest.raises(UsageError, match="bad regular expression"):
        parse_matchers('a=~"x(?=y)"')


def test_too_long_a_text_and_too_many_matchers_are_refused() -> None:
    with pytest.raises(UsageError, match="too long"):
        parse_matchers("a=" + "b" * 20_000)
    with pytest.raises(UsageError, match="too many"):
        parse_matchers(",".join(f"a{n}=1" for n in range(65)))


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ('a="1"', {"a": "1"}, True),
        ('a="1"', {"a": "12"}, False),
        ('a!="1"', {}, True),
        ('a=""', {}, True),
        ('a=""', {"a": "x"}, False),
        ('a=~"x|y"', {"a": "y"}, True),
        ('a=~"x|y"', {"a": "xy"}, False),  # anchored at both ends, alternatives included
        ('a!~"x|y"', {"a": "xy"}, True),
        ('a=~".*"', {}, True),
        ('a=~".+"', {}, False),
        ('a!~".+"', {}, True),
        ('a=~"(?i)ABC"', {"a": "abc"}, True),
    ],
)
def test_an_absent_label_is_an_empty_one_and_regexes_match_whole_values(
    text: str, labels: dict[str, str], expected: bool
) -> None:
    assert only(text).matches(labels) is expected
    assert only(text).matches(Labels(labels)) is expected


def test_a_text_of_a_matcher_is_read_back_as_the_same() -> None:
    matcher = LabelMatcher("a", MatchOp.REGEX, 'x"\\\\\n,}{')
    assert only(str(matcher)) == matcher


def test_all_of_several_have_to_match() -> None:
    matchers = parse_matchers('a="1",b!="2"')
    assert all_match(matchers, {"a": "1"})
    assert not all_match(matchers, {"a": "1", "b": "2"})
    assert all_match((), {"a": "1"})
