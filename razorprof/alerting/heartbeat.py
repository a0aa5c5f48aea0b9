"""An alert that always fires, so that whoever expects it notices when razorprof, or the way to them, is gone.

It is a rule like any other and goes through evaluation like any other: it stops when that does. No silence hides
it. Made for watch --heartbeat.
"""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.alerting.rules import AlertingRule, RuleFile, RuleGroup
from razorprof.alerting.template import compile_template
from razorprof.model.alert import RuleKey
from razorprof.query.engine import compile_query

NAME = "Heartbeat"
_FILE, _GROUP = "razorprof", "heartbeat"
_LABELS = {"severity": "none"}
_ANNOTATIONS = {
    "summary": "Rules are evaluated",
    "description": "This alert always fires. Where it is no longer told, razorprof or the way from it is broken.",
}


def heartbeat() -> RuleFile:
    """A file with the one rule."""
    rule = AlertingRule(
        RuleKey(_FILE, _GROUP, 0, NAME),
        compile_query("vector(1)"),
        labels={name: compile_template(text) for name, text in _LABELS.items()},
        annotations={name: compile_template(text) for name, text in _ANNOTATIONS.items()},
    )
    return RuleFile(_FILE, (RuleGroup(_FILE, _GROUP, (rule,)),))


def is_heartbeat(labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels is one."""
    return labels.get("alertname") == NAME and labels.get("severity") == _LABELS["severity"]
