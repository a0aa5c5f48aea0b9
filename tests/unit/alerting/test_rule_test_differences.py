"""How what was expected and what came out is told apart."""

from __future__ import annotations

import math

import pytest

from razorprof.alerting.rule_test_differences import (
    ToldAlert,
    alert_differences,
    equal,
    label_text,
    sample_differences,
)
from razorprof.model.labels import Labels


def alert(annotations: str = "", **labels: str) -> ToldAlert:
    return ToldAlert({"alertname": "A", **labels}, {"summary": annotations} if annotations else {})


def test_equal_alerts_in_any_order_are_no_difference() -> None:
    one, other = alert(pid="1"), alert(pid="2")
    assert alert_differences([one, other], [other, one], {}) == []
    assert alert_differences([one, one], [one], {}) == ['expected, but does not fire: {alertname="A", pid="1"}']


def test_alerts_are_paired_with_those_most_like_them() -> None:
    expected = [alert(pid="1", severity="page", job="a"), alert(pid="2", severity="page", job="a")]
    got = [alert(pid="2", severity="ticket", job="a"), alert(pid="1", severity="ticket", job="a")]
    assert alert_differences(expected, got, {}) == [
        'differs: {alertname="A", job="a", pid="1", severity="ticket"}',
        '  label severity: expected "page", got "ticket"',
        'differs: {alertname="A", job="a", pid="2", severity="ticket"}',
        '  label severity: expected "page", got "ticket"',
    ]


def test_alerts_that_have_little_in_common_are_not_paired_unless_there_is_one_of_each() -> None:
    one, other, third = alert(x="1", y="1", z="1"), alert(x="2", y="2", z="1"), alert(x="3", y="3", z="3")
    assert alert_differences([one], [other], {})[0] == 'differs: {alertname="A", x="2", y="2", z="1"}'
    assert alert_differences([one], [other, third], {}) == [
        'expected, but does not fire: {alertname="A", x="1", y="1", z="1"}',
        'fires, but is not expected: {alertname="A", x="2", y="2", z="1"}',
        'fires, but is not expected: {alertname="A", x="3", y="3", z="3"}',
    ]


def test_labels_and_annotations_that_one_side_lacks_are_told() -> None:
    lines = alert_differences([alert("is here", pid="1", gone="")], [alert(pid="1", new="x")], {})
    assert lines == [
        'differs: {alertname="A", new="x", pid="1"}',
        '  label gone: expected "", got none',
        '  label new: not expected, got "x"',
        '  annotation summary: expected "is here", got none',
    ]


def test_long_texts_are_told_with_the_place_where_they_part() -> None:
    text = "a long description of what is wrong with the process, and how to mend it"
    lines = alert_differences([alert(text, pid="1")], [alert(text.replace("mend", "stop"), pid="1")], {})
    assert lines[-1] == '    they part at character 66: expected "mend it", got "stop it"'
    lines = alert_differences([alert(text, pid="1")], [alert(text + "!", pid="1")], {})
    assert lines[-1] == '    they part at character 73: expected its end, got "!"'


def test_line_breaks_stay_within_a_line() -> None:
    lines = alert_differences([alert("a\nb", pid="1")], [alert("a b", pid="1")], {})
    assert lines[-1] == '  annotation summary: expected "a\\nb", got "a b"'
    assert all("\n" not in line for line in lines)


def test_hundreds_of_alerts_on_both_sides_are_told_in_bounded_time() -> None:
    expected = [alert(pid=str(pid)) for pid in range(2000)]
    got = [alert(pid=str(pid), more="x") for pid in range(2000)]
    lines = alert_differences(expected, got, {})
    assert lines[-1] == "and 3940 lines more"


@pytest.mark.parametrize(
    ("expected", "got", "exactly", "fuzzily"),
    [
        (1.0, 1.0, True, True),
        (0.0, -0.0, True, True),
        (0.3, 0.1 + 0.2, False, True),
        (0.3, 0.30000000000000016, False, False),
        (math.inf, math.inf, True, True),
        (math.inf, -math.inf, False, False),
        (math.nan, math.nan, False, False),
        (1.0, math.nan, False, False),
    ],
)
def test_values_are_compared_as_promtool_compares_them(
    expected: float, got: float, exactly: bool, fuzzily: bool
) -> None:
    assert equal(expected, got, is_fuzzy=False) is exactly
    assert equal(expected, got, is_fuzzy=True) is fuzzily


def test_an_expected_sample_that_comes_twice_is_told() -> None:
    sample = (Labels(__name__="x"), 1.0)
    assert sample_differences([sample, sample], [sample], is_fuzzy=False) == ["expected twice: x{}"]


def test_a_nan_says_what_to_do() -> None:
    sample = (Labels(__name__="x"), math.nan)
    (line,) = sample_differences([sample], [sample], is_fuzzy=False)
    assert line == "x{}: expected NaN, got NaN (NaN equals nothing here, as in promtool; EXPR != EXPR finds it)"


def test_labels_are_written_as_in_promql() -> None:
    assert label_text({"b": 'x"y', "__name__": "n", "a": ""}) == 'n{a="", b="x\\"y"}'
    assert len(label_text({"a": "x" * 10_000})) < 500
