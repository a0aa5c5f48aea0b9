"""Other rules while alerts are there: what goes on, what is dropped, what becomes stale."""

from __future__ import annotations

from razorprof.alerting.rules import RuleGroup
from razorprof.model.alert import AlertState, Health
from tests.unit.alerting.by_hand import START, Session, alerting, files, group, recording, states

HIGH, LOW = {"x": 9.0}, {"x": 1.0}


def firing(*groups: RuleGroup) -> Session:
    run = Session(*groups)
    run.tick(0, HIGH)
    return run


def test_the_same_file_again_changes_nothing() -> None:
    def rules() -> RuleGroup:
        return group(alerting("High", "x > 5", 60), recording("r", "x"))

    run = firing(rules())
    before = run.evaluator.alerts(), run.evaluator.statuses()
    run.evaluator.adopt(files(rules()))
    assert (run.evaluator.alerts(), run.evaluator.statuses()) == before
    assert run.tick(30, LOW) == []  # not due
    assert run.tick(60, HIGH) == ["High pending>firing"]


def test_a_rule_that_moved_in_its_group_keeps_its_alerts_under_its_new_place() -> None:
    run = firing(group(alerting("High", "x > 5")))
    run.evaluator.adopt(files(group(recording("r", "x"), alerting("High", "x > 5"))))
    assert run.alert.rule.place == 1
    assert run.tick(60, HIGH) == []
    assert run.alert.fired_at == START


def test_another_expression_keeps_the_alerts_until_it_says_otherwise() -> None:
    run = firing(group(alerting("High", "x > 5")))
    run.evaluator.adopt(files(group(alerting("High", "x > 20"))))
    assert run.alert.state is AlertState.FIRING
    assert run.evaluator.statuses()[0].health is Health.UNKNOWN
    assert run.tick(60, HIGH) == ["High firing>inactive"]


def test_other_labels_make_it_another_rule() -> None:
    run = firing(group(alerting("High", "x > 5", labels={"severity": "page"})))
    run.evaluator.adopt(files(group(alerting("High", "x > 5", labels={"severity": "ticket"}))))
    assert run.evaluator.alerts() == ()
    assert run.tick(60, HIGH) == ["High inactive>firing"]
    assert run.ask("count(ALERTS)", 60) == {"": 1.0}


def test_a_label_that_takes_one_away_tells_rules_apart() -> None:
    run = firing(group(alerting("High", "x > 5", labels={"job": ""})))
    run.evaluator.adopt(files(group(alerting("High", "x > 5"))))
    assert run.evaluator.alerts() == ()


def test_rules_of_one_name_are_matched_in_their_order() -> None:
    run = Session(group(alerting("High", "x > 5"), alerting("High", "y > 5")))
    run.tick(0, {"x a=1": 9, "y a=2": 9})
    run.evaluator.adopt(files(group(alerting("High", "x > 5"))))
    assert states(run.evaluator.alerts()) == {"a=1": "firing"}


def test_a_recording_rule_and_an_alert_of_one_name_are_not_mixed_up() -> None:
    run = firing(group(alerting("High", "x > 5")))
    run.evaluator.adopt(files(group(recording("High", "x"), alerting("High", "x > 5"))))
    assert run.tick(60, HIGH) == []
    assert run.ask("High", 60) == {"__name__=High": 9.0}


def test_a_rule_that_is_no_more_drops_its_alerts_without_a_word_and_its_series_are_stale() -> None:
    run = firing(group(alerting("High", "x > 5"), recording("r", "x")))
    run.evaluator.adopt(files(group(recording("q", "x"))))
    assert run.evaluator.alerts() == ()
    assert run.tick(1, HIGH) == []  # whether or not a group is due
    assert run.ask('{__name__=~"ALERTS|r|q"}', 1) == {}
    run.tick(60, HIGH)
    assert run.ask('{__name__=~"ALERTS|r|q"}', 60) == {"__name__=q": 9.0}


def test_a_group_that_is_no_more_does_too() -> None:
    run = firing(group(alerting("High", "x > 5")), group(alerting("Other", "x > 5"), name="other"))
    run.evaluator.adopt(files(group(alerting("Other", "x > 5"), name="other")))
    run.tick(60, HIGH)
    assert run.ask("ALERTS", 60) == {"__name__=ALERTS alertname=Other alertstate=firing": 1.0}


def test_a_group_of_another_name_begins_anew_and_its_series_go_on() -> None:
    run = firing(group(alerting("High", "x > 5", 60)))
    run.evaluator.adopt(files(group(alerting("High", "x > 5", 60), name="renamed")))
    assert run.tick(60, HIGH) == ["High inactive>pending"]
    assert run.error == ""
    assert run.ask("ALERTS", 60) == {"__name__=ALERTS alertname=High alertstate=pending": 1.0}
    assert run.ask("ALERTS_FOR_STATE - 60", 60) == {"alertname=High": START}


def test_the_same_group_in_another_file_is_another_group() -> None:
    run = firing(group(alerting("High", "x > 5")))
    run.evaluator.adopt(files(group(alerting("High", "x > 5"), file="other.yml")))
    assert run.evaluator.alerts() == ()


def test_with_another_interval_a_group_runs_at_the_next_tick() -> None:
    run = firing(group(alerting("High", "x > 5", 10)))
    run.evaluator.adopt(files(group(alerting("High", "x > 5", 10), interval=15.0)))
    assert run.tick(12, HIGH) == ["High pending>firing"]
