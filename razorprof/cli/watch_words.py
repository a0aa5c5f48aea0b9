"""What `watch` tells of alerts, rules, targets, captures and files: log lines for people, JSON Lines for programs.

Called in the main thread, with what the session's thread handed over.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from razorprof.cli import output
from razorprof.cli.journal import NOTICE
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
from razorprof.model.scrape import ReadError
from razorprof.model.target import Identity, Life
from razorprof.session.alert_desk import CAPTURE_ANNOTATION
from razorprof.session.view import SessionState

logger = logging.getLogger("razorprof.watch")

_NOT_TELLING = ("alertname", "severity")
_MOST_NOTES = 1000
_LOOKS = 6  # some seconds: a source may fail at the first read, or while its target ends


class Teller:
    """as_json: events are JSON Lines on stdout; else lines of the log."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._targets: dict[Identity, bool] = {}
        self._notes: dict[tuple[str, float, str], str] = {}
        self._failing: dict[tuple[Identity, str], tuple[str, int]] = {}  # what, in how many looks
        self._bad_rules: frozenset[RuleKey] = frozenset()

    def started(self, words: str, document: Mapping[str, Any]) -> None:
        """It begins."""
        self._tell("started", document, logging.INFO, words)

    def changed(self, change: AlertChange, silenced: bool) -> None:
        """An alert went from one state to another."""
        alert = change.alert
        document = {
            "time": change.time,
            "state": alert.state.value,
            "before": change.before.value,
            "name": alert.name,
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "value": alert.value,
            "active_at": alert.active_at,
            "fired_at": alert.fired_at,
            "resolved_at": alert.resolved_at,
            "silenced": silenced,
            "rule": {"file": alert.rule.file, "group": alert.rule.group, "name": alert.rule.name},
        }
        self._tell("alert", document, *_change_words(change, silenced=silenced))

    def reread(self, error: str, rules: int) -> None:
        """Files were read again. error: why they could not be used, empty where they are."""
        if error:
            words = f"the files could not be read again, those of before stay in force: {error}"
            self._tell("reload", {"error": error}, logging.ERROR, words)
        else:
            words = f"the files were read again: {rules} rules"
            self._tell("reload", {"error": None, "rules": rules}, NOTICE, words)

    def recording(self, file: str, error: str) -> None:
        """A copy of what is recorded was made, or why there is none, or no more of it; or, with neither, that it
        goes on."""
        told = error or "it goes on"
        words = f"a copy of the recording: {file}" if file else f"the recording on the disk: {told}"
        level = logging.WARNING if error else NOTICE
        self._tell("recording", {"file": file or None, "error": error or None}, level, words)

    def look(self, state: SessionState) -> None:
        """Tell what has changed among targets, rules and captures."""
        self._look_at_targets(state)
        if state.alerts is not None:
            self._look_at_rules(state.alerts.rules)
            for note in state.alerts.captures:
                self._look_at_capture(note)

    def ended(self) -> None:
        """It is over."""
        self._tell("ended", {}, logging.INFO, "ended")

    def _look_at_targets(self, state: SessionState) -> None:
        now = {status.target.identity: status for status in state.targets}
        for identity, status in now.items():
            gone = status.life is Life.GONE
            document = {"pid": identity.pid, "name": status.target.name}
            who = f"{identity.pid} {status.target.name}"
            if gone and not self._targets.get(identity, False):
                words = f"{who} has ended: {status.how}" if status.how else f"{who} has ended"
                self._tell("target", {**document, "state": "gone", "how": status.how}, NOTICE, words)
            elif identity not in self._targets and not gone:
                self._tell("target", {**document, "state": "watched"}, logging.INFO, f"watching {who}")
            self._targets[identity] = gone
        self._targets = {identity: gone for identity, gone in self._targets.items() if identity in now}
        self._look_at_sources(state)

    def _look_at_sources(self, state: SessionState) -> None:
        """Tell what cannot be read of a target that lives: once, and not what failed because it was ending."""
        failing: dict[tuple[Identity, str], tuple[str, int]] = {}
        for status in state.targets:
            for source in status.sources if status.life is not Life.GONE else ():
                if source.error is None:
                    continue
                key, error = (status.target.identity, source.name), source.error
                before, looks = self._failing.get(key, ("", 0))
                looks = looks + 1 if before == error.message else 1
                failing[key] = (error.message, looks)
                if looks == _LOOKS:
                    self._tell_source(status.target.pid, source.name, error)
        self._failing = failing

    def _tell_source(self, pid: int, source: str, error: ReadError) -> None:
        words = f"{source} of {pid} cannot be read: {error.message}"
        words += f"; {error.hint}" if error.hint else ""
        document = {"pid": pid, "source": source, "error": error.message, "hint": error.hint or None}
        self._tell("source", document, logging.WARNING, words)

    def _look_at_rules(self, rules: Sequence[RuleStatus]) -> None:
        """Tell which rules began to fail and which work again; not what else goes wrong meanwhile with one that
        fails, which may be another thing at each evaluation."""
        bad = {status.key: status.error for status in rules if status.health is Health.BAD}
        good = {status.key for status in rules if status.health is Health.GOOD}
        for key, error in bad.items():
            if key not in self._bad_rules:
                self._tell_rule(key, error, logging.WARNING, f"cannot be evaluated: {error}")
        for key in sorted(self._bad_rules & good):
            self._tell_rule(key, None, NOTICE, "is evaluated again")
        self._bad_rules = frozenset(bad)

    def _tell_rule(self, key: RuleKey, error: str | None, level: int, words: str) -> None:
        document = {"name": key.name, "group": key.group, "file": key.file, "error": error}
        self._tell("rule", document, level, f"rule {key.name} of group {key.group} in {key.file} {words}")

    def _look_at_capture(self, note: CaptureNote) -> None:
        key = (note.name, note.time, note.alert)
        if self._notes.get(key) == note.state:
            return
        if len(self._notes) >= _MOST_NOTES:
            del self._notes[next(iter(self._notes))]
        self._notes[key] = note.state
        document = {
            "name": note.name,
            "alert": note.alert,
            "time": note.time,
            "pid": note.pid,
            "folder": note.folder or None,
            "state": note.state,
            "detail": note.detail or None,
        }
        if self._as_json:  # session.alert_captures logs it itself
            output.print_json_line({"event": "capture", **document})

    def _tell(self, event: str, document: Mapping[str, Any], level: int, words: str) -> None:
        if self._as_json:
            output.print_json_line({"event": event, **document})
        else:
            logger.log(level, "%s", words)


