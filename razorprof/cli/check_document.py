"""A verdict on rules as the JSON document of `check --json`: plain values only; what is not known is null."""

from __future__ import annotations

from typing import Any

from razorprof.model.judgement import AlertFinding, Figure, Judgement, RuleFinding, Threshold


def check_document(judgement: Judgement, words: str) -> dict[str, Any]:
    """words: the line that a monitoring system gets."""
    return {
        "status": judgement.mark.name,
        "code": int(judgement.mark),
        "words": words,
        "time": judgement.time,
        "seconds": judgement.seconds,
        "targets": list(judgement.targets),
        "alerts": [_alert(finding) for finding in judgement.alerts],
        "rules": [_rule(finding) for finding in judgement.rules],
        "figures": [_figure(figure) for figure in judgement.figures],
        "problems": list(judgement.problems),
    }


def _alert(finding: AlertFinding) -> dict[str, Any]:
    alert = finding.alert
    return {
        "name": alert.name,
        "status": finding.mark.name,
        "state": alert.state.value,
        "severity": finding.severity or None,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "value": alert.value,
        "threshold": _threshold(finding.threshold),
        "since": finding.since,
        "fired_at": alert.fired_at,
        "runbook": finding.runbook or None,
        "group": alert.rule.group,
        "file": alert.rule.file,
    }


def _rule(finding: RuleFinding) -> dict[str, Any]:
    return {
        "name": finding.key.name,
        "group": finding.key.group,
        "file": finding.key.file,
        "status": finding.mark.name,
        "state": finding.state,
        "reason": finding.reason or None,
        "needs_seconds": finding.needs,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "rule": figure.rule,
        "labels": dict(figure.labels),
        "value": figure.value,
        "unit": figure.unit or None,
        "threshold": _threshold(figure.threshold),
    }


def _threshold(threshold: Threshold | None) -> dict[str, Any] | None:
    return None if threshold is None else {"operator": threshold.operator, "value": threshold.limit}
