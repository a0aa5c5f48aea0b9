"""Rule files: what is read, and each problem with its line and what to do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting.problem import Problem, ProblemKind
from razorprof.alerting.rule_file import LARGEST_FILE, Examined, examine, problems_of, read_content, read_rule_file
from razorprof.alerting.rules import AlertingRule, RecordingRule
from razorprof.alerting.template import TemplateData
from razorprof.alerting.versions import Version, parse_version
from razorprof.errors import NotSupported, RazorprofError, ToolFailed, UsageError
from razorprof.model.alert import RuleKey

WHOLE = """\
groups:
- name: worker
  interval: 30s
  limit: 10
  query_offset: 1m
  labels: {team: core, tier: a}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {tier: b}
  - alert: Down
    expr: |
      up == 0
    for: 5m
    keep_firing_for: 1m
    labels:
      severity: page
      who: '{{ $labels.job }}'
    annotations:
      summary: '{{ $labels.instance }} is {{ $value }}'
- name: empty
"""


def found(text: str, version: str = "3") -> list[Problem]:
    return list(problems_of(dedent(text), "r.yml", target_version=parse_version(version)))


def told(text: str, version: str = "3") -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in found(text, version)]


def examined(text: str) -> Examined:
    return examine(dedent(text), "r.yml")


def test_everything_that_a_file_says_is_read(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text(WHOLE)
    read = read_rule_file(file)
    assert read.path == str(file)
    group, empty = read.groups
    assert (group.name, group.interval, group.limit, group.offset, group.line) == ("worker", 30.0, 10, 60.0, 2)
    assert group.labels == {"team": "core", "tier": "a"}
    assert (empty.name, empty.interval, empty.limit, empty.rules) == ("empty", None, 0, ())
    record, alert = group.rules
    assert isinstance(record, RecordingRule)
    assert record.key == RuleKey(str(file), "worker", 0, "job:up:sum")
    assert record.labels == {"team": "core", "tier": "b"}
    assert record.query.text == "sum by (job) (up)"
    assert isinstance(alert, AlertingRule)
    assert alert.key == RuleKey(str(file), "worker", 1, "Down")
    assert (alert.hold, alert.keep_firing, alert.line) == (300.0, 60.0, 11)
    data = TemplateData({"job": "api", "instance": "a"}, 0.0)
    assert {name: label.expand(data) for name, label in alert.labels.items()} == {
        "team": "core",
        "tier": "a",
        "severity": "page",
        "who": "api",
    }
    assert alert.annotations["summary"].expand(data) == "a is 0"


def test_a_file_without_groups_is_an_empty_one() -> None:
    for text in ("", "# nothing\n", "groups:\n", "groups: []\n", "~\n", "{}\n"):
        assert examined(text).file.groups == ()
        assert examined(text).problems == ()


def test_the_path_is_kept_as_it_was_given() -> None:
    file = examine(WHOLE, "../rules/a.yml").file
    assert {rule.key.file for group in file.groups for rule in group.rules} == {"../rules/a.yml"}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("groups: 5\n", [(1, "groups is a list, not '5'")]),
        ("- a\n", [(1, "a rule file is a mapping, not a list")]),
        ("groups: [{}]\n", [(1, "a rule group has no name")]),
        ("groups:\n- name: a\n  nam: b\n", [(3, "a rule group has no field 'nam'")]),
        ("groups:\n- name: a\n- name: a\n", [(3, "the group 'a' stands in this file again")]),
        ("groups:\n- name: a\n  name: b\n", [(3, "'name' stands here again")]),
        ("groups:\n- name: [a]\n", [(2, "a rule group has no name"), (2, "name is text, not a list")]),
        ("groups:\n- name: a\n  limit: b\n", [(3, "limit is a whole number, not 'b'")]),
        ("groups:\n- name: a\n  interval: 5\n", [(3, "interval: not a valid duration (5)")]),
        ("groups:\n- name: a\n  labels: {a: [b]}\n", [(3, "'a' of labels is text, not a list")]),
        ("groups:\n- name: a\n  labels: {__name__: b}\n", [(3, "the label __name__ cannot be set")]),
        ("groups:\n- name: a\n  labels: {'': b}\n", [(3, "'' is no name of a label")]),
        ("groups: []\n---\ngroups: []\n", [(2, "a second document begins here and is not read")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_or_group_is_told_with_its_line(
    text: str, problems: list[tuple[int, str]]
) -> None:
    assert sorted(told(text)) == sorted(problems)


@pytest.mark.parametrize(
    ("rule", "line", "message"),
    [
        ("expr: up", 4, "a rule has neither record nor alert"),
        ("alert: A\nrecord: b\nexpr: up", 5, "a rule has either record or alert, not both"),
        ("alert: A", 4, "a rule has no expr"),
        ("alert: A\nexpr:", 5, "a rule has no expr"),
        ("alert: A\nexpr: [up]", 5, "expr is text, not a list"),
        ("alert: A\nexpr: up +", 5, "expr: bad expression: it ends too early (up +)"),
        ("alert: A\nexpr: up\nfor: 5", 6, "for: not a valid duration (5)"),
        ("alert: A\nexpr: up\nfor: ''", 6, "for: empty duration"),
        ("alert: A\nexpr: up\nfor: {a: b}", 6, "for is text, not a mapping"),
        ("alert: A\nexpr: up\nannotation: {}", 6, "a rule has no field 'annotation'"),
        ("alert: A\nexpr: up\nlabels: [a]", 6, "labels is a mapping, not a list"),
        ("alert: A\nexpr: up\nlabels:\n  a: b\n  a: c", 8, "'a' stands here again"),
        ("alert: A\nexpr: up\nlabels:\n  __name__: b", 7, "the label __name__ cannot be set"),
        ('alert: A\nexpr: up\nlabels:\n  a: !!binary /w==', 7, "the value of label 'a' is no UTF-8 text"),
        ("alert: A\nexpr: up\nlabels:\n  a: '{{ nosuch }}'", 7,
         'label a: bad template: function "nosuch" not defined'),
        ("alert: A\nexpr: up\nannotations:\n  a: '{{ $label.x }}'", 7,
         'annotation a: bad template: undefined variable "$label"'),
        ("alert: A\nexpr: up\nannotations:\n  a: |\n    one\n    {{ if }}", 7,
         "annotation a: bad template: line 2: missing value for if"),
        ("record: a\nexpr: up\nfor: 5m", 6, "a recording rule takes no for"),
        ("record: a\nexpr: up\nkeep_firing_for: 5m", 6, "a recording rule takes no keep_firing_for"),
        ("record: a\nexpr: up\nannotations: {a: b}", 6, "a recording rule takes no annotations"),
        ("record: 'a{b=\"c\"}'\nexpr: up", 4, "braces stand in the name 'a{b=\"c\"}'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_told_with_its_line(rule: str, line: int, message: str) -> None:
    lines = "\n    ".join(rule.splitlines())
    assert told(f"groups:\n- name: g\n  rules:\n  - {lines}\n") == [(line, message)]


def test_a_merge_key_without_a_mapping_is_told_with_its_line() -> None:
    problems = told("groups:\n- name: g\n  rules:\n  - alert: A\n    <<: 5\n    expr: up\n")
    assert (5, "a merge key (<<) takes a mapping, an alias of one, or a list of those") in problems


def test_all_problems_of_a_file_are_told_in_the_order_of_its_lines() -> None:
    problems = found("""\
        groups:
        - name: g
          rules:
          - alert: A
            expr: up +
            for: soon
          - record: b
            expr: rate(up)
          - alert: Good
            expr: up
        """)
    assert [problem.line for problem in problems] == [5, 6, 8]
    assert all(problem.kind is ProblemKind.ERROR for problem in problems)


def test_what_to_do_comes_with_the_problem() -> None:
    [problem] = found("groups: [{name: g, rules: [{alert: A, expr: up, for: 5}]}]")
    assert problem.hint == "write a unit: 5s"
    [problem] = found("groups: [{name: g, rules: [{alert: A, expr: 'up = 1'}]}]")
    assert problem.hint == "compare with =="
    [problem] = found("groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ $value * 2 }}'}}]}]")
    assert "do not calculate" in problem.hint


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("tests", "rules test"),
        ("apiVersion", "Kubernetes"),
        ("scrape_configs", "configuration"),
        ("captures", "--actions"),
    ],
)
def test_a_file_of_another_kind_is_recognized(key: str, words: str) -> None:
    [problem] = found(f"{key}: []\ngroups: []\n")
    assert words in problem.hint


def one_rule(rule: str, version: str) -> list[tuple[int, str]]:
    return told(f"groups: [{{name: g, rules: [{rule}]}}]", version)


@pytest.mark.parametrize(
    ("rule", "first", "words"),
    [
        ("{alert: A, expr: up, keep_firing_for: 5m}", "2.42", "keep_firing_for came with Prometheus 2.42"),
        ("{alert: A, expr: up, labels: {a-b: c}}", "3.0", "'a-b' is no name of a label"),
        ("{alert: A, expr: up, annotations: {a-b: c}}", "3.0", "'a-b' is no name of an annotation"),
        ("{record: a-b, expr: up}", "3.0", "'a-b' is no name of a metric"),
        ("{alert: A, expr: '{\"up\"}'}", "3.0", "expr: quoted names came with Prometheus 3.0"),
        ("{alert: A, expr: 'sum by (\"a.b\") (up)'}", "3.0", "expr: quoted names came with Prometheus 3.0"),
        ("{alert: A, expr: 'rate(up[300])'}", "2.54", "expr: numbers as durations came with Prometheus 2.54"),
        ("{alert: A, expr: up offset 60}", "2.54", "expr: numbers as durations came with Prometheus 2.54"),
        ("{alert: A, expr: up > 5m}", "2.54", "expr: durations as numbers came with Prometheus 2.54"),
        ("{alert: A, expr: up, labels: {a: '{{ toTime 5 }}'}}", "2.38", "label a: the function toTime came with"),
        ("{alert: A, expr: up, labels: {a: '{{ now }}'}}", "3.5", "label a: the function now came with"),
        ("{alert: A, expr: up, labels: {a: '{{ with 0 }}{{ else with 1 }}{{ end }}'}}", "3.0",
         "label a: {{else with}}"),
    ],
)  # fmt: skip
def test_an_older_prometheus_refuses_what_came_later(rule: str, first: str, words: str) -> None:
    major, minor = map(int, first.split("."))
    earlier = f"{major}.{minor - 1}" if minor else f"{major - 1}.53"
    problems = [message for _, message in one_rule(rule, earlier)]
    assert any(words in message for message in problems), problems
    assert not any("came with" in message or "no name" in message for _, message in one_rule(rule, first))


@pytest.mark.parametrize(("field", "first"), [("query_offset: 1m", "2.53"), ("labels: {a: b}", "3.0")])
def test_an_older_prometheus_refuses_fields_of_groups_that_came_later(field: str, first: str) -> None:
    text = f"groups:\n- name: g\n  {field}\n"
    earlier = {"2.53": "2.52", "3.0": "2.55"}[first]
    assert [line for line, message in told(text, earlier) if "came with" in message] == [3]
    assert told(text, first) == []


@pytest.mark.parametrize(
    "expr",
    ["up[5m] > bool 0", "rate(up[5m]) offset 1h", "x offset -5m", "sum(rate(x[5m])) > 0x1F", "a{b=\"5\"} - 5",
     "x[1h:5m] @ 1700000000", "sum by (a) (x) / on(a) group_left(b) y", "y{a=~\"b|c\", d!=\"e\"}"],
)  # fmt: skip
def test_what_prometheus_2_0_knew_is_not_taken_for_new(expr: str) -> None:
    quoted = expr.replace("'", "''")
    text = f"groups: [{{name: g, rules: [{{alert: A, expr: '{quoted}'}}]}}]"
    assert not any("came with" in message for _, message in told(text, "2.20"))


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("histogram_sum(x)", "native histograms"),
        ("mad_over_time(x[5m])", "experimental"),
        ("x anchored", "anchored"),
        ("1" + " + 1" * 600, "too many operators"),
        ("(" * 300 + "1" + ")" * 300, "nested too deeply"),
        ("x" * 20_000, "too long"),
        ('x{a="\\xff"}', "beyond ASCII"),
    ],
)
def test_what_prometheus_takes_and_razorprof_does_not_run_is_told_apart(expr: str, words: str) -> None:
    quoted = expr.replace("'", "''")
    text = f"groups: [{{name: g, rules: [{{alert: A, expr: '{quoted}'}}]}}]"
    [problem] = found(text)
    assert problem.kind is ProblemKind.UNSUPPORTED
    assert "razorprof does not support" in problem.message
    assert words in problem.message


def test_holt_winters_is_unknown_since_3_and_unsupported_before() -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: 'holt_winters(x[5m], 0.5, 0.5)'}]}]"
    assert [problem.kind for problem in found(text, "3.0")] == [ProblemKind.ERROR]
    assert [problem.kind for problem in found(text, "2.55")] == [ProblemKind.UNSUPPORTED]


@pytest.mark.parametrize(
    ("rules", "line", "words"),
    [
        (
            "- {record: a, expr: up}\n  - {record: a, expr: up}",
            5,
            "'a' has the name and labels of the rule in line 4",
        ),
        ("- {alert: A, expr: '\"x\"'}", 4, "expr gives a string"),
        ("- {alert: A, expr: 'up[5m]'}", 4, "expr gives a range vector"),
        ("- {alert: A, expr: up, labels: {a: '{{ $value }}'}}", 4, "label a changes with $value"),
        ("- {alert: A, expr: up, annotations: {a: '{{ $labels.alertname }}'}}", 4, "is always empty"),
    ],
)
def test_what_is_taken_and_hardly_meant_is_a_warning(rules: str, line: int, words: str) -> None:
    [problem] = found(f"groups:\n- name: g\n  rules:\n  {rules}\n")
    assert (problem.line, problem.kind) == (line, ProblemKind.WARNING)
    assert words in problem.message


def test_rules_that_differ_in_a_label_are_no_duplicates() -> None:
    assert (
        found("""\
        groups:
        - name: g
          rules:
          - {record: a, expr: up, labels: {b: c}}
          - {record: a, expr: up, labels: {b: d}}
        """)
        == []
    )


def test_a_label_of_a_group_that_is_no_template_is_told_and_says_so_when_it_is_expanded() -> None:
    text = "groups: [{name: g, labels: {a: '{{ nosuch }}'}, rules: [{alert: A, expr: up}]}]"
    [problem] = found(text)
    assert problem.kind is ProblemKind.WARNING
    [rule] = examined(text).file.groups[0].rules
    assert isinstance(rule, AlertingRule)
    assert rule.labels["a"].expand(TemplateData({}, 1.0)) == (
        '<error expanding template: error parsing template __alert_A: function "nosuch" not defined>'
    )


def test_labels_of_a_recording_rule_are_no_templates() -> None:
    text = "groups: [{name: g, rules: [{record: a, expr: up, labels: {b: '{{ nosuch }}'}}]}]"
    assert found(text) == []
    assert examined(text).file.groups[0].rules[0].labels == {"b": "{{ nosuch }}"}


def test_a_bad_file_is_refused_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up +\n    for: 5\n")
    with pytest.raises(UsageError) as caught:
        read_rule_file(file)
    assert caught.value.message == "bad rule file"
    assert str(caught.value.value).startswith(f"{file}:5: expr: bad expression")
    assert caught.value.hint.endswith("and 1 more")


def test_a_file_that_only_razorprof_cannot_run_is_not_supported(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text("groups: [{name: g, rules: [{alert: A, expr: histogram_sum(x)}]}]")
    with pytest.raises(NotSupported) as caught:
        read_rule_file(file)
    assert str(caught.value.value).startswith(f"{file}:1: ")


def test_warnings_do_not_refuse_a_file(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text("groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up}]}]")
    assert len(read_rule_file(file).groups[0].rules) == 2


def test_a_target_version_counts_when_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text("groups: [{name: g, labels: {a: b}}]")
    read_rule_file(file)
    with pytest.raises(UsageError, match=r"came with Prometheus 3\.0"):
        read_rule_file(file, target_version=Version(2, 45))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the rule file"):
        read_rule_file(tmp_path / "none.yml")
    with pytest.raises(ToolFailed, match="cannot read the rule file"):
        read_content(tmp_path)


def test_a_huge_file_and_one_that_is_no_text_are_refused() -> None:
    assert "too large" in problems_of(b"#" * (LARGEST_FILE + 1), "r.yml")[0].message
    [problem] = problems_of(b"groups: []\n# \xff\n", "r.yml")
    assert (problem.line, problem.message) == (2, "this is no UTF-8 text")


def test_a_byte_order_mark_is_taken() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert problems_of(WHOLE.encode(encoding), "r.yml") == ()


def test_an_alias_that_multiplies_rules_is_refused() -> None:
    text = "groups:\n- name: g\n  rules: [" + "&r {alert: A, expr: up}" + ", *r" * 100_000 + "]\n"
    [problem] = found(text)
    assert "too many nodes" in problem.message


def test_text_of_a_file_is_cut_and_quoted_in_a_message() -> None:
    [problem] = found("groups: [{name: g, rules: [{alert: A, expr: up, %s: 1}]}]" % ("x" * 5000))
    assert len(problem.message) < 100
    [problem] = found('groups: [{name: g, rules: [{alert: A, expr: up, "\\e[31m": 1}]}]')
    assert "\x1b" not in problem.message


@pytest.mark.parametrize(
    ("text", "version"), [("2.40", (2, 40)), ("v2.45.3", (2, 45)), ("3", (3, 9999)), (" 3.1 ", (3, 1))]
)
def test_a_version_is_read(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "1.8", "4.0", "2.x", "latest", "2.40.1.1", "2.99999"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a version"):
        parse_version(text)


_WORDS = st.sampled_from(
    [
        "groups",
        "name",
        "rules",
        "alert",
        "record",
        "expr",
        "for",
        "labels",
        "annotations",
        "limit",
        "up",
        "5m",
        "~",
    ]
)
_NODES = st.recursive(
    _WORDS | st.integers() | st.floats() | st.booleans() | st.none() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)  # what is imported late comes with the first example
@given(st.dictionaries(st.just("groups") | _WORDS, _NODES, max_size=3) | _NODES)
def test_no_structure_breaks_the_reader(document: object) -> None:
    import yaml

    examine(yaml.safe_dump(document, allow_unicode=True), "r.yml")


@settings(deadline=None)  # what is imported late comes with the first example
@given(st.binary(max_size=80))
def test_no_content_breaks_the_reader(content: bytes) -> None:
    examine(content, "r.yml")


@settings(deadline=None)  # what is imported late comes with the first example
@given(st.text(alphabet="ab{}()[]=~\"'|&!<>+- \n5mby@#", max_size=40))
def test_no_expression_breaks_the_reader(text: str) -> None:
    import json

    with suppress(RazorprofError):
        examine(json.dumps({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": text}]}]}), "r.yml")
