"""The desk where alerting comes together: evaluated, captured, told, silenced, re-read, kept over a restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from razorprof.alerting.heartbeat import heartbeat
from razorprof.model.alert import AlertState, Health
from razorprof.model.labels import Labels
from razorprof.model.target import Identity, Life, Target
from razorprof.session import alert_desk, alert_state, rule_metrics
from razorprof.session.alert_desk import CAPTURE_ANNOTATION, RuleBook
from razorprof.session.alert_state import StateKeeper
from razorprof.session.alert_targets import find_target
from razorprof.session.view import TargetStatus
from tests.unit.session.alert_room import BUSY, AlertRoom, NamesFolders, Written, rules


def test_the_first_notice_of_an_alert_says_where_its_capture_lies_and_so_does_the_board() -> None:
    room = AlertRoom(RuleBook((BUSY,)), captures=NamesFolders(), external_labels={"host": "a"})
    assert room.tick(p7=0.5).alerts == ()
    board = room.tick(p7=2.0)
    [alert] = board.alerts
    assert (alert.state, alert.value, alert.labels["pid"]) == (AlertState.FIRING, 2.0, "7")
    assert alert.annotations == {"summary": "it is busy", CAPTURE_ANNOTATION: "/captures/Busy-7-1002"}
    [notice] = room.written.notices
    assert notice.annotations == alert.annotations
    assert notice.labels == alert.labels.with_(host="a")
    assert [(change.after, silenced) for change, silenced in room.heard] == [(AlertState.FIRING, False)]
    assert [note.name for note in board.captures] == ["slow"]
    later = room.tick(p7=2.0)
    assert later.alerts[0].annotations == alert.annotations, "for as long as it fires"
    assert room.tick(p7=0.5).alerts[0].annotations == alert.annotations, "and when it is over"
    assert room.written.told == [("7", "firing"), ("7", "resolved")]


def test_active_alerts_stand_before_those_that_are_over() -> None:
    room = AlertRoom(RuleBook((BUSY,)))
    room.tick(p7=2.0, p8=0.0)
    board = room.tick(p7=0.0, p8=2.0)
    assert [(alert.labels["pid"], alert.state) for alert in board.alerts] == [
        ("8", AlertState.FIRING),
        ("7", AlertState.INACTIVE),
    ]


def test_a_silenced_alert_fires_on_the_board_and_is_told_to_nobody_but_the_heartbeat_is_never_silenced() -> None:
    asked: list[Mapping[str, str]] = []

    def hides(labels: Mapping[str, str], time: float) -> bool:
        asked.append(labels)
        return time < 1003.0

    book = RuleBook((BUSY, heartbeat()), hides)
    room = AlertRoom(book, captures=NamesFolders(), external_labels={"host": "a"})
    board = room.tick(p7=2.0)
    busy = next(alert for alert in board.alerts if alert.name == "Busy")
    assert board.silenced == {busy.labels}
    assert CAPTURE_ANNOTATION not in busy.annotations, "nothing is captured of what is silenced"
    assert [notice.labels["alertname"] for notice in room.written.notices] == ["Heartbeat"]
    assert all(labels["host"] == "a" for labels in asked), "silences see the labels that people are told"
    assert [silenced for change, silenced in room.heard if change.alert.name == "Busy"] == [True]
    room.tick(p7=2.0)
    assert room.tick(p7=2.0).silenced == frozenset()
    assert [notice.labels["alertname"] for notice in room.written.notices] == ["Heartbeat", "Busy"]


def test_a_heartbeat_fires_at_the_first_evaluation_and_stays() -> None:
    room = AlertRoom(RuleBook((heartbeat(),)))
    for _ in range(3):
        [alert] = room.tick().alerts
        assert (alert.name, alert.state, alert.labels["severity"]) == ("Heartbeat", AlertState.FIRING, "none")
    assert len(room.written.notices) == 1


def test_other_rules_count_from_the_next_tick_on_and_a_bad_file_keeps_the_old_ones_and_is_told() -> None:
    room = AlertRoom(RuleBook((BUSY,)))
    room.tick(p7=2.0)
    room.desk.refuse("rules.yml:3: unknown key")
    board = room.tick(p7=2.0)
    assert board.error == "rules.yml:3: unknown key"
    assert [alert.name for alert in board.alerts] == ["Busy"]
    assert room.value("razorprof_config_last_reload_successful") == 0.0
    assert room.value("razorprof_config_last_reload_success_timestamp_seconds") == 1000.0
    other = rules(("Busy", "load > 1"), ("Idle", "load < 1"))
    room.desk.adopt(RuleBook((other,)))
    board = room.tick(p7=2.0, p8=0.0)
    assert board.error == ""
    assert [(alert.name, alert.active_at) for alert in board.alerts] == [("Busy", 1001.0), ("Idle", 1003.0)]
    assert room.value("razorprof_config_last_reload_successful") == 1.0
    assert room.value("razorprof_config_last_reload_success_timestamp_seconds") == 1003.0
    assert [notice.labels["alertname"] for notice in room.written.notices] == ["Busy", "Idle"]


def test_what_was_handed_in_last_counts() -> None:
    room = AlertRoom(RuleBook((BUSY,)))
    room.desk.refuse("bad")
    room.desk.adopt(RuleBook((rules(("Idle", "load < 1")),)))
    board = room.tick(p7=0.0)
    assert (board.error, [alert.name for alert in board.alerts]) == ("", ["Idle"])
    room.desk.adopt(RuleBook((BUSY,)))
    room.desk.refuse("worse")
    board = room.tick(p7=2.0)
    assert (board.error, [alert.name for alert in board.alerts]) == ("worse", ["Busy"])


def test_over_a_restart_nothing_is_told_twice_and_what_ended_meanwhile_is_told(tmp_path: Path) -> None:
    written = Written()
    first = AlertRoom(RuleBook((BUSY,)), state=tmp_path / "state", written=written, captures=NamesFolders())
    first.tick(p7=2.0, p8=2.0)
    first.close()
    assert written.told == [("7", "firing"), ("8", "firing")]
    second = AlertRoom(RuleBook((BUSY,)), state=tmp_path / "state", written=written, time=1030.0)
    board = second.tick(p7=2.0, p8=0.5)
    assert board.alerts[0].annotations[CAPTURE_ANNOTATION] == "/captures/Busy-7-1001"
    assert board.alerts[0].active_at == 1001.0
    for _ in range(5):
        second.tick(p7=2.0, p8=0.5)
    assert written.told == [("7", "firing"), ("8", "firing"), ("8", "resolved")]
    assert written.notices[2].annotations[CAPTURE_ANNOTATION] == "/captures/Busy-8-1001"
    second.close()


def test_what_could_not_be_told_before_a_restart_is_told_after_it(tmp_path: Path) -> None:
    down = Written()
    down.down = True
    first = AlertRoom(RuleBook((BUSY,)), state=tmp_path / "state", written=down)
    first.tick(p7=2.0)
    first.close()
    assert down.notices == []
    second = AlertRoom(RuleBook((BUSY,)), state=tmp_path / "state", time=1010.0)
    second.tick(p7=2.0)
    assert second.written.told == [("7", "firing")]
    second.close()


def test_the_state_is_kept_when_something_changed_also_when_only_an_endpoint_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[float] = []
    monkeypatch.setattr(StateKeeper, "keep", lambda self, remembered: kept.append(remembered.time))
    monkeypatch.setattr(StateKeeper, "is_due", lambda self, time, *, changed, active: changed)
    room = AlertRoom(RuleBook((BUSY,)), state=tmp_path / "state")
    for load in (0.5, 2.0, 2.0, 2.0):
        room.tick(deliver=False, p7=load)
    assert kept == [1002.0]
    room.deliver()
    room.tick(p7=2.0)
    room.tick(p7=2.0)
    assert kept == [1002.0, 1005.0]
    room.close()


def test_how_rules_fare_and_what_they_cost_are_series_of_razorprof_s_own() -> None:
    book = RuleBook((rules(("Busy", "load > 1"), ("Fails", "load + on(job) load")),))
    room = AlertRoom(book, captures=NamesFolders())
    room.tick(p7=2.0, p8=2.0)
    board = room.tick(p7=2.0, p8=2.0)
    assert [status.health for status in board.rules] == [Health.GOOD, Health.BAD]
    group = {"rule_group": "rules.yml;g"}
    assert room.value("razorprof_rule_evaluations_total", **group) == 4.0
    assert room.value("razorprof_rule_evaluation_failures_total", **group) == 2.0
    assert room.value("razorprof_rule_group_last_evaluation_timestamp_seconds", **group) == 1002.0
    assert room.value("razorprof_rule_group_interval_seconds", **group) == 1.0
    assert room.value("razorprof_rule_group_rules", **group) == 2.0
    assert room.value("razorprof_rule_group_last_evaluation_samples", **group) == 2.0
    assert room.value("razorprof_rule_evaluation_duration_seconds_count") == 4.0
    assert room.value("razorprof_alerting_duration_seconds_count") == 1.0, "of the ticks before this one"
    assert room.value("razorprof_notifications_sent_total", notifier="written") == 2.0
    assert room.value("taken_total") == 3.0
    assert room.desk._collector.drops.total() == 0


def test_every_metric_of_alerting_follows_the_rules_for_names() -> None:
    for metric in (*alert_desk._OWN, *rule_metrics.METRICS, *alert_state.METRICS):
        assert metric.name.startswith("razorprof_")
        assert metric.help.endswith(".")
        assert metric.name.endswith("_total") is (metric.kind.value == "counter")
        assert not metric.unit or metric.name.removesuffix("_total").endswith(metric.unit)


def status(pid: int, job: str = "web", *, ended: float | None = None) -> TargetStatus:
    target = Target(Identity(pid, 1), job)
    labels = {"job": job, "pid": str(pid), "instance": f"box/{pid}", "runtime": "cpython"}
    return TargetStatus(target, Life.ALIVE if ended is None else Life.GONE, labels=labels, ended=ended)


@pytest.mark.parametrize(
    ("labels", "targets", "pid"),
    [
        (Labels(pid="8", instance="box/8", job="web"), [status(7), status(8)], 8),
        (Labels(pid="8"), [status(7), status(8)], 8),
        (Labels(instance="box/7"), [status(7), status(8)], 7),
        (Labels(pid="8", instance="elsewhere/8"), [status(7), status(8)], None),
        (Labels(pid="9"), [status(7)], None),
        (Labels(alertname="Sum"), [status(7)], 7),
        (Labels(alertname="Sum"), [status(7), status(8)], None),
        (Labels(job="db"), [status(7), status(8, "db")], 8),
        (Labels(job="web"), [status(7), status(8)], None),
        (Labels(job="gone"), [status(7)], None),
        (Labels(), [], None),
        (Labels(pid="7"), [status(7, ended=5.0)], 7),
        (Labels(alertname="Gone"), [status(7, ended=5.0), status(8)], 8),
        (Labels(alertname="Gone"), [status(7, ended=5.0), status(8, ended=6.0)], None),
    ],
)
def test_an_alert_is_about_the_one_target_that_agrees_with_its_labels(
    labels: Labels, targets: list[TargetStatus], pid: int | None
) -> None:
    found = find_target(labels, targets)
    assert (None if found is None else found.pid) == pid
