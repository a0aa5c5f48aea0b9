"""Tests of rules: what a failing one says, and what promtool 2.42 cannot be asked. Verdicts are compared with it
in the integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from razorprof.alerting import rule_test_run, rule_test_series
from razorprof.alerting.problem import ProblemKind
from razorprof.alerting.rule_test_file import read_tests
from razorprof.alerting.rule_test_run import FailureKind
from razorprof.alerting.rule_tests import TestFileResult, TestResult, run_test_file
from razorprof.errors import ToolFailed
from razorprof.store.regexes import compile_regex

RULES = """\
groups:
- name: g
  rules:
  - record: double
    expr: x * 2
  - alert: High
    expr: double > 10
    for: 2m
    labels: {severity: page}
    annotations: {summary: 'x of {{ $labels.pid }} is half of {{ $value }}'}
"""
HEAD = """\
rule_files: [rules.yml]
tests:
- name: one
  input_series:
  - series: x{pid="1"}
    values: 1 9x5 1x4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(RULES)
    return tmp_path


def outcome(folder: Path, text: str) -> TestFileResult:
    path = folder / "test.yml"
    path.write_text(text)
    return run_test_file(path)


def only(folder: Path, text: str) -> TestResult:
    result = outcome(folder, text)
    assert not result.problems
    (test,) = result.tests
    return test


def alert_case(expected: str, time: str = "3m", name: str = "High") -> str:
    return HEAD + f"  alert_rule_test:\n  - eval_time: {time}\n    alertname: {name}\n    exp_alerts: {expected}\n"


def expr_case(expr: str, expected: str, time: str = "3m") -> str:
    return HEAD + f"  promql_expr_test:\n  - eval_time: {time}\n    expr: {expr}\n    exp_samples: {expected}\n"


RIGHT = "exp_labels: {pid: '1', severity: page}, exp_annotations: {summary: x of 1 is half of 18}"


def test_a_test_that_comes_out_as_expected_has_no_failures(folder: Path) -> None:
    test = only(folder, alert_case(f"[{{{RIGHT}}}]"))
    assert (test.name, test.line, test.failures) == ("one", 3, ())


def test_what_differs_is_told_label_by_label_with_its_place_and_moment(folder: Path) -> None:
    wrong = RIGHT.replace("page", "ticket").replace("half of 18", "half of 20")
    (failure,) = only(folder, alert_case(f"[{{{wrong}}}]")).failures
    assert (failure.kind, failure.line, failure.subject, failure.time) == (FailureKind.ALERTS, 8, "High", 180.0)
    assert failure.message == "1 alert expected, 1 fires"
    assert failure.details == (
        'differs: {alertname="High", pid="1", severity="page"}',
        '  label severity: expected "ticket", got "page"',
        '  annotation summary: expected "x of 1 is half of 20", got "x of 1 is half of 18"',
    )
    assert failure.expected == (
        {
            "labels": {"pid": "1", "severity": "ticket", "alertname": "High"},
            "annotations": {"summary": "x of 1 is half of 20"},
        },
    )
    assert failure.got is not None
    assert failure.got[0]["labels"] == {"alertname": "High", "pid": "1", "severity": "page"}


def test_an_alert_that_does_not_fire_yet_or_any_more_is_told_to_be_that(folder: Path) -> None:
    (pending,) = only(folder, alert_case(f"[{{{RIGHT}}}]", "2m")).failures
    missing = 'expected, but does not fire: {alertname="High", pid="1", severity="page"}'
    assert pending.details == (f"{missing} (it is pending for 1m of 2m)",)
    assert pending.message == "1 alert expected, 0 fire"
    (resolved,) = only(folder, alert_case(f"[{{{RIGHT}}}]", "9m")).failures
    assert resolved.details == (f"{missing} (it was resolved at 7m)",)


def test_an_alert_that_is_not_expected_is_told_with_its_annotations(folder: Path) -> None:
    (failure,) = only(folder, alert_case("[]")).failures
    assert failure.details == (
        'fires, but is not expected: {alertname="High", pid="1", severity="page"}',
        '  annotation summary: "x of 1 is half of 18"',
    )


def test_a_name_that_no_rule_has_is_told(folder: Path) -> None:
    (failure,) = only(folder, alert_case("[{}]", name="Hihg")).failures
    assert failure.message == "1 alert expected, 0 fire; no rule alerts under this name"


def test_samples_are_told_one_by_one(folder: Path) -> None:
    expected = "[{labels: 'double{pid=\"1\"}', value: 17}, {labels: 'double{pid=\"2\"}', value: 1}]"
    expr = '{__name__=~"double|x"}'
    (failure,) = only(folder, expr_case(f"'{expr}'", expected)).failures
    assert (failure.kind, failure.line, failure.subject) == (FailureKind.SAMPLES, 8, expr)
    assert failure.message == "2 samples expected, 2 there"
    assert failure.details == (
        'double{pid="1"}: expected 17, got 18 (off by +0.059 of it)',
        'expected, but not there: double{pid="2"} 1',
        'there, but not expected: x{pid="1"} 9',
    )
    assert failure.got == ({"labels": 'double{pid="1"}', "value": "18"}, {"labels": 'x{pid="1"}', "value": "9"})