def status_words(state: SessionState) -> str:
    """How it goes, in one line."""
    board = state.alerts or AlertBoard()
    living = sum(status.life is not Life.GONE for status in state.targets)
    fires = sum(alert.state is AlertState.FIRING for alert in board.alerts)
    pending = sum(alert.state is AlertState.PENDING for alert in board.alerts)
    failing = sum(bool(status.error) for status in board.rules)
    words = f"{living} targets, {len(board.rules)} rules: {fires} firing, {pending} pending"
    words += f", {failing} failing" if failing else ""
    return words + ("; the rules could not be read again" if board.error else "")


def _change_words(change: AlertChange, *, silenced: bool) -> tuple[int, str]:
    """The level and the line of a change."""
    alert = change.alert
    if change.after is AlertState.FIRING:
        is_finding = alert.labels.get("severity") != "none" and not silenced
        level, what = logging.WARNING if is_finding else logging.INFO, "firing"
    elif change.after is AlertState.PENDING:
        level, what = logging.INFO, "pending"
    elif change.before is AlertState.FIRING:
        level, what = NOTICE, "resolved"
    else:
        level, what = logging.INFO, "no longer pending"
    severity = f" severity {alert.labels['severity']}" if alert.labels.get("severity") else ""
    words = f"{what}: {_named(alert)} {alert.value:.6g}{severity}{' (silenced)' if silenced else ''}"
    for name in ("summary", CAPTURE_ANNOTATION):
        if alert.annotations.get(name) and change.after is AlertState.FIRING:
            words += f"; {alert.annotations[name]}"
    return level, words


def _named(alert: Alert) -> str:
    inside = ", ".join(f'{name}="{value}"' for name, value in alert.labels.items() if name not in _NOT_TELLING)
    return f"{alert.name}{{{inside}}}" if inside else alert.name
