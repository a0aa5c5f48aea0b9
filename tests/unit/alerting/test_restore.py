"""Alerts over a restart: what a state file keeps, taken up by an evaluator whose store is empty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.alerting.rules import RuleGroup
from razorprof.model.alert import Alert, AlertState
from razorprof.model.labels import Labels
from tests.unit.alerting.by_hand import MINUTE, START, Session, alerting, files, group, states

HIGH, LOW = {"x": 9.0}, {"x": 1.0}
HOUR = 60 * MINUTE


def restarted(run: Session, at: float, *groups: RuleGroup, options: EvaluatorOptions | None = None) -> Session:
    again = Session(*groups, options=options)
    again.evaluator.recall(run.evaluator.remembered(), START + at)
    return again


def pending(hold: float, held: float) -> tuple[Session, RuleGroup]:
    """A session that ended when an alert of `for` hold had been pending for `held`."""
    rules = group(alerting("High", "x > 5", hold))
    run = Session(rules)
    run.tick(0, HIGH)
    run.tick(held, HIGH)
    assert run.alert.state is AlertState.PENDING
    return run, rules


def test_a_firing_alert_goes_on_firing_and_nothing_is_told() -> None:
    rules = group(alerting("High", "x > 5", MINUTE))
    run = Session(rules)
    run.tick(0, HIGH)
    run.tick(60, HIGH)
    again = restarted(run, 300, rules)
    assert again.alert == run.alert
    assert again.tick(300, HIGH) == []
    assert (again.alert.active_at, again.alert.fired_at) == (START, START + 60)
    assert again.ask("ALERTS_FOR_STATE", 300) == {"__name__=ALERTS_FOR_STATE alertname=High": START}


def test_a_firing_alert_whose_condition_ended_meanwhile_is_resolved_once() -> None:
    rules = group(alerting("High", "x > 5"))
    run = Session(rules)
    run.tick(0, HIGH)
    again = restarted(run, 300, rules)
    told = [change for at in range(300, 1500, 60) for change in again.tick(at, LOW)]
    assert told == ["High firing>inactive"]
    assert again.evaluator.alerts() == ()


def test_an_alert_may_be_missing_until_its_query_can_have_seen_enough() -> None:
    rules = group(alerting("High", "rate(x[3m]) > 1"))
    run = Session(rules)
    for at in range(0, 300, 30):
        run.tick(at, {"x": at * 5.0})
    assert run.alert.state is AlertState.FIRING
    again = restarted(run, 600, rules)
    assert again.tick(600) == []  # nothing was read yet
    assert again.tick(660, {"x": 100.0}) == []  # one value is no rate
    assert again.alert.state is AlertState.FIRING
    assert again.ask("ALERTS", 660) == {"__name__=ALERTS alertname=High alertstate=firing": 1.0}
    assert again.tick(720, {"x": 700.0}) == []
    assert again.alert.evaluated == START + 720
    assert again.tick(780, {"x": 700.0}) == []  # 3.3/s over three minutes
    told = [change for at in range(840, 1200, 60) for change in again.tick(at, {"x": 700.0})]
    assert told == ["High firing>inactive"]


def test_an_alert_that_was_found_once_is_missing_no_more_with_patience() -> None:
    rules = group(alerting("High", "x > 5"))
    run = Session(rules)
    run.tick(0, HIGH)
    again = restarted(run, 60, rules)
    assert again.tick(60, HIGH) == []
    assert again.tick(120, LOW) == ["High firing>inactive"]


@pytest.mark.parametrize(("expr", "seconds"), [("x > 5", 120), ("rate(x[3m]) > 1", 300), ("rate(x[9h]) > 1", 420)])
def test_for_how_long_depends_on_how_far_the_query_looks_back(expr: str, seconds: float) -> None:
    rules = group(alerting("High", expr))
    (rule,) = rules.rules
    labels = Labels(alertname="High")
    alert = Alert(rule.key, labels, state=AlertState.FIRING, active_at=START, fired_at=START, evaluated=START)
    run = Session(rules)
    run.evaluator.recall([alert], START)
    resolved = [at for at in range(0, 600, 60) if run.tick(at, {"y": 1})]
    assert resolved == [seconds]


def test_a_pending_alert_that_had_long_to_wait_waits_as_long_as_it_had() -> None:
    run, rules = pending(hold=HOUR, held=600)
    again = restarted(run, 2400, rules)  # half an hour later
    assert again.alert.active_at == START + 1800
    again.tick(2400, HIGH)
    fired = [at for at in range(2460, 7200, 60) if again.tick(at, HIGH)]
    assert fired == [1800 + 3600]


def test_a_pending_alert_that_was_about_to_fire_waits_for_the_grace_period() -> None:
    run, rules = pending(hold=HOUR, held=3540)
    again = restarted(run, 3600, rules)
    fired = [at for at in range(3600, 7200, 60) if again.tick(at, HIGH)]
    assert fired == [3600 + 600]


def test_the_grace_period_is_an_option() -> None:
    run, rules = pending(hold=HOUR, held=3540)
    again = restarted(run, 3600, rules, options=EvaluatorOptions(grace=120.0))
    fired = [at for at in range(3600, 7200, 60) if again.tick(at, HIGH)]
    assert fired == [3600 + 120]


def test_a_pending_alert_whose_for_is_shorter_than_the_grace_period_begins_anew() -> None:
    run, rules = pending(hold=5 * MINUTE, held=240)
    again = restarted(run, 300, rules)
    assert again.evaluator.alerts() == ()
    assert again.tick(300, HIGH) == ["High inactive>pending"]
    assert again.alert.active_at == START + 300


def test_a_pending_alert_does_not_fire_while_it_is_missing() -> None:
    run, rules = pending(hold=HOUR, held=600)
    again = restarted(run, 660, rules, options=EvaluatorOptions(grace=0.0))
    assert again.tick(660, {"y": 1}) == []
    assert again.tick(720, {"y": 1}) == []
    assert again.tick(780, {"y": 1}) == ["High pending>inactive"]


def test_a_firing_alert_whose_for_became_longer_is_pending() -> None:
    rules = group(alerting("High", "x > 5"))
    run = Session(rules)
    run.tick(0, HIGH)
    again = restarted(run, 60, group(alerting("High", "x > 5", HOUR)))
    assert (again.alert.state, again.alert.fired_at) == (AlertState.PENDING, None)
    assert again.alert.active_at == START + 60


def test_keep_firing_for_goes_on_where_it_was() -> None:
    rules = group(alerting("High", "x > 5", 0, 10 * MINUTE))
    run = Session(rules)
    run.tick(0, HIGH)
    run.tick(60, LOW)
    again = restarted(run, 120, rules)
    resolved = [at for at in range(120, 1200, 60) if again.tick(at, LOW)]
    assert resolved == [660]


def test_resolved_alerts_are_remembered_for_as_long_as_they_are_kept() -> None:
    rules = group(alerting("High", "x > 5"))
    run = Session(rules)
    run.tick(0, HIGH)
    run.tick(60, LOW)
    again = restarted(run, 600, rules)
    assert again.tick(600, LOW) == []
    assert again.alert.resolved_at == START + 60
    assert restarted(run, 961, rules).evaluator.alerts() == ()


def test_a_second_restart_before_anything_was_evaluated_loses_nothing() -> None:
    run, rules = pending(hold=HOUR, held=600)
    once = restarted(run, 660, rules)
    twice = restarted(once, 660, rules)
    assert twice.evaluator.alerts() == once.evaluator.alerts()


def test_alerts_find_their_rule_by_its_key_else_by_group_and_name_else_by_name() -> None:
    run = Session(group(alerting("High", "x > 5"), alerting("High", "y > 5")))
    run.tick(0, {"x a=1": 9, "y a=2": 9})
    moved = Session(
        group(alerting("New", "z > 5"), alerting("High", "x > 5"), name="other", file="/abs/rules.yml")
    )
    moved.evaluator.recall(run.evaluator.remembered(), START)
    assert states(moved.evaluator.alerts()) == {"a=1": "firing", "a=2": "firing"}
    assert {alert.rule.place for alert in moved.evaluator.alerts()} == {1}


def test_alerts_that_fit_no_rule_and_those_that_come_twice_are_left() -> None:
    rules = group(alerting("High", "x > 5"))
    run = Session(rules)
    run.tick(0, HIGH)
    stranger = replace(run.alert, rule=run.alert.rule._replace(name="Gone"))
    again = Session(rules)
    again.evaluator.recall([stranger, run.alert, run.alert], START + 60)
    assert again.evaluator.alerts() == (run.alert,)


def test_a_reload_keeps_the_patience_with_missing_alerts() -> None:
    rules = group(alerting("High", "x > 5"))
    run = Session(rules)
    run.tick(0, HIGH)
    again = restarted(run, 60, rules)
    again.evaluator.adopt(files(rules))
    assert again.tick(60, {"y": 1}) == []
    assert again.alert.state is AlertState.FIRING
