"""Answers of /api/v1/rules: a watch's own, a Prometheus's, and such as are neither."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from razorprof.alerting.api_answer import only, parse_presence, parse_rules_answer, presence_query
from razorprof.alerting.judge import judge
from razorprof.errors import ToolFailed
from razorprof.model.alert import AlertState, Health
from razorprof.model.judgement import Mark
from razorprof.query.engine import compile_query

NOW = 1_700_000_100.0
ALERT = {
    "labels": {"alertname": "Busy", "pid": "7", "severity": "page"},
    "annotations": {"runbook_url": "https://runbooks.example/busy"},
    "state": "firing",
    "activeAt": "2023-11-14T22:13:20.123456789Z",
    "value": "1.25e+00",
}
# As Prometheus 2.42 writes it.
RULE = {
    "state": "firing",
    "name": "Busy",
    "query": "load > 1",
    "duration": 10,
    "keepFiringFor": 0,
    "labels": {"severity": "page"},
    "annotations": {"runbook_url": "https://runbooks.example/busy"},
    "alerts": [ALERT],
    "health": "ok",
    "evaluationTime": 0.000123,
    "lastEvaluation": "2023-11-14T23:14:50.5+01:00",
    "type": "alerting",
}
GROUP = {"name": "g", "file": "rules.yml", "rules": [RULE], "interval": 15, "limit": 0, "evaluationTime": 0.1}
ANSWER: dict[str, Any] = {"status": "success", "data": {"groups": [GROUP]}}


def answer(rule: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    document = copy.deepcopy(ANSWER)
    document["data"]["groups"][0]["rules"][0] |= rule or {}
    return document | more


def test_an_answer_is_judged_as_what_was_evaluated_here() -> None:
    seen = parse_rules_answer(ANSWER, NOW)
    [status], [alert] = seen.statuses, seen.alerts
    assert (status.key.group, status.hold, status.interval, status.evaluated) == ("g", 10.0, 15.0, 1_700_000_090.5)
    assert (alert.state, alert.value, alert.active_at) == (AlertState.FIRING, 1.25, 1_700_000_000.123456)
    found = judge(seen)
    assert found.mark is Mark.CRITICAL
    assert (found.alerts[0].runbook, found.alerts[0].threshold is not None) == (
        "https://runbooks.example/busy",
        True,
    )
    assert found.seconds is None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"health": "err", "lastError": "many-to-many", "alerts": []}, "its evaluation fails: many-to-many"),
        ({"health": "unknown", "lastEvaluation": "0001-01-01T00:00:00Z"}, "it was not evaluated yet"),
        ({"lastEvaluation": "2023-11-14T22:00:00Z"}, "its evaluation fails: it was last evaluated 900 s ago"),
        ({"razorprof": {"missing": ["load"], "needs": 10}, "alerts": []}, "there is no load"),
    ],
)
def test_what_nothing_can_be_said_of_is_unknown(rule: dict[str, Any], reason: str) -> None:
    found = judge(parse_rules_answer(answer(rule), NOW))
    assert (found.mark, found.rules[0].reason) == (Mark.UNKNOWN, reason)


def test_a_watch_that_began_a_moment_ago_has_not_seen_enough() -> None:
    document = answer({"razorprof": {"missing": [], "needs": 300.0}})
    document["data"]["razorprof"] = {"since": "2023-11-14T22:14:20Z"}
    found = judge(parse_rules_answer(document, NOW))
    assert (found.mark, found.seconds, found.rules[0].needs) == (Mark.UNKNOWN, 40.0, 300.0)
    document["data"]["razorprof"] = {"since": "2023-11-14T22:00:00Z"}
    assert judge(parse_rules_answer(document, NOW)).mark is Mark.CRITICAL


def test_a_warning_of_the_watch_makes_it_unknown() -> None:
    document = answer({"alerts": []}, warnings=["the rules could not be read again"])
    found = judge(parse_rules_answer(document, NOW))
    assert (found.mark, found.problems) == (Mark.UNKNOWN, ("the rules could not be read again",))


def test_only_the_processes_and_rules_that_are_meant_count() -> None:
    document = copy.deepcopy(ANSWER)
    rules = document["data"]["groups"][0]["rules"]
    alerts = rules[0]["alerts"]
    alerts.append(ALERT | {"labels": {"alertname": "Busy", "pid": "8"}})
    alerts.append(ALERT | {"labels": {"alertname": "Busy"}})
    rules.append(RULE | {"name": "Other", "alerts": []})
    seen = parse_rules_answer(document, NOW)
    assert [alert.labels.get("pid") for alert in only(seen, targets={8: "web"}).alerts] == ["8", None]
    assert len(only(seen).alerts) == 3
    chosen = only(seen, rules=[("g", "Other"), ("g", "Gone")])
    assert ([status.key.name for status in chosen.statuses], chosen.alerts) == (["Other"], [])
    assert judge(chosen).mark is Mark.UNKNOWN
    assert judge(chosen).problems == ("the rule Gone of group g is not evaluated there",)


@pytest.mark.parametrize(
    ("labels", "is_about"),
    [
        ({"pid": "8"}, True),
        ({"pid": "7", "job": "web"}, False),
        ({"instance": "box/8"}, True),
        ({"instance": "box/7", "job": "web"}, False),
        ({"job": "web"}, True),
        ({"job": "web", "instance": "box:9100"}, True),
        ({"job": "other"}, False),
        ({"team": "shop"}, True),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_an_alert_belongs_to_a_process_by_the_most_telling_of_its_labels(
    labels: dict[str, str], is_about: bool, told: bool
) -> None:
    document = answer({"alerts": [ALERT | {"labels": {"alertname": "Busy"} | labels}]})
    if told:
        watched = [{"pid": 7, "job": "other"}, {"pid": 8, "job": "web"}]
        document["data"]["razorprof"] = {"targets": watched}
    found = only(parse_rules_answer(document, NOW), targets={8: "another name" if told else "web"})
    assert bool(found.alerts) is is_about
    assert found.problems == ()


def test_the_job_of_a_process_is_what_its_own_alerts_say_where_the_answer_does_not_tell() -> None:
    alerts = [
        {"labels": {"alertname": "A", "pid": "8", "job": "web"}},
        {"labels": {"alertname": "B", "job": "web"}},
    ]
    seen = parse_rules_answer(answer({"alerts": [ALERT | one for one in alerts]}), NOW)
    assert len(only(seen, targets={8: "python"}).alerts) == 2


def test_a_process_that_is_not_watched_there_cannot_be_judged() -> None:
    document = answer({"alerts": []})
    document["data"]["razorprof"] = {"targets": [{"pid": 7, "job": "other"}]}
    found = judge(only(parse_rules_answer(document, NOW), targets={8: "web"}))
    assert (found.mark, found.problems) == (Mark.UNKNOWN, ("process 8 is not watched there",))


def test_a_query_that_we_do_not_know_is_no_hindrance() -> None:
    found = judge(parse_rules_answer(answer({"query": "info(load) >>> 1"}), NOW))
    assert (found.mark, found.alerts[0].threshold) == (Mark.CRITICAL, None)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "success",
        {"status": "error", "error": "bad\x1b"},
        {"status": "success"},
        {"status": "success", "data": None},
        {"status": "success", "data": {"groups": None}},
        {"status": "success", "data": {"groups": [None]}},
        answer({"name": 5}),
        answer({"alerts": "no"}),
        answer({"alerts": [ALERT | {"state": "odd"}]}),
        answer({"alerts": [ALERT | {"value": "much"}]}),
        answer({"alerts": [ALERT | {"labels": {"a": 1}}]}),
        answer({"alerts": [ALERT | {"activeAt": "yesterday"}]}),
        answer({"lastEvaluation": "9" * 5000}),
        answer({"health": "fine"}),
        answer({"razorprof": ["missing"]}),
        answer({"duration": True}),
        answer() | {"data": ANSWER["data"] | {"razorprof": {"targets": [{"pid": "8"}]}}},
        {"status": "success", "data": {"groups": [GROUP | {"rules": [RULE] * 20_001}]}},
    ],
    ids=range(20),
)
def test_another_answer_is_refused(document: Any) -> None:
    with pytest.raises(ToolFailed):
        parse_rules_answer(document, NOW)


def test_health_is_taken_as_it_is() -> None:
    assert parse_rules_answer(ANSWER, NOW).statuses[0].health is Health.GOOD


def test_who_is_known_to_a_prometheus_is_told_by_pid_instance_or_a_job_without_pids() -> None:
    targets = {7: 'a"b\\c', 8: "web", 9: "", 10: "api"}
    query = presence_query(targets)
    assert compile_query(query)
    assert 'job="a\\"b\\\\c",pid=""' in query
    metrics = [{"pid": "7"}, {"instance": "host/8"}, {"job": "api"}, {"job": "other"}, {"instance": "host/99"}]
    answer = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": m} for m in metrics]}}
    assert parse_presence(answer, targets) == {7, 8, 10}
    wrong = {"status": "success", "data": {"result": [{"metric": {"pid": 7}}]}}
    others: list[Any] = [{}, [], {"status": "error"}, wrong]
    for broken in others:
        with pytest.raises(ToolFailed):
            parse_presence(broken, targets)
