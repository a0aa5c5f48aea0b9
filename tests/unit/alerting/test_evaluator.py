"""Rules over a session's store: labels, the series they write, limits, failures, when groups are due."""

from __future__ import annotations

import pytest

from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.alerting.template import TemplateData
from razorprof.errors import RazorprofError
from razorprof.model.alert import AlertState, Health
from razorprof.query.limits import Limits
from tests.unit.alerting.by_hand import (
    MINUTE,
    START,
    Session,
    alerting,
    group,
    recording,
    saying,
)

HIGH, LOW = {"x": 9.0}, {"x": 1.0}


def test_an_alert_has_the_labels_of_the_result_those_of_the_rule_over_them_and_its_name() -> None:
    rule = alerting("High", "x > 5", labels={"severity": "page", "job": "other", "pid": ""})
    run = Session(group(rule))
    run.tick(0, {"x job=api pid=7 host=a": 9.0})
    assert dict(run.alert.labels) == {
        "alertname": "High", "host": "a", "job": "other", "severity": "page",
    }  # fmt: skip


def test_templates_see_the_result_with_its_name_but_without_the_rules_labels() -> None:
    seen: list[TemplateData] = []

    def say(data: TemplateData) -> str:
        seen.append(data)
        return f"{data.labels['__name__']}/{data.labels.get('severity', '-')}/{data.value:g}"

    rule = alerting("High", "x > 5", labels={"severity": "page"}, annotations={"what": saying(say)})
    options = EvaluatorOptions(external_labels={"cluster": "lab"}, external_url="http://here")
    run = Session(group(rule), options=options)
    run.tick(0, {"x job=api": 9.0})
    assert run.alert.annotations == {"what": "x/-/9"}
    assert (seen[0].time, seen[0].external_url) == (START, "http://here")
    assert seen[0].external_labels == {"cluster": "lab"}


def test_a_label_that_expands_to_nothing_is_taken_away() -> None:
    run = Session(group(alerting("High", "x > 5", labels={"job": saying(lambda data: "")})))
    run.tick(0, {"x job=api": 9.0})
    assert dict(run.alert.labels) == {"alertname": "High"}


def test_a_template_asks_for_the_time_of_the_evaluation() -> None:
    def say(data: TemplateData) -> str:
        assert data.ask is not None
        ((labels, value),) = data.ask("sum(y)")
        assert not labels
        return f"{value:g}"

    run = Session(group(alerting("High", "x > 5", annotations={"sum": saying(say)})))
    run.tick(0, {"x": 9, "y a=1": 1, "y a=2": 2})
    assert run.alert.annotations == {"sum": "3"}


def test_a_template_that_asks_nonsense_gets_an_error_that_it_may_handle() -> None:
    def say(data: TemplateData) -> str:
        assert data.ask is not None
        with pytest.raises(RazorprofError):
            data.ask("sum(")
        return "handled"

    run = Session(group(alerting("High", "x > 5", annotations={"sum": saying(say)})))
    run.tick(0, HIGH)
    assert run.alert.annotations == {"sum": "handled"}


def test_two_results_with_the_same_labels_fail_the_rule_and_leave_its_alerts_as_they_are() -> None:
    run = Session(group(alerting("High", "x > 5", labels={"pid": "any"})))
    run.tick(0, {"x pid=1": 9})
    assert run.tick(60, {"x pid=1": 9, "x pid=2": 9}) == []
    assert "same labelset after applying alert labels" in run.error
    assert (run.alert.state, run.alert.evaluated) == (AlertState.FIRING, START)
    run.tick(120, {"x pid=1": 9})
    assert (run.error, run.alert.evaluated) == ("", START + 120)


def test_a_scalar_is_one_result_without_labels() -> None:
    run = Session(group(alerting("Always", "1"), recording("one", "1 + 1")))
    assert run.tick(0) == ["Always inactive>firing"]
    assert run.ask("one", 0) == {"__name__=one": 2.0}


@pytest.mark.parametrize("expr", ['"text"', "x[5m]"])
def test_what_is_neither_vector_nor_scalar_fails(expr: str) -> None:
    run = Session(group(alerting("Odd", expr)))
    run.tick(0, HIGH)
    assert run.error.startswith("rule result is not a vector or scalar")


def test_more_alerts_than_the_limit_clear_them_all_and_are_an_error() -> None:
    run = Session(group(alerting("High", "x > 5"), limit=2))
    run.tick(0, {"x pid=1": 9, "x pid=2": 9})
    assert len(run.evaluator.alerts()) == 2
    changed = run.tick(60, {"x pid=1": 9, "x pid=2": 9, "x pid=3": 9})
    assert changed == ["High firing>inactive"] * 2
    assert run.evaluator.alerts() == ()
    assert run.error == "exceeded limit of 2 with 3 alerts"
    assert run.tick(120, {"x pid=1": 9, "x pid=2": 9, "x pid=3": 9}) == []
    assert run.tick(180, {"x pid=1": 9}) == ["High inactive>firing"]


