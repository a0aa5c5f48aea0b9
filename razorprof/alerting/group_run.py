"""A rule group that runs: when it is due, its rules in order, what a reload leaves of it.

Made and asked by alerting.evaluator.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from razorprof.alerting.rule_runs import AlertingRun, RecordingRun, RuleRun, Surroundings, run
from razorprof.alerting.rule_series import RuleSeries
from razorprof.alerting.rules import AlertingRule, Rule, RuleGroup
from razorprof.model.alert import AlertChange

# Of a rule in its group, over a reload: kind, name and labels, as they stand in the file.
Identity = tuple[str, str, tuple[tuple[str, str], ...]]


class GroupRun:
    """interval: seconds."""

    def __init__(self, group: RuleGroup, interval: float, around: Surroundings) -> None:
        self.group = group
        self.interval = interval
        around = replace(around, offset=group.offset or 0.0, limit=group.limit)
        self.rules: tuple[RuleRun, ...] = tuple(_run_of(rule, around) for rule in group.rules)
        for rule in self.rules:
            rule.status = replace(rule.status, interval=interval, limit=group.limit)
        self._slot = -math.inf

    def is_due(self, time: float) -> bool:
        """Whether a multiple of the interval has passed since the last evaluation."""
        return self._slot_of(time) > self._slot

    def evaluate(self, time: float) -> list[AlertChange]:
        """Run the rules, one after the other."""
        self._slot = self._slot_of(time)
        return [change for rule in self.rules for change in run(rule, time)]

    def take_over(self, old: GroupRun) -> list[RuleSeries]:
        """Go on where a group of the same name in the same file was: rules of the same name and labels keep their
        alerts and series, the first of several the first. The series of those that are no more."""
        if self.interval == old.interval:
            self._slot = old._slot
        known: dict[Identity, list[RuleRun]] = {}
        for rule in old.rules:
            known.setdefault(_identity(rule), []).append(rule)
        for rule in self.rules:
            if same := known.get(_identity(rule)):
                _go_on(rule, same.pop(0))
        return [rule.series for rest in known.values() for rule in rest]

    def _slot_of(self, time: float) -> int:
        return round(time * 1000) // max(1, round(self.interval * 1000))


def series_of(groups: Iterable[GroupRun]) -> list[RuleSeries]:
    """All that these groups write."""
    return [rule.series for group in groups for rule in group.rules]


def _run_of(rule: Rule, around: Surroundings) -> RuleRun:
    return AlertingRun(rule, around) if isinstance(rule, AlertingRule) else RecordingRun(rule, around)


def _identity(rule: RuleRun) -> Identity:
    return rule.kind, rule.rule.key.name, tuple(sorted(rule.status.labels.items()))


def _go_on(rule: RuleRun, old: RuleRun) -> None:
    rule.series = old.series
    if _texts_of(rule) == _texts_of(old):
        now = rule.status
        rule.status = replace(old.status, key=now.key, interval=now.interval, limit=now.limit)
    if isinstance(rule, AlertingRun) and isinstance(old, AlertingRun):
        rule.alerts = {labels: replace(alert, rule=rule.rule.key) for labels, alert in old.alerts.items()}
        rule.waiting = old.waiting


def _texts_of(rule: RuleRun) -> tuple[object, ...]:
    status = rule.status
    return status.query, status.hold, status.keep_firing, dict(status.annotations)
