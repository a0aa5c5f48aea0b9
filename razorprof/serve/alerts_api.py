"""/api/v1/alerts and /api/v1/rules as Prometheus answers them, for its tools and for `check --from`.

Out of the board of the last tick. That the rules in force are not those of the file is told as a warning, for
which the API has a place; what only `check` asks for (since when rules are evaluated, on which processes, what
each lacks) stands under the name razorprof, which Prometheus's tools pass over. Called by serve.site.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from razorprof.alerting.needs import Needs, Presence, files_of
from razorprof.model.alert import Alert, AlertBoard, AlertState, RuleKey, RuleStatus
from razorprof.query.http_json import format_exponent
from razorprof.query.requirements import selection_text
from razorprof.serve.answers import Answer, Question
from razorprof.session.view import View

_JSON = "application/json"
_NEVER = "0001-01-01T00:00:00Z"  # Go's zero time
_KINDS = {"alert": "alerting", "record": "recording"}
_RANK = {AlertState.INACTIVE: 0, AlertState.PENDING: 1, AlertState.FIRING: 2}


class AlertsApi:
    """Any thread."""

    def __init__(self, view: View) -> None:
        self._view = view

    def answer(self, question: Question) -> Answer | None:
        """The answer to a question below /api/v1; None where there is none, or no rules are evaluated."""
        state = self._view.state()
        board = state.alerts
        if board is None:
            return None
        if question.path == "/api/v1/alerts":
            active = [alert for alert in board.alerts if alert.state is not AlertState.INACTIVE]
            return _success(board, {"alerts": [_alert(alert) for alert in active]})
        if question.path == "/api/v1/rules":
            wanted = question.query.get("type", "")
            if wanted and wanted not in _KINDS:
                return _bad(f'not supported value "{wanted}"')
            own: dict[str, Any] = {} if board.since is None else {"since": rfc3339(board.since)}
            own["targets"] = [{"pid": one.target.pid, "job": one.labels.get("job", "")} for one in state.targets]
            groups = _groups(board, _KINDS.get(wanted), self._lacks(board))
            return _success(board, {"groups": groups, "razorprof": own})
        return None

    def _lacks(self, board: AlertBoard) -> dict[RuleKey, dict[str, Any]]:
        """What each rule needs, and which series of it are not there."""
        needs = Needs(files_of(board.rules))
        missing = needs.missing(Presence(self._view).at(self._view.state().time))
        return {
            key: {"needs": seconds, "missing": [selection_text(one) for one in missing.get(key, ())]}
            for key, seconds in needs.seconds.items()
        }


def rfc3339(time: float | None) -> str:
    """Unix seconds as Prometheus writes times, in UTC."""
    if time is None:
        return _NEVER
    text = datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    return text.rstrip("0").removesuffix(".") + "Z"


def _groups(board: AlertBoard, kind: str | None, lacks: Mapping[RuleKey, dict[str, Any]]) -> list[dict[str, Any]]:
    alerts: dict[RuleKey, list[Alert]] = {}
    for alert in board.alerts:
        if alert.state is not AlertState.INACTIVE:
            alerts.setdefault(alert.rule, []).append(alert)
    groups: dict[tuple[str, str], list[RuleStatus]] = {}
    for status in board.rules:
        if kind is None or status.kind == kind:
            groups.setdefault((status.key.file, status.key.group), []).append(status)
    return [_group(*name, members, alerts, lacks) for name, members in groups.items()]


def _group(
    file: str,
    name: str,
    members: list[RuleStatus],
    alerts: Mapping[RuleKey, list[Alert]],
    lacks: Mapping[RuleKey, dict[str, Any]],
) -> dict[str, Any]:
    rules = [_rule(status, alerts.get(status.key, ())) for status in members]
    for status, rule in zip(members, rules, strict=True):
        rule["razorprof"] = lacks.get(status.key, {})
    return {
        "name": name,
        "file": file,
        "rules": rules,
        "interval": members[0].interval,
        "limit": members[0].limit,
        "evaluationTime": sum(status.seconds for status in members),
        "lastEvaluation": rfc3339(max((s.evaluated for s in members if s.evaluated is not None), default=None)),
    }


def _rule(status: RuleStatus, alerts: Collection[Alert]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": status.key.name,
        "query": status.query,
        "labels": dict(status.labels),
        "health": status.health.value,
        "evaluationTime": status.seconds,
        "lastEvaluation": rfc3339(status.evaluated),
        "type": status.kind,
    }
    if status.error:
        document["lastError"] = status.error
    if status.kind == "alerting":
        state = max((alert.state for alert in alerts), key=_RANK.__getitem__, default=AlertState.INACTIVE)
        document |= {
            "state": state.value,
            "duration": status.hold,
            "keepFiringFor": status.keep_firing,
            "annotations": dict(status.annotations),
            "alerts": [_alert(alert) for alert in alerts],
        }
    return document


def _alert(alert: Alert) -> dict[str, Any]:
    document: dict[str, Any] = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state.value,
        "activeAt": rfc3339(alert.active_at),
        "value": format_exponent(alert.value),
    }
    if alert.keep_firing_since is not None:
        document["keepFiringSince"] = rfc3339(alert.keep_firing_since)
    return document


def _success(board: AlertBoard, data: dict[str, Any]) -> Answer:
    document: dict[str, Any] = {"status": "success", "data": data}
    if board.error:
        document["warnings"] = [board.error]
    return Answer(200, json.dumps(document).encode(), _JSON)


def _bad(why: str) -> Answer:
    document = {"status": "error", "errorType": "bad_data", "error": why}
    return Answer(400, json.dumps(document).encode(), _JSON)
