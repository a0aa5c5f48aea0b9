"""Alerts as JSON: per target, and those about no single one. Part of the document of `top --json`: plain values
only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from razorprof.alerting.thresholds import read_expression
from razorprof.model.alert import Alert, AlertBoard, AlertState, CaptureNote, Health, RuleKey, RuleStatus
from razorprof.model.target import Identity
from razorprof.session.alert_targets import Owners
from razorprof.session.view import SessionState

NO_RULES = "no rules given"


@dataclass(frozen=True, slots=True)
class AlertParts:
    """of_targets: by target, those that have any; shared: about several targets or none; extra: what else stands
    at the top of the document; reason: why there are no alerts at all, empty where rules are evaluated."""

    of_targets: Mapping[Identity, list[dict[str, Any]]] = field(default_factory=dict)
    shared: tuple[dict[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def of(self, target: Identity) -> dict[str, Any]:
        """The fields of one target."""
        if self.reason:
            return {"alerts": None, "alerts_reason": self.reason}
        return {"alerts": self.of_targets.get(target, [])}

    def top(self) -> dict[str, Any]:
        """The fields of the whole document."""
        if self.reason:
            return {"alerts": None, "alerts_reason": self.reason, **self.extra}
        return {"alerts": list(self.shared), **self.extra}


def alert_parts(state: SessionState) -> AlertParts:
    """The alerts of one tick."""
    board = state.alerts
    if board is None:
        return AlertParts(reason=NO_RULES)
    captures = {"captures": [_capture(note) for note in board.captures]}
    if not board.rules:
        return AlertParts(extra=captures, reason=NO_RULES)
    rules = {rule.key: rule for rule in board.rules}
    owners = Owners(state.targets)
    found: dict[Identity, list[dict[str, Any]]] = defaultdict(list)
    shared: list[dict[str, Any]] = []
    for alert in board.alerts:
        owner = owners.of(alert.labels)
        made = alert_document(alert, rules.get(alert.rule), silenced=alert.labels in board.silenced)
        (shared if owner is None else found[owner.target.identity]).append(made)
    return AlertParts(found, tuple(shared), {"rules": _rules(board), **captures})


def alert_document(alert: Alert, rule: RuleStatus | None, *, silenced: bool) -> dict[str, Any]:
    """One alert. state: pending, firing or resolved; threshold: null where the rule compares with no constant."""
    threshold = read_expression(rule.query).threshold if rule is not None else None
    limit = threshold.limit if threshold is not None else None
    return {
        "name": alert.name,
        "state": "resolved" if alert.state is AlertState.INACTIVE else alert.state.value,
        "value": alert.value,
        "threshold": None
        if threshold is None or limit is None
        else {"operator": threshold.operator, "value": limit},
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "resolved_at": alert.resolved_at,
        "keep_firing_since": alert.keep_firing_since,
        "evaluated": alert.evaluated,
        "silenced": silenced,
        **_where(alert.rule),
    }


def _rules(board: AlertBoard) -> dict[str, Any]:
    """How many there are and which fail: all of them at each tick would be much."""
    failing = [rule for rule in board.rules if rule.health is Health.BAD]
    return {
        "loaded": len(board.rules),
        "evaluated": sum(rule.evaluated is not None for rule in board.rules),
        "failing": [{"name": rule.key.name, **_where(rule.key), "error": rule.error} for rule in failing],
        "error": board.error or None,
    }


def _where(key: RuleKey) -> dict[str, Any]:
    return {"group": key.group, "file": key.file}


def _capture(note: CaptureNote) -> dict[str, Any]:
    return {
        "name": note.name,
        "alert": note.alert or None,
        "time": note.time,
        "pid": note.pid,
        "folder": note.folder or None,
        "state": note.state,
        "detail": note.detail or None,
    }
