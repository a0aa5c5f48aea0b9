"""When an alert is pending, fires, goes on firing, is resolved and forgotten."""

from __future__ import annotations

import pytest

from razorprof.alerting.evaluator import EvaluatorOptions
from razorprof.model.alert import AlertState
from tests.unit.alerting.by_hand import MINUTE, START, Session, alerting, files, group, saying, states

HIGH, LOW = {"x": 9.0}, {"x": 1.0}


def session(hold: float = 0.0, keep_firing: float = 0.0) -> Session:
    return Session(group(alerting("High", "x > 5", hold, keep_firing)))


def test_without_a_for_an_alert_fires_at_once() -> None:
    run = session()
    assert run.tick(0, HIGH) == ["High inactive>firing"]
    assert (run.alert.active_at, run.alert.fired_at) == (START, START)
    assert dict(run.alert.labels) == {"alertname": "High"}
    assert run.alert.value == 9.0


def test_with_a_for_it_is_pending_until_the_condition_held_that_long() -> None:
    run = session(hold=2 * MINUTE)
    assert run.tick(0, HIGH) == ["High inactive>pending"]
    assert run.tick(60, HIGH) == []
    assert run.alert.state is AlertState.PENDING
    assert run.tick(120, HIGH) == ["High pending>firing"]
    assert (run.alert.active_at, run.alert.fired_at) == (START, START + 120)


def test_the_sums_of_binary_fractions_do_not_delay_an_alert() -> None:
    run = Session(group(alerting("High", "x > 5", 0.3), interval=0.1))
    changed = [run.tick(tenth / 10, HIGH) for tenth in range(4)]
    assert changed == [["High inactive>pending"], [], [], ["High pending>firing"]]


def test_a_pending_alert_is_dropped_as_soon_as_the_condition_ends_and_begins_anew() -> None:
    run = session(hold=2 * MINUTE)
    run.tick(0, HIGH)
    assert run.tick(60, LOW) == ["High pending>inactive"]
    assert run.evaluator.alerts() == ()
    run.tick(120, HIGH)
    assert run.alert.active_at == START + 120


def test_a_firing_alert_is_resolved_kept_and_then_forgotten() -> None:
    run = session()
    run.tick(0, HIGH)
    assert run.tick(60, LOW) == ["High firing>inactive"]
    assert (run.alert.resolved_at, run.alert.value) == (START + 60, 9.0)
    assert run.tick(960, LOW) == []  # 15 minutes later
    assert run.alert.resolved_at == START + 60
    assert run.tick(1020, LOW) == []
    assert run.evaluator.alerts() == ()


def test_how_long_a_resolved_alert_is_kept_is_an_option() -> None:
    run = Session(group(alerting("High", "x > 5")), options=EvaluatorOptions(resolved_seconds=60.0))
    for at, values in ((0, HIGH), (60, LOW), (120, LOW)):
        run.tick(at, values)
    assert run.alert.state is AlertState.INACTIVE
    run.tick(180, LOW)
    assert run.evaluator.alerts() == ()


def test_a_resolved_alert_that_comes_back_is_a_new_one() -> None:
    run = session(hold=MINUTE)
    for at, values in ((0, HIGH), (60, HIGH), (120, LOW)):
        run.tick(at, values)
    assert run.tick(180, HIGH) == ["High inactive>pending"]
    assert (run.alert.active_at, run.alert.fired_at, run.alert.resolved_at) == (START + 180, None, None)
    assert run.tick(240, HIGH) == ["High pending>firing"]


def test_it_goes_on_firing_for_as_long_as_keep_firing_for_says() -> None:
    run = session(keep_firing=2 * MINUTE)
    run.tick(0, HIGH)
    assert run.tick(60, LOW) == []
    assert (run.alert.state, run.alert.keep_firing_since) == (AlertState.FIRING, START + 60)
    assert run.tick(120, LOW) == []
    assert run.tick(180, LOW) == ["High firing>inactive"]


def test_a_condition_that_comes_back_while_it_goes_on_firing_starts_the_clock_again() -> None:
    run = session(keep_firing=2 * MINUTE)
    run.tick(0, HIGH)
    run.tick(60, LOW)
    assert run.tick(120, HIGH) == []
    assert run.alert.keep_firing_since is None
    assert run.tick(180, LOW) == []
    assert run.tick(240, LOW) == []
    assert run.tick(300, LOW) == ["High firing>inactive"]


def test_value_and_annotations_are_of_the_last_evaluation_that_had_any() -> None:
    rule = alerting("High", "x > 5", 0, MINUTE, annotations={"is": saying(lambda data: f"{data.value:g}")})
    run = Session(group(rule))
    run.tick(0, HIGH)
    run.tick(60, {"x": 7.0})
    assert (run.alert.value, run.alert.annotations, run.alert.evaluated) == (7.0, {"is": "7"}, START + 60)
    run.tick(90, LOW)  # not due
    run.tick(120, LOW)
    assert (run.alert.value, run.alert.annotations, run.alert.evaluated) == (7.0, {"is": "7"}, START + 120)


def test_alerts_of_one_rule_each_have_a_state_of_their_own() -> None:
    run = Session(group(alerting("High", "x > 5", MINUTE)))
    run.tick(0, {"x pid=1": 9, "x pid=2": 1})
    run.tick(60, {"x pid=1": 9, "x pid=2": 9})
    assert states(run.evaluator.alerts()) == {"pid=1": "firing", "pid=2": "pending"}
    changed = run.tick(120, {"x pid=1": 1, "x pid=2": 9, "x pid=3": 9})
    assert changed == ["High firing>inactive", "High pending>firing", "High inactive>pending"]


def test_time_that_nobody_evaluated_counts() -> None:
    run = session(hold=10 * MINUTE)
    run.tick(0, HIGH)
    assert run.tick(3600, HIGH) == ["High pending>firing"]


@pytest.mark.parametrize(("hold", "after"), [(2 * MINUTE, "pending"), (MINUTE, "firing")])
def test_a_reload_with_a_longer_for_makes_a_firing_alert_wait_again(hold: float, after: str) -> None:
    run = session()
    run.tick(0, HIGH)
    run.evaluator.adopt(files(group(alerting("High", "x > 5", hold))))
    changed = run.tick(60, HIGH)
    assert changed == ([] if after == "firing" else ["High firing>pending"])
    assert run.alert.state == after
    run.tick(120, HIGH)
    assert (run.alert.state, run.alert.fired_at) == (AlertState.FIRING, START + (120 if hold > MINUTE else 0))