def test_alerts_that_a_limit_cleared_were_not_resolved() -> None:
    run = Session(group(alerting("High", "x > 5"), limit=1))
    run.put(0, {"x pid=1": 9})
    run.evaluator.evaluate(START)
    run.put(60, {"x pid=1": 9, "x pid=2": 9})
    (change,) = run.evaluator.evaluate(START + 60)
    assert (change.after, change.alert.resolved_at) == (AlertState.INACTIVE, None)


def test_more_series_than_the_limit_are_not_recorded() -> None:
    run = Session(group(recording("r", "x"), limit=1))
    run.tick(0, {"x pid=1": 9, "x pid=2": 9})
    assert run.error == "exceeded limit of 1 with 2 series"
    assert run.ask("r", 0) == {}


def test_a_query_offset_looks_back_and_writes_back_but_counts_from_the_evaluation() -> None:
    run = Session(group(recording("r", "x"), alerting("High", "r > 5", MINUTE), offset=30.0))
    run.put(0, HIGH)
    run.put(29, LOW)
    assert run.tick(15) == []  # 15 s before START there was nothing
    run.tick(60)
    assert run.ask("r", 29.9) == {}
    assert run.ask("r", 30) == {"__name__=r": 1.0}
    run.put(80, HIGH)
    run.tick(120)
    assert run.alert.active_at == START + 120
    assert run.ask("ALERTS_FOR_STATE", 90) == {"__name__=ALERTS_FOR_STATE alertname=High": START + 120}


def test_a_rule_that_fails_leaves_the_others_alone_and_says_so() -> None:
    options = EvaluatorOptions(limits=Limits(samples=3))
    run = Session(group(alerting("Big", "y > 0"), alerting("High", "x > 5")), options=options)
    changed = run.tick(0, {"x": 9, "y a=1": 1, "y a=2": 1, "y a=3": 1, "y a=4": 1})
    assert changed == ["High inactive>firing"]
    big, high = run.evaluator.statuses()
    assert (big.health, big.series) == (Health.BAD, 0)
    assert "too many samples" in big.error
    assert (high.health, high.error, high.series, high.evaluated) == (Health.GOOD, "", 1, START)
    assert (big.kind, high.query, high.hold) == ("alerting", "x > 5", 0.0)


def test_a_bug_met_by_one_expression_is_that_rules_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = Session(group(alerting("Odd", "y > 0"), alerting("High", "x > 5")))
    read = run.store.blocks

    def broken(matchers: object, start: float, end: float) -> object:
        if "'y'" in repr(matchers):
            raise IndexError("off by one")
        return read(matchers, start, end)  # type: ignore[arg-type]

    monkeypatch.setattr(run.store, "blocks", broken)
    caplog.set_level("DEBUG", "razorprof.alerting")
    assert run.tick(0, HIGH) == ["High inactive>firing"]
    run.tick(60, HIGH)
    assert run.error == "IndexError: off by one"
    assert [record.exc_info is not None for record in caplog.records] == [True]  # once, not at each tick


def test_before_its_first_evaluation_a_rules_health_is_unknown() -> None:
    run = Session(group(alerting("High", "x > 5", 60, 30, {"a": "b"}, {"c": "d"})))
    (status,) = run.evaluator.statuses()
    assert (status.health, status.evaluated) == (Health.UNKNOWN, None)
    assert (status.hold, status.keep_firing) == (60, 30)
    assert (status.labels, status.annotations) == ({"a": "b"}, {"c": "d"})
    run.tick(0)
    assert run.evaluator.statuses()[0].seconds > 0


def test_a_group_runs_at_the_first_tick_and_then_at_the_first_one_after_each_multiple_of_its_interval() -> None:
    run = Session(group(recording("n", "x"), interval=30.0))
    evaluated = []
    for at in (17, 18, 29, 30.4, 31, 59.9, 60, 95, 119, 400):
        run.tick(at, {"x": at})
        (status,) = run.evaluator.statuses()
        if status.evaluated == START + at:
            evaluated.append(at)
    assert evaluated == [17, 30.4, 60, 95, 400]


def test_groups_without_an_interval_take_that_of_the_session() -> None:
    slow = group(alerting("Slow", "x > 5"), interval=60.0)
    usual = group(alerting("Usual", "x > 5"), name="usual", interval=None)
    run = Session(slow, usual, options=EvaluatorOptions(interval=10.0))
    run.tick(0, LOW)
    assert run.tick(10, HIGH) == ["Usual inactive>firing"]
    assert run.tick(60, HIGH) == ["Slow inactive>firing"]


def test_a_group_given_twice_runs_once() -> None:
    same = group(alerting("High", "x > 5"))
    run = Session(same, same)
    assert run.tick(0, HIGH) == ["High inactive>firing"]
    assert len(run.evaluator.statuses()) == 1
