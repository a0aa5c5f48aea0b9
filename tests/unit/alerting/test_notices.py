"""Which alerts are told when: at once, again each minute, as resolved, over silences and restarts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from razorprof.alerting.notices import Noticing, NoticingOptions
from razorprof.alerting.rules import AlertingRule, RuleFile, RuleGroup
from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.query.engine import compile_query

START = 1_700_000_000.0
KEY = RuleKey("rules.yml", "group", 0, "Slow")
LABELS = Labels(alertname="Slow", job="web")


def firing(at: float, *, since: float = 0.0, labels: Labels = LABELS, **more: object) -> Alert:
    """An alert that fires, at and since so many seconds after the start."""
    made = Alert(
        KEY,
        labels,
        {"summary": "slow"},
        AlertState.FIRING,
        0.9,
        START + since,
        START + since,
        evaluated=START + at,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def pending(at: float, *, since: float = 0.0) -> Alert:
    return firing(at, since=since, state=AlertState.PENDING, fired_at=None)


def resolved(at: float, *, since: float = 0.0, end: float, labels: Labels = LABELS) -> Alert:
    return firing(at, since=since, labels=labels, state=AlertState.INACTIVE, resolved_at=START + end)


def told(noticing: Noticing, at: float, *alerts: Alert, hidden: bool = False) -> list[Notice]:
    return noticing.due(alerts, START + at, hides=lambda labels: hidden)


def words(notices: list[Notice]) -> list[str]:
    """Each as `firing`, `firing again`, `resolved` or `resolved again`."""
    return [
        ("resolved" if notice.is_resolved else "firing") + (" again" if notice.is_repeat else "")
        for notice in notices
    ]


def after_restart(noticing: Noticing, at: float) -> Noticing:
    """Another one that has read the state file."""
    restarted = Noticing()
    restarted.recall(json.loads(json.dumps(noticing.remembered(), allow_nan=False)), START + at)
    return restarted


def test_a_pending_alert_is_not_told_and_a_firing_one_at_once() -> None:
    noticing = Noticing()
    assert told(noticing, 0, pending(0)) == []
    assert told(noticing, 60, firing(60, since=0, fired_at=START + 60)) == [
        Notice(LABELS, {"summary": "slow"}, START + 60, START + 60 + 240, value=0.9)
    ]


def test_a_firing_alert_is_told_again_once_more_than_a_minute_has_passed() -> None:
    noticing = Noticing()
    found = {at: words(told(noticing, at, firing(at))) for at in range(0, 181, 15)}
    assert {at for at, said in found.items() if said} == {0, 75, 150}  # as Prometheus does at 15 s and 1 m
    assert found[0] == ["firing"]
    assert found[75] == found[150] == ["firing again"]


def test_a_tick_without_an_evaluation_tells_nothing() -> None:
    noticing = Noticing()
    told(noticing, 0, firing(0))
    assert told(noticing, 70, firing(0)) == []


def test_it_counts_as_firing_for_four_times_the_longer_of_interval_and_resend() -> None:
    group = RuleGroup("rules.yml", "group", interval=300.0)
    noticing = Noticing()
    noticing.adopt([RuleFile("rules.yml", (group,))])
    assert told(noticing, 0, firing(0))[0].ends_at == START + 1200


def test_a_resolved_alert_is_told_at_once_and_again_while_it_is_kept() -> None:
    noticing = Noticing()
    told(noticing, 0, firing(0))
    found = [(at, told(noticing, at, resolved(at, end=15))) for at in range(15, 15 + 900 + 1, 15)]
    said = {at: words(notices) for at, notices in found if notices}
    assert said[15] == ["resolved"]
    assert list(said) == [15, *range(90, 916, 75)]
    assert {word for word, *_ in list(said.values())[1:]} == {"resolved again"}
    assert {notice.ends_at for _, notices in found for notice in notices} == {START + 15}
    assert told(noticing, 930) == []


def test_an_alert_that_fires_again_is_a_new_one() -> None:
    noticing = Noticing()
    told(noticing, 0, firing(0))
    told(noticing, 15, resolved(15, end=15))
    (notice,) = told(noticing, 30, firing(30, since=30))
    assert (notice.starts_at, notice.is_repeat) == (START + 30, False)


def test_an_end_that_nobody_saw_is_told_before_the_next_beginning() -> None:
    noticing = Noticing()
    told(noticing, 0, firing(0))
    end, beginning = told(noticing, 45, firing(45, since=30))
    assert words([end, beginning]) == ["resolved", "firing"]
    assert (end.starts_at, end.ends_at) == (START, START + 30)
    assert told(noticing, 60, pending(60, since=50))[0].ends_at == START + 50


def test_beginning_and_end_between_two_looks_are_both_told() -> None:
    assert words(told(Noticing(), 45, resolved(45, since=10, end=40))) == ["firing", "resolved"]


def test_an_alert_that_vanishes_is_resolved_when_what_was_told_of_it_runs_out() -> None:
    noticing = Noticing()
    told(noticing, 0, firing(0))
    assert told(noticing, 240) == []
    (notice,) = told(noticing, 241)
    assert (notice.is_resolved, notice.ends_at) == (True, START + 240)
    assert told(noticing, 1000) == []


def test_an_alert_that_a_reload_made_pending_again_runs_out_too() -> None:
    noticing = Noticing()
    told(noticing, 0, firing(0))
    assert told(noticing, 15, pending(15)) == []
    assert words(told(noticing, 255, pending(255))) == ["resolved"]
    assert words(told(noticing, 300, firing(300, since=0))) == ["firing"]


def test_external_labels_are_added_where_the_alert_has_none_of_that_name() -> None:
    noticing = Noticing(NoticingOptions(external_labels={"job": "other", "region": "eu"}))
    assert noticing.labels_of(firing(0)) == Labels(alertname="Slow", job="web", region="eu")
    assert told(noticing, 0, firing(0))[0].labels == noticing.labels_of(firing(0))


def test_a_capture_s_folder_is_in_the_first_notice_and_stays() -> None:
    noticing = Noticing()
    first = noticing.due([firing(0)], START, {LABELS: {"razorprof_capture": "/captures/1"}})
    again = noticing.due([firing(75)], START + 75, {LABELS: {"razorprof_capture": "/captures/2"}})
    end = noticing.due([resolved(90, end=90)], START + 90)
    for notice in (*first, *again, *end):
        assert notice.annotations == {"summary": "slow", "razorprof_capture": "/captures/1"}


def test_a_capture_that_is_made_at_the_resolution_is_in_its_notice_and_stays() -> None:
    noticing = Noticing()
    noticing.due([firing(0)], START, {LABELS: {"razorprof_capture": "/captures/1"}})
    for at, extra in ((15, {LABELS: {"razorprof_capture": "/captures/2"}}), (90, {})):
        (notice,) = noticing.due([resolved(at, end=15)], START + at, extra)
        assert notice.annotations["razorprof_capture"] == "/captures/2"


def test_the_next_firing_has_its_own_capture() -> None:
    noticing = Noticing()
    noticing.due([firing(0)], START, {LABELS: {"razorprof_capture": "/captures/1"}})
    noticing.due([resolved(15, end=15)], START + 15)
    (notice,) = noticing.due([firing(30, since=30)], START + 30)
    assert "razorprof_capture" not in notice.annotations


def test_a_notice_links_to_the_expression_where_there_is_a_place_for_it() -> None:
    rule = AlertingRule(KEY, compile_query('up{job="a b"} == 0'))
    noticing = Noticing(NoticingOptions(external_url="http://prometheus:9090/"))
    noticing.adopt([RuleFile("rules.yml", (RuleGroup("rules.yml", "group", (rule,)),))])
    (notice,) = told(noticing, 0, firing(0))
    assert notice.generator_url == (
        "http://prometheus:9090/graph?g0.expr=up%7Bjob%3D%22a+b%22%7D+%3D%3D+0&g0.tab=1"
    )


def test_alerts_of_two_rules_with_equal_labels_are_one_that_fires_while_either_does() -> None:
    other = RuleKey("rules.yml", "group", 1, "Slow")
    noticing = Noticing()
    assert len(told(noticing, 0, firing(0), firing(0, rule=other))) == 1
    assert told(noticing, 15, resolved(15, end=15), firing(15, rule=other)) == []
    assert words(told(noticing, 30, resolved(30, end=15), resolved(30, end=30))) == ["resolved"]


class TestSilences:
    def test_what_fires_and_ends_in_a_silence_is_never_told(self) -> None:
        noticing = Noticing()
        assert told(noticing, 0, firing(0), hidden=True) == []
        assert told(noticing, 15, resolved(15, end=15), hidden=True) == []
        assert told(noticing, 90, resolved(90, end=15)) == []
        assert words(told(noticing, 120, firing(120, since=120))) == ["firing"]

    def test_what_still_fires_after_a_silence_is_told_then(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0), hidden=True)
        (notice,) = told(noticing, 15, firing(15))
        assert (notice.starts_at, notice.is_repeat) == (START, False)

    def test_what_was_told_before_a_silence_and_fires_after_it_is_no_news(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        assert told(noticing, 75, firing(75), hidden=True) == []
        assert words(told(noticing, 600, firing(600))) == ["firing again"]

    def test_an_end_in_a_silence_is_told_after_it(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        told(noticing, 15, resolved(15, end=15), hidden=True)
        (notice,) = told(noticing, 600, resolved(600, end=15))
        assert (notice.is_resolved, notice.is_repeat, notice.ends_at) == (True, False, START + 15)

    @pytest.mark.parametrize("restarts", [False, True])
    def test_also_where_the_alert_is_forgotten_by_then(self, restarts: bool) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        told(noticing, 15, resolved(15, end=15), hidden=True)
        assert told(noticing, 2000, hidden=True) == []
        noticing = after_restart(noticing, 2000) if restarts else noticing
        (notice,) = told(noticing, 3000)
        assert (notice.is_resolved, notice.ends_at) == (True, START + 15)
        assert told(noticing, 3001) == []

    def test_an_end_that_is_owed_comes_before_the_beginning_that_follows(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        told(noticing, 30, firing(30, since=20), hidden=True)
        found = told(noticing, 60, firing(60, since=20))
        assert [(notice.is_resolved, notice.starts_at) for notice in found] == [(True, START), (False, START + 20)]

    def test_a_silence_is_asked_about_the_labels_that_are_told(self) -> None:
        noticing = Noticing(NoticingOptions(external_labels={"region": "eu"}))
        assert noticing.due([firing(0)], START, hides=lambda labels: labels.get("region") == "eu") == []


class TestRestarts:
    def test_an_alert_that_fires_on_is_told_as_a_repeat_with_its_old_start(self) -> None:
        noticing = Noticing()
        noticing.due([firing(0)], START, {LABELS: {"razorprof_capture": "/captures/1"}})
        restarted = after_restart(noticing, 100)
        (notice,) = told(restarted, 115, firing(115, since=110))  # as of a rule that does not survive a restart
        assert (notice.is_repeat, notice.starts_at) == (True, START)
        assert notice.annotations["razorprof_capture"] == "/captures/1"
        assert words(told(restarted, 190, firing(190, since=110))) == ["firing again"]

    def test_one_that_resolved_meanwhile_is_told_once(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        restarted = after_restart(noticing, 1000)
        assert words(told(restarted, 1015, resolved(1015, end=1015))) == ["resolved"]
        assert told(restarted, 1030, resolved(1030, end=1015)) == []

    def test_one_that_does_not_show_up_is_resolved_once_there_was_time_to(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        restarted = after_restart(noticing, 1000)
        assert told(restarted, 1060) == []
        (notice,) = told(restarted, 1061)
        assert (notice.is_resolved, notice.is_repeat) == (True, False)
        assert told(restarted, 1062) == []

    def test_one_whose_end_was_told_before_is_told_as_a_repeat(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        told(noticing, 15, resolved(15, end=15))
        restarted = after_restart(noticing, 90)
        assert words(told(restarted, 100, resolved(100, end=15))) == ["resolved again"]

    def test_one_that_fires_again_after_its_end_is_new(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0))
        told(noticing, 15, resolved(15, end=15))
        assert words(told(after_restart(noticing, 90), 100, firing(100, since=100))) == ["firing"]

    def test_one_that_was_silenced_all_along_stays_untold(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0), hidden=True)
        restarted = after_restart(noticing, 10)
        assert told(restarted, 15, resolved(15, end=15)) == []

    def test_figures_that_json_has_no_word_for_survive(self) -> None:
        noticing = Noticing()
        told(noticing, 0, firing(0, value=math.inf))
        (notice,) = told(after_restart(noticing, 100), 2000)
        assert notice.value == math.inf

    @pytest.mark.parametrize(
        "document",
        [
            None,
            [],
            {},
            {"version": 2, "episodes": [{"labels": {}}]},
            {"version": 1},
            {"version": 1, "episodes": {}, "owed": 3},
            {"version": 1, "episodes": [3, None, {}, {"labels": {"a": 1}}], "owed": [{"labels": []}, "x"]},
        ],
    )
    def test_a_state_that_is_none_counts_as_nothing(self, document: object) -> None:
        noticing = Noticing()
        noticing.recall(document, START)
        assert words(told(noticing, 0, firing(0))) == ["firing"]

    @pytest.mark.parametrize(
        "field", ["labels", "starts_at", "sent", "value", "is_over", "extra", "generator_url"]
    )
    @pytest.mark.parametrize("value", [None, "x", [], math.nan, {"a": 3}])
    def test_a_damaged_entry_is_left_and_the_others_count(self, field: str, value: object) -> None:
        noticing = Noticing()
        other = Labels(alertname="Other")
        told(noticing, 0, firing(0), firing(0, labels=other))
        document = noticing.remembered()
        entries = document["episodes"]
        assert isinstance(entries, list)
        is_fitting = (field, value) in [("generator_url", "x"), ("value", "nan")]
        entries[0] = {**entries[0], field: value}
        restarted = Noticing()
        restarted.recall(document, START + 10)
        found = told(restarted, 100, firing(100), firing(100, labels=other))
        assert words(found) == ["firing again" if is_fitting else "firing", "firing again"]


def test_a_clock_that_went_back_does_not_keep_a_repeat_waiting() -> None:
    noticing = Noticing()
    told(noticing, 3600, firing(3600))
    assert words(told(noticing, 15, firing(15))) == ["firing again"]


def test_what_is_told_of_many_alerts_comes_in_their_order() -> None:
    many = [firing(0, labels=Labels(alertname="Slow", pid=str(pid))) for pid in range(50)]
    extra: Mapping[Labels, Mapping[str, str]] = {many[7].labels: {"razorprof_capture": "/7"}}
    found = Noticing().due(many, START, extra)
    assert [notice.labels for notice in found] == [alert.labels for alert in many]
    assert [notice.annotations.get("razorprof_capture") for notice in found].index("/7") == 7
