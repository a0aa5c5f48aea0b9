"""The series that rules write: their names, when they are stale, who has one that several rules want."""

from __future__ import annotations

import math

from razorprof.model.labels import Labels
from razorprof.store.memory import MemoryStore
from tests.unit.alerting.by_hand import (
    MINUTE,
    START,
    Session,
    alerting,
    files,
    group,
    recording,
    saying,
    states,
)

HIGH, LOW = {"x": 9.0}, {"x": 1.0}


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


def test_a_series_that_goes_from_one_rule_to_another_has_no_gap() -> None:
    run = Session(group(recording("z", "sum(x > 5)"), recording("z", "sum(y > 5)"), recording("after", "z")))
    seen = []
    for minute, (x, y) in enumerate([(1, 9), (1, 9), (9, 1), (9, 1), (9, 9), (1, 1), (1, 9), (9, 9), (9, 1)]):
        run.tick(minute * MINUTE, {"x": x, "y": y})
        assert [status.error for status in run.evaluator.statuses()] == ["", "", ""]
        seen.append(bool(run.ask("after", minute * MINUTE)))
        assert run.ask("after", minute * MINUTE) == ({"__name__=after": 9.0} if seen[-1] else {})
        newest = run.store.last(Labels(__name__="z"))
        assert newest == (9.0 if seen[-1] else None)
    assert seen == [True, True, True, True, True, False, True, True, True]


def test_rules_of_groups_with_other_intervals_may_write_one_series() -> None:
    run = Session(
        group(recording("z", "sum(x)"), interval=60.0),
        group(recording("z", "sum(y)"), name="often", interval=20.0),
    )
    for tick in range(12):
        run.tick(tick * 20.0, {"x": 5, "y": 5} if tick < 9 else {"x": 5})
        assert [status.error for status in run.evaluator.statuses()] == ["", ""]
        assert run.ask("z", tick * 20.0) == {"__name__=z": 5.0}


def test_reloads_leave_nothing_behind_of_rules_that_are_gone() -> None:
    run = Session(group(recording("z", "x")))
    for minute in range(20):
        run.evaluator.adopt(files(group(recording(f"z{minute}", "x"))))
        run.tick(minute * MINUTE, HIGH)
    assert run.ask('{__name__=~"z.*"}', 19 * MINUTE) == {"__name__=z19": 9.0}
    assert len(run.evaluator._around.writers) == 1
