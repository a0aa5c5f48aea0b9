"""From what alerting says at a tick to the rows that are drawn: each alert with its rule, its target and its value
in words. Rows of one state are made once, whichever screens and lines ask for them. Loads no Textual: the batch
text comes here too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from razorprof.alerting.thresholds import read_expression
from razorprof.model.alert import Alert, AlertBoard, AlertState, CaptureNote, Health, RuleKey, RuleStatus
from razorprof.model.series import Series
from razorprof.render.alert_history import history_span, state_strip
from razorprof.render.alerts import AlertRow, Standing
from razorprof.session.alert_targets import Owners, own_labels
from razorprof.session.alert_values import subject_words, value_words
from razorprof.session.view import SessionState, View
from razorprof.store.view import equal

_STANDINGS = {
    AlertState.FIRING: Standing.FIRING,
    AlertState.PENDING: Standing.PENDING,
    AlertState.INACTIVE: Standing.RESOLVED,
}


def alert_rows(state: SessionState) -> tuple[AlertRow, ...]:
    """A row for each alert, for each rule that fails, and for each alerting rule without an alert; unsorted."""
    board = state.alerts
    if board is None:
        return ()
    rules = {rule.key: rule for rule in board.rules}
    owners = Owners(state.targets)
    rows = [_row(alert, rules.get(alert.rule), board, owners, state.time) for alert in board.alerts]
    busy = {alert.rule for alert in board.alerts}
    for rule in board.rules:
        if rule.health is Health.BAD:
            reason = (("", rule.error),)
            rows.append(AlertRow(Standing.ERROR, rule.key.name, state.time, rule, labels=reason))
        elif rule.key not in busy and rule.kind == "alerting":
            notes = _notes(board, rule.key, None)
            labels = tuple(sorted(rule.labels.items()))
            rows.append(AlertRow(Standing.QUIET, rule.key.name, state.time, rule, labels=labels, captures=notes))
    return tuple(rows)


class Histories:
    """What rows went through, read from the ALERTS series once for all of them; span: seconds that it covers."""

    def __init__(self, view: View, state: SessionState) -> None:
        since = state.alerts.since if state.alerts is not None else None
        self._end, self._seen = (
            state.time,
            state.time - since if since is not None else state.tick * state.interval,
        )
        self.span = history_span(self._seen)
        self._found: dict[object, list[Series]] = defaultdict(list)
        for series in view.select([equal("__name__", "ALERTS")], self._end - self.span, self._end):
            self._found[series.labels.without("__name__", "alertstate")].append(series)
            self._found[series.labels.get("alertname", "")].append(series)

    def with_strip(self, row: AlertRow, count: int) -> AlertRow:
        """The row with its history in `count` cells; a rule's is that of all its alerts."""
        if row.rule is None or row.rule.kind != "alerting":
            return row
        found = self._found.get(row.alert.labels if row.alert is not None else row.name, [])
        return replace(row, strip=state_strip(found, count, end=self._end, seconds=self.span, seen=self._seen))


def _row(alert: Alert, rule: RuleStatus | None, board: AlertBoard, owners: Owners, time: float) -> AlertRow:
    whose = owners.of(alert.labels)
    reading = read_expression(rule.query if rule is not None else "")
    target = whose.target if whose is not None else None
    return AlertRow(
        _STANDINGS[alert.state],
        alert.name,
        time,
        rule,
        alert,
        value_words(alert.value, reading),
        subject_words(reading),
        target,
        tuple(own_labels(alert.labels, whose).items()),
        silenced=alert.labels in board.silenced and alert.state is not AlertState.INACTIVE,
        captures=_notes(board, alert.rule, target.pid if target is not None else None),
    )


def _notes(board: AlertBoard, rule: RuleKey, pid: int | None) -> tuple[CaptureNote, ...]:
    """Captures that this rule's alerts asked for, of this target where one is known, and those of it that a person
    asked for; the newest first."""
    notes = [
        note
        for note in board.captures
        if (note.alert == rule.name and pid in (None, note.pid)) or (not note.alert and pid == note.pid)
    ]
    return tuple(sorted(notes, key=lambda note: -note.time))