def test_fuzzy_compare_forgives_the_last_bit_and_no_more(folder: Path) -> None:
    text = expr_case("0.1 + 0.2", "[{value: 0.3}]")
    (failure,) = only(folder, text).failures
    assert "fuzzy_compare: true forgives that" in failure.details[0]
    assert only(folder, f"fuzzy_compare: true\n{text}").failures == ()
    assert only(folder, "fuzzy_compare: true\n" + text.replace("0.3}", "0.2999999999999998}")).failures
    assert only(
        folder, "fuzzy_compare: yes\n" + text.replace("0.3}", ".nan}").replace("0.1 + 0.2", "0/0")
    ).failures


@pytest.mark.parametrize(
    "start", ["1609459200", "1609459200.0", "2021-01-01T00:00:00Z", "'2021-01-01T02:00:00+02:00'"]
)
def test_a_start_timestamp_moves_samples_and_evaluations(folder: Path, start: str) -> None:
    case = (
        "  alert_rule_test:\n  - {eval_time: 3m, alertname: High, exp_alerts: [{" + RIGHT + "}]}\n"
        "  promql_expr_test:\n"
        "  - {eval_time: 3m, expr: time(), exp_samples: [{value: 1609459380}]}\n"
        "  - {eval_time: 3m, expr: timestamp(x), exp_samples: [{labels: '{pid=\"1\"}', value: 1609459380}]}\n"
        "  - {eval_time: 3m, expr: ALERTS_FOR_STATE, exp_samples: [{labels: "
        '\'ALERTS_FOR_STATE{alertname="High",pid="1",severity="page"}\', value: 1609459260}]}\n'
    )
    text = HEAD.replace("- name: one", f"- start_timestamp: {start}\n  name: one") + case
    assert only(folder, text).failures == ()


