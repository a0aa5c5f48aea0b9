"""What watch tells: lines of the log for people, JSON Lines for programs, each thing once."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from razorprof.cli.journal import NOTICE
from razorprof.cli.watch_words import Teller, status_words
from razorprof.model.alert import (
    Alert,
    AlertBoard,
    AlertChange,
    AlertState,
    CaptureNote,
    Health,
    RuleKey,
    RuleStatus,
)
from razorprof.model.labels import Labels
from razorprof.model.scrape import ReadError
from razorprof.model.target import Identity, Life, Target
from razorprof.session.view import SessionState, SourceStatus, TargetStatus

KEY = RuleKey("rules.yml", "g", 0, "Busy")
FIRING = Alert(
    KEY,
    Labels(alertname="Busy", pid="7", severity="page"),
    {"summary": "it is busy", "razorprof_capture": "/captures/1"},
    AlertState.FIRING,
    1.25,
    active_at=1000.0,
    fired_at=1010.0,
)
NO_ACCESS = ReadError("permission_denied", "no permission", "see: razorprof doctor 7")


def state(*targets: TargetStatus, board: AlertBoard | None = None) -> SessionState:
    return SessionState(5.0, 5, targets, alerts=board or AlertBoard())


def target(life: Life = Life.ALIVE, how: str = "", *sources: SourceStatus) -> TargetStatus:
    return TargetStatus(Target(Identity(7, 1), "web"), life, sources=sources, how=how)


@pytest.mark.parametrize(
    ("before", "alert", "silenced", "level", "line"),
    [
        (
            AlertState.INACTIVE,
            FIRING,
            False,
            logging.WARNING,
            'firing: Busy{pid="7"} 1.25 severity page; it is busy; /captures/1',
        ),
        (
            AlertState.PENDING,
            FIRING,
            True,
            logging.INFO,
            'firing: Busy{pid="7"} 1.25 severity page (silenced); it is busy; /captures/1',
        ),
        (
            AlertState.INACTIVE,
            replace(FIRING, state=AlertState.PENDING),
            False,
            logging.INFO,
            'pending: Busy{pid="7"} 1.25 severity page',
        ),
        (
            AlertState.FIRING,
            replace(FIRING, state=AlertState.INACTIVE),
            False,
            NOTICE,
            'resolved: Busy{pid="7"} 1.25 severity page',
        ),
        (
            AlertState.PENDING,
            replace(FIRING, state=AlertState.INACTIVE),
            False,
            logging.INFO,
            'no longer pending: Busy{pid="7"} 1.25 severity page',
        ),
        (
            AlertState.INACTIVE,
            replace(FIRING, labels=Labels(alertname="Heartbeat", severity="none"), annotations={}),
            False,
            logging.INFO,
            "firing: Heartbeat 1.25 severity none",
        ),
    ],
)
def test_a_change_is_a_line_with_a_level(
    before: AlertState,
    alert: Alert,
    silenced: bool,
    level: int,
    line: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        Teller(as_json=False).changed(AlertChange(1010.0, before, alert), silenced)
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (level, line)


def documents(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_as_json_a_change_is_a_line_with_all_that_is_known(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    Teller(as_json=True).changed(AlertChange(1010.0, AlertState.PENDING, FIRING), False)
    [told] = documents(capsys)
    assert told == {
        "event": "alert",
        "time": 1010.0,
        "state": "firing",
        "before": "pending",
        "name": "Busy",
        "labels": {"alertname": "Busy", "pid": "7", "severity": "page"},
        "annotations": {"summary": "it is busy", "razorprof_capture": "/captures/1"},
        "value": 1.25,
        "active_at": 1000.0,
        "fired_at": 1010.0,
        "resolved_at": None,
        "silenced": False,
        "rule": {"file": "rules.yml", "group": "g", "name": "Busy"},
    }
    assert caplog.records == []


def test_targets_and_captures_are_told_when_they_change(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(as_json=True)
    running = CaptureNote("slow", "Busy", 9.0, 7, "/captures/1")
    for board in (AlertBoard(), AlertBoard(captures=(running,)), AlertBoard(captures=(running,))):
        teller.look(state(target(), board=board))
    done = replace(running, state="done")
    teller.look(state(target(Life.GONE, "killed"), board=AlertBoard(captures=(done,))))
    teller.look(state(target(Life.GONE, "killed"), board=AlertBoard(captures=(done,))))
    teller.look(state())
    found = [(one["event"], one["state"]) for one in documents(capsys)]
    assert found == [("target", "watched"), ("capture", "running"), ("target", "gone"), ("capture", "done")]


def test_what_cannot_be_read_of_a_living_target_is_told_once_it_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(as_json=True)
    failing = SourceStatus("gc", False, NO_ACCESS)
    for _ in range(3):
        teller.look(state(target(Life.ALIVE, "", failing)))
    teller.look(state(target(Life.ALIVE, "", SourceStatus("gc", True))))
    documents(capsys)
    for _ in range(20):
        teller.look(state(target(Life.ALIVE, "", failing)))
    assert documents(capsys) == [
        {
            "event": "source",
            "pid": 7,
            "source": "gc",
            "error": "no permission",
            "hint": "see: razorprof doctor 7",
        }
    ]
    for _ in range(20):
        teller.look(state(target(Life.GONE, "", SourceStatus("process", False, NO_ACCESS))))
    assert [one["event"] for one in documents(capsys)] == ["target"]


def test_how_it_goes_is_one_line() -> None:
    board = AlertBoard(
        (FIRING, replace(FIRING, state=AlertState.PENDING)),
        (RuleStatus(KEY, "alerting", "up"), RuleStatus(KEY, "alerting", "up", error="many-to-many")),
        error="rules.yml:3: bad",
    )
    assert status_words(state(target(), target(Life.GONE), board=board)) == (
        "1 targets, 2 rules: 1 firing, 1 pending, 1 failing; the rules could not be read again"
    )


def test_a_rule_that_fails_is_told_when_it_begins_to_and_when_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "razorprof.watch")
    teller = Teller(as_json=False)
    good = RuleStatus(KEY, "alerting", "x", Health.GOOD)

    def look(health: Health, error: str = "") -> None:
        teller.look(state(board=AlertBoard(rules=(replace(good, health=health, error=error),))))

    for health, error in (
        (Health.UNKNOWN, ""),
        (Health.BAD, "too many series"),
        (Health.BAD, "more of them: {a=1}"),
        (Health.GOOD, ""),
        (Health.GOOD, ""),
        (Health.BAD, "too many series"),
    ):
        look(health, error)
    rule = "rule Busy of group g in rules.yml"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"{rule} cannot be evaluated: too many series"),
        (NOTICE, f"{rule} is evaluated again"),
        (logging.WARNING, f"{rule} cannot be evaluated: too many series"),
    ]


def test_a_rule_that_fails_is_an_event_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    bad = RuleStatus(KEY, "alerting", "x", Health.BAD, "too many series")
    Teller(as_json=True).look(state(board=AlertBoard(rules=(bad,))))
    assert json.loads(capsys.readouterr().out) == {
        "event": "rule",
        "name": "Busy",
        "group": "g",
        "file": "rules.yml",
        "error": "too many series",
    }
