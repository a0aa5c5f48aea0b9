"""The pages that Prometheus's tools and `check --from` ask: alerts and rules of the last tick."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from razorprof.alerting.api_answer import parse_rules_answer
from razorprof.clock import ManualClock
from razorprof.model.alert import Alert, AlertBoard, AlertState, Health, RuleKey, RuleStatus
from razorprof.model.labels import Labels
from razorprof.serve.access import Access
from razorprof.serve.alerts_api import AlertsApi, rfc3339
from razorprof.serve.answers import Answer, Question
from razorprof.serve.pulse import Pulse
from razorprof.serve.site import Site
from tests.unit.serve.served import Served

BUSY = RuleKey("rules.yml", "workers", 0, "Busy")
FAILS = RuleKey("rules.yml", "workers", 1, "Fails")
RATE = RuleKey("rules.yml", "rates", 0, "job:cpu:rate1m")
BOARD = AlertBoard(
    alerts=(
        Alert(
            BUSY,
            Labels(alertname="Busy", pid="7"),
            {"summary": "busy"},
            AlertState.FIRING,
            1.25,
            active_at=1_700_000_000.5,
            fired_at=1_700_000_010.0,
            keep_firing_since=1_700_000_020.0,
        ),
        Alert(BUSY, Labels(alertname="Busy", pid="8"), value=math.inf, active_at=1_700_000_000.0),
        Alert(BUSY, Labels(alertname="Busy", pid="9"), state=AlertState.INACTIVE, resolved_at=5.0),
    ),
    rules=(
        RuleStatus(RATE, "recording", "sum(rate(cpu[1m]))", Health.GOOD, evaluated=1_700_000_020.0, seconds=0.25),
        RuleStatus(
            BUSY,
            "alerting",
            "cpu > 1",
            Health.GOOD,
            evaluated=1_700_000_020.25,
            seconds=0.5,
            hold=10.0,
            keep_firing=60.0,
            labels={"severity": "page"},
            annotations={"summary": "{{ $value }}"},
            interval=15.0,
            limit=3,
        ),
        RuleStatus(FAILS, "alerting", "a / b", Health.BAD, "many-to-many", interval=15.0),
    ),
    since=1_700_000_000.0,
)


class Room:
    def __init__(self, board: AlertBoard | None) -> None:
        served = Served()
        served.pipeline.alerting = None if board is None else lambda time: board
        served.tick(1.0)
        self.clock = ManualClock()
        self.site = Site(
            served.view, Pulse(1.0, self.clock), Access(b"0123456789abcdef"), alerts=AlertsApi(served.view)
        )

    def ask(self, path: str, token: str = "0123456789abcdef", **query: str) -> Answer:
        return self.site.answer(Question(path, query, {"Authorization": f"Bearer {token}"}), ["localhost"])

    def data(self, path: str, **query: str) -> dict[str, Any]:
        answer = self.ask(path, **query)
        assert (answer.status, answer.type) == (200, "application/json")
        document = json.loads(answer.body)
        assert document["status"] == "success"
        data: dict[str, Any] = document["data"]
        return data


def test_alerts_are_those_that_are_pending_or_fire_as_prometheus_writes_them() -> None:
    assert Room(BOARD).data("/api/v1/alerts") == {
        "alerts": [
            {
                "labels": {"alertname": "Busy", "pid": "7"},
                "annotations": {"summary": "busy"},
                "state": "firing",
                "activeAt": "2023-11-14T22:13:20.5Z",
                "value": "1.25e+00",
                "keepFiringSince": "2023-11-14T22:13:40Z",
            },
            {
                "labels": {"alertname": "Busy", "pid": "8"},
                "annotations": {},
                "state": "pending",
                "activeAt": "2023-11-14T22:13:20Z",
                "value": "+Inf",
            },
        ]
    }


def test_rules_come_in_their_groups_with_their_alerts_and_health() -> None:
    room = Room(BOARD)
    [rates, workers] = room.data("/api/v1/rules")["groups"]
    assert (rates["name"], rates["file"]) == ("rates", "rules.yml")
    assert rates["rules"] == [
        {
            "name": "job:cpu:rate1m",
            "query": "sum(rate(cpu[1m]))",
            "labels": {},
            "health": "ok",
            "evaluationTime": 0.25,
            "lastEvaluation": "2023-11-14T22:13:40Z",
            "type": "recording",
            "razorprof": {"needs": 60.0, "missing": ["cpu"]},
        }
    ]
    assert (workers["interval"], workers["limit"], workers["lastEvaluation"]) == (
        15.0,
        3,
        "2023-11-14T22:13:40.25Z",
    )
    [busy, fails] = workers["rules"]
    assert (busy["state"], busy["duration"], busy["keepFiringFor"]) == ("firing", 10.0, 60.0)
    assert (busy["labels"], busy["annotations"]) == ({"severity": "page"}, {"summary": "{{ $value }}"})
    assert [alert["labels"]["pid"] for alert in busy["alerts"]] == ["7", "8"]
    assert (fails["health"], fails["lastError"], fails["state"]) == ("err", "many-to-many", "inactive")
    assert fails["lastEvaluation"] == "0001-01-01T00:00:00Z"
    assert busy["razorprof"] == {"needs": 10.0, "missing": ["cpu"]}
    assert fails["razorprof"] == {"needs": 0.0, "missing": ["a", "b"]}
    assert room.data("/api/v1/rules")["razorprof"] == {
        "since": "2023-11-14T22:13:20Z",
        "targets": [{"pid": 7, "job": "web"}],
    }


def test_rules_of_one_kind_may_be_asked_for() -> None:
    room = Room(BOARD)
    [group] = room.data("/api/v1/rules", type="record")["groups"]
    assert group["name"] == "rates"
    [group] = room.data("/api/v1/rules", type="alert")["groups"]
    assert group["name"] == "workers"
    assert room.ask("/api/v1/rules", type="nonsense").status == 400


def test_rules_that_are_not_those_of_the_file_are_a_warning() -> None:
    answer = Room(AlertBoard(error="the rules could not be read again")).ask("/api/v1/alerts")
    assert json.loads(answer.body)["warnings"] == ["the rules could not be read again"]


@pytest.mark.parametrize("path", ["/api/v1/alerts", "/api/v1/rules"])
def test_who_has_no_token_gets_nothing_and_nobody_gets_old_alerts(path: str) -> None:
    room = Room(BOARD)
    assert room.ask(path, token="wrong").status == 401
    room.clock.advance(3600)
    assert room.ask(path).status == 503


def test_without_rules_and_elsewhere_there_is_no_page() -> None:
    assert Room(None).ask("/api/v1/alerts").status == 404
    assert Room(BOARD).ask("/api/v1/query").status == 404
    assert Room(BOARD).ask("/debug/pprof/profile").status == 404


def test_check_reads_what_a_watch_answers() -> None:
    seen = parse_rules_answer(json.loads(Room(BOARD).ask("/api/v1/rules").body), 1_700_000_025.0)
    assert [(one.labels["pid"], one.state, one.value) for one in seen.alerts] == [
        ("7", AlertState.FIRING, 1.25),
        ("8", AlertState.PENDING, math.inf),
    ]
    assert [status.health for status in seen.statuses] == [Health.GOOD, Health.GOOD, Health.UNKNOWN]
    assert (seen.seconds, seen.missing[BUSY], seen.needs[BUSY]) == (25.0, "there is no cpu", 10.0)


def test_times_are_written_without_zeros_that_say_nothing() -> None:
    assert rfc3339(1_700_000_000.0) == "2023-11-14T22:13:20Z"
    assert rfc3339(1_700_000_010.0001) == "2023-11-14T22:13:30.0001Z"