@pytest.mark.parametrize("start", ["yesterday", "2021-01-01", "1e300", "2021-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused_with_its_line(folder: Path, start: str) -> None:
    result = outcome(folder, HEAD.replace("- name: one", f"- name: one\n  start_timestamp: {start}"))
    assert [(problem.line, problem.kind) for problem in result.problems] == [(4, ProblemKind.ERROR)]
    assert result.bad
    assert result.tests == ()


def test_without_an_interval_samples_stand_at_the_evaluations(folder: Path) -> None:
    text = expr_case("x", "[{labels: 'x{pid=\"1\"}', value: 9}]", "12m")
    assert only(folder, "evaluation_interval: 6m\n" + text).failures == ()


def test_native_histograms_are_told_to_be_unsupported_not_wrong(folder: Path) -> None:
    given = outcome(folder, alert_case("[]").replace("1 9x5 1x4", "'{{schema:0 count:1}}'"))
    expected = outcome(folder, expr_case("x", "[{labels: x, histogram: '{{count:1}}'}]"))
    for result in (given, expected):
        assert (result.failed, result.unsupported) == (0, 1)
        assert "native histograms" in result.tests[0].failures[0].message


def test_an_expression_that_is_not_supported_is_told_apart_too(folder: Path) -> None:
    test = only(folder, expr_case("histogram_sum(x)", "[]"))
    assert test.unsupported
    assert test.failures[0].kind is FailureKind.EXPRESSION


def test_a_failing_rule_ends_its_test_and_is_told_with_the_moment(folder: Path) -> None:
    (folder / "rules.yml").write_text(RULES.replace("x * 2", "x * 2 or label_replace(y, 'pid', '1', '', '')"))
    text = alert_case(f"[{{{RIGHT}}}]").replace("  alert_rule", "  - {series: y, values: '_x4 5'}\n  alert_rule")
    assert only(folder, text).failures == ()
    (folder / "rules.yml").write_text(RULES.replace("x * 2", "x * on (pid) x"))
    text = text.replace("series: y", 'series: \'x{pid="1",a="2"}\'')
    (failure,) = only(folder, text.replace("eval_time: 3m", "eval_time: 9m")).failures
    assert (failure.kind, failure.subject, failure.time) == (FailureKind.RULE, "double", 240.0)
    assert "many-to-many" in failure.message


def test_a_series_that_is_both_given_and_recorded_with_other_values_is_an_error(folder: Path) -> None:
    text = alert_case("[]").replace(
        "  alert_rule", "  - {series: 'double{pid=\"1\"}', values: '2 18 3'}\n  alert_rule"
    )
    (failure,) = only(folder, text).failures
    assert (failure.kind, failure.subject, failure.time) == (FailureKind.RULE, "double", 120.0)
    assert "duplicate sample" in failure.message


def test_a_series_that_is_given_goes_on_where_it_is_not_recorded(folder: Path) -> None:
    extra = "  - {series: 'double{pid=\"2\"}', values: '50x9'}\n  promql"
    text = expr_case(
        "double", "[{labels: 'double{pid=\"1\"}', value: 18}, {labels: 'double{pid=\"2\"}', value: 50}]"
    )
    assert only(folder, text.replace("  promql", extra)).failures == ()


def test_a_bad_rule_file_fails_every_test_with_its_own_lines(folder: Path) -> None:
    (folder / "rules.yml").write_text(RULES.replace("x * 2", "x *").replace("for: 2m", "for: 2"))
    result = outcome(folder, alert_case("[]") + "- name: two\n")
    first, second = result.tests
    assert first.failures == second.failures
    assert [(failure.line, Path(failure.file).name) for failure in first.failures] == [
        (5, "rules.yml"),
        (8, "rules.yml"),
    ]


def test_a_rule_file_that_razorprof_cannot_run_makes_the_tests_unsupported(folder: Path) -> None:
    (folder / "rules.yml").write_text(RULES.replace("x * 2", "histogram_sum(x)"))
    assert outcome(folder, alert_case("[]")).unsupported == 1


def test_a_rule_file_that_is_a_folder_cannot_be_read(folder: Path) -> None:
    (folder / "rules.yml").unlink()
    (folder / "rules.yml").mkdir()
    (failure,) = only(folder, alert_case("[]")).failures
    assert failure.kind is FailureKind.SETUP


def test_what_promtool_passes_over_is_warned_of(folder: Path) -> None:
    text = alert_case("[]").replace("values: 1 9x5 1x4", "values: |\n      1\n  - {series: y, values: '1'}")
    result = outcome(folder, text)
    (problem,) = result.problems
    assert (problem.line, problem.kind) == (8, ProblemKind.WARNING)
    assert result.tests[0].failures == ()
    result = outcome(folder, "rule_files: [none*.yml]\n")
    assert [problem.kind for problem in result.problems] == [ProblemKind.WARNING] * 2


def test_tests_are_chosen_by_their_names(folder: Path) -> None:
    path = folder / "test.yml"
    path.write_text("tests: [{name: memory grows}, {name: gc}, {}]\n")

    def chosen(pattern: str) -> list[str]:
        return [test.name for test in run_test_file(path, names=compile_regex(pattern)).tests]

    assert chosen(".*m.*") == ["memory grows"]
    assert chosen(".*") == ["memory grows", "gc", "unnamed#2"]
    result = run_test_file(path, names=compile_regex("none"))
    assert [problem.message for problem in result.problems] == ["no test has such a name"]


def test_a_test_file_that_cannot_be_read_is_an_error_of_its_own(folder: Path) -> None:
    with pytest.raises(ToolFailed, match="test file"):
        run_test_file(folder / "none.yml")


def test_a_test_that_would_take_days_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (failure,) = only(folder, alert_case("[]", "290y")).failures
    assert "too long" in failure.message
    monkeypatch.setattr(rule_test_run, "MOST_EVALUATIONS", 3)
    assert only(folder, alert_case("[]", "2m")).failures == ()
    assert only(folder, alert_case("[]", "3m")).failures


def test_series_and_results_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (failure,) = only(folder, alert_case("[]").replace("9x5", "9x99999999")).failures
    assert "too many points" in failure.message
    monkeypatch.setattr(rule_test_series, "MOST_SAMPLES", 5)
    (failure,) = only(folder, alert_case("[]")).failures
    assert "too many samples" in failure.message
    monkeypatch.setattr(rule_test_series, "MOST_SAMPLES", 50)
    monkeypatch.setattr(rule_test_series, "MOST_BYTES", 1000)
    (failure,) = only(folder, alert_case("[]")).failures
    assert "too much" in failure.message


def test_hundreds_of_differences_are_cut_short(folder: Path) -> None:
    series = "".join(f"  - {{series: 'x{{pid=\"{pid}\"}}', values: '9x9'}}\n" for pid in range(2, 300))
    (failure,) = only(folder, alert_case("[]").replace("  alert_rule", f"{series}  alert_rule")).failures
    assert failure.message == "0 alerts expected, 299 fire"
    assert len(failure.details) < 100
    assert failure.details[-1].startswith("and ")


WORDS = st.sampled_from(
    (
        *("tests", "rule_files", "name", "interval", "1m", "x", "input_series", "series", "values", "1+1x3", "5"),
        *(
            "alert_rule_test",
            "eval_time",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "<<: ",
            "'",
            '"',
            "#",
            "|",
            ">-",
            "null",
        ),
        *("- ", ": ", "\n", "  "),
    )
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=40).map("".join) | st.binary(max_size=200))
def test_any_content_is_read_or_told_to_be_bad(content: str | bytes) -> None:
    file, problems = read_tests(content)
    assert all(problem.message and problem.line >= 0 for problem in problems)
    assert all(test.duration >= 0 and test.interval > 0 for test in file.tests)
    assert read_tests(content) == (file, problems)
