"""Rules over a session's store: labels, the series they write, limits, failures, when groups are due."""

from __future__ import annotations

import math

import pytest

from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.alerting.template import TemplateData
from razorprof.errors import RazorprofError
from razorprof.model.alert import AlertState, Health
from razorprof.query.limits import Limits
from razorprof.store.memory import MemoryStore
from tests.unit.alerting.by_hand import (
    MINUTE,
    START,
    Session,
    alerting,
    group,
    recording,
    saying,
    states,
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


def test_alerts_are_written_as_series_with_state_and_since_when() -> None:
    run = Session(group(alerting("High", "x > 5", MINUTE, labels={"severity": "page"})))
    run.tick(0.75, {"x pid=1": 9})
    names = "alertname=High", "pid=1 severity=page"
    assert run.ask("ALERTS", 1) == {f"__name__=ALERTS {names[0]} alertstate=pending {names[1]}": 1.0}
    assert run.ask("ALERTS_FOR_STATE", 1) == {f"__name__=ALERTS_FOR_STATE {names[0]} {names[1]}": START}
    run.tick(61, {"x pid=1": 9})
    assert run.ask("ALERTS", 61) == {f"__name__=ALERTS {names[0]} alertstate=firing {names[1]}": 1.0}
    run.tick(121, {"x pid=1": 1})
    assert run.ask('{__name__=~"ALERTS.*"}', 121) == {}


def test_a_label_that_expands_to_nothing_stands_unexpanded_in_those_series_as_in_prometheus() -> None:
    rule = alerting("High", "x > 5", labels={"job": saying(lambda data: "", "{{ $labels.no }}")})
    run = Session(group(rule))
    run.tick(0, HIGH)
    assert run.ask("ALERTS", 0) == {"__name__=ALERTS alertname=High alertstate=firing job={{ $labels.no }}": 1.0}


def test_later_rules_see_at_once_what_earlier_ones_wrote() -> None:
    run = Session(
        group(
            recording("job:x", "sum by (job) (x)", {"from": "rules"}),
            alerting("High", "job:x > 10"),
            recording("alerts", 'count(ALERTS{alertstate="firing"})'),
        ),
        group(alerting("Any", "alerts > 0"), name="later"),
    )
    changed = run.tick(0, {"x job=api pid=1": 6, "x job=api pid=2": 6, "x job=db pid=3": 1})
    assert changed == ["High inactive>firing", "Any inactive>firing"]
    assert states(run.evaluator.alerts()) == {"from=rules job=api": "firing", "": "firing"}


def test_a_recorded_series_is_stale_at_once_when_the_query_gives_it_no_more() -> None:
    run = Session(group(recording("high", "x > 5")))
    run.tick(0, {"x pid=1": 9, "x pid=2": 9})
    run.tick(60, {"x pid=1": 1, "x pid=2": 9})
    assert run.ask("high", 60) == {"__name__=high pid=2": 9.0}
    run.tick(120, {"x pid=1": 1})
    assert run.ask("high", 120) == {}
    run.tick(180, {"x pid=1": 8})
    assert run.ask("high", 180) == {"__name__=high pid=1": 8.0}


def test_the_rules_labels_replace_those_of_a_recorded_result_and_empty_ones_take_them_away() -> None:
    run = Session(group(recording("r", "x", {"job": "other", "pid": ""})))
    run.tick(0, {"x job=api pid=7": 9.0})
    assert run.ask("r", 0) == {"__name__=r job=other": 9.0}


def test_recorded_results_with_the_same_labels_fail_the_rule_and_what_it_wrote_grows_old() -> None:
    run = Session(group(recording("r", "x", {"pid": ""})))
    run.tick(0, {"x pid=7": 9.0})
    run.tick(60, {"x pid=7": 9.0, "x pid=8": 8.0})
    assert "same labelset after applying rule labels" in run.error
    assert run.ask("r", 60) == {"__name__=r": 9.0}  # as in Prometheus: no marker, it is just old
    assert run.ask("r", 300.5) == {}
    run.tick(120, {})
    assert run.error == ""
    assert run.ask("r", 120) == {}


def test_a_nan_is_recorded_as_a_value() -> None:
    run = Session(group(recording("r", "x / 0 * 0")))
    run.tick(0, HIGH)
    ((name, value),) = run.ask("r", 0).items()
    assert name == "__name__=r"
    assert math.isnan(value)


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


def test_two_rules_of_one_name_may_both_fire_and_the_second_may_stop() -> None:
    run = Session(group(alerting("High", "x > 5"), alerting("High", "y > 5")))
    run.tick(0, {"x": 9, "y": 9})
    run.tick(60, {"x": 9, "y": 1})
    assert [status.error for status in run.evaluator.statuses()] == ["", ""]
    assert run.ask("ALERTS", 60) == {"__name__=ALERTS alertname=High alertstate=firing": 1.0}


def test_where_the_first_of_them_stops_the_second_fails_once_as_in_prometheus() -> None:
    run = Session(group(alerting("High", "x > 5"), alerting("High", "y > 5"), recording("n", "x > 5")))
    run.tick(0, {"x": 9, "y": 9})
    run.tick(60, {"x": 1, "y": 9})
    errors = [status.error.split(":")[0] for status in run.evaluator.statuses()]
    assert errors == ["", "duplicate sample for timestamp", ""]
    assert run.ask("ALERTS", 60) == {}
    run.tick(120, {"x": 1, "y": 9})
    assert [status.error for status in run.evaluator.statuses()] == ["", "", ""]
    assert run.ask("ALERTS", 120) == {"__name__=ALERTS alertname=High alertstate=firing": 1.0}


def test_a_series_of_somebody_else_is_not_overwritten_by_another_value() -> None:
    run = Session(group(recording("x", "x * 2"), recording("z", "x + 1"), recording("z", "x + 2")))
    run.tick(0, HIGH)
    errors = [status.error for status in run.evaluator.statuses()]
    assert [error.split(":")[0] for error in errors] == [
        "duplicate sample for timestamp", "", "duplicate sample for timestamp",
    ]  # fmt: skip
    assert run.ask("x", 0) == {"__name__=x": 9.0}
    assert run.ask("z", 0) == {"__name__=z": 10.0}


def test_series_that_the_store_has_no_room_for_are_an_error() -> None:
    run = Session(group(alerting("High", "x > 5")), store=MemoryStore(max_series=3))
    changed = run.tick(0, {f"x pid={pid}": 9 for pid in range(4)})
    assert len(changed) == 4
    assert "series_limit" in run.error


def test_a_rule_that_was_quiet_for_longer_than_the_history_writes_again() -> None:
    run = Session(group(alerting("High", "x > 5"), recording("r", "x")), store=MemoryStore(seconds=300.0))
    for minute in range(200):
        high = minute < 5 or minute > 190
        run.tick(minute * MINUTE, {"x": 9.0 if high else 1.0} if high or minute < 100 else None)
        run.store.expire(START + minute * MINUTE)
    assert run.ask('{__name__=~"ALERTS|r"}', 199 * MINUTE) == {
        "__name__=ALERTS alertname=High alertstate=firing": 1.0,
        "__name__=r": 9.0,
    }
    assert [status.error for status in run.evaluator.statuses()] == ["", ""]
