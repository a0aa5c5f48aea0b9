"""Alerts of before a restart: where they belong, and since when they count as active now.

The arithmetic for pending ones is Prometheus's (rules/group.go). Two things are not: an alert that fired goes on
firing, whatever its `for` (there it begins anew: prometheus/prometheus#15175), so that nobody is told twice; and,
because the store begins empty, an alert may be missing until its query can have seen enough. Used by
alerting.evaluator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from razorprof.alerting.alert_states import is_kept, lasted
from razorprof.alerting.rule_runs import AlertingRun
from razorprof.model.alert import Alert, AlertState, RuleKey
from razorprof.model.labels import Labels
from razorprof.query.plan import reach


def placed(alerts: Sequence[Alert], rules: Sequence[AlertingRun]) -> Iterator[tuple[Alert, AlertingRun]]:
    """Each alert with its rule: the one of its key, else the first of the same file, group and name, else of the
    same name; those that fit none, or that come twice, are left out."""
    known: dict[tuple[object, ...], AlertingRun] = {}
    for rule in reversed(rules):
        for place in _places(rule.rule.key):
            known[place] = rule
    taken: set[tuple[RuleKey, Labels]] = set()
    for alert in alerts:
        fit = next((known[place] for place in _places(alert.rule) if place in known), None)
        if fit is not None and (fit.rule.key, alert.labels) not in taken:
            taken.add((fit.rule.key, alert.labels))
            yield alert, fit


def restored(alert: Alert, rule: AlertingRun, time: float, grace: float, resolved_seconds: float) -> Alert | None:
    """The alert as of `time`; None for one that counts for nothing any more."""
    alert = replace(alert, rule=rule.rule.key)
    if alert.state is AlertState.INACTIVE:
        return alert if is_kept(alert, time, resolved_seconds) else None
    hold = rule.rule.hold
    if lasted(alert.active_at, alert.evaluated, hold):
        return alert
    if hold < grace:
        return None  # waiting anew takes less than the grace period
    remaining = hold - (alert.evaluated - alert.active_at)
    active_at = time + grace - hold if remaining < grace else alert.active_at + (time - alert.evaluated)
    return replace(
        alert,
        state=AlertState.PENDING,
        active_at=active_at,
        fired_at=None,
        keep_firing_since=None,
        evaluated=time,  # until then it was counted
    )


def patience(alert: Alert, rule: AlertingRun, interval: float, look_back: float) -> float:
    """Seconds after a restart for which an alert may be missing: two evaluations, as in Prometheus; one that fires
    also for as far as its query looks back, but no further than `look_back`."""
    if alert.state is AlertState.INACTIVE or alert.keep_firing_since is not None:
        return 0.0
    seen = min(reach(rule.rule.query.program) / 1000, look_back) if alert.state is AlertState.FIRING else 0.0
    return 2 * interval + seen


def _places(key: RuleKey) -> tuple[tuple[object, ...], ...]:
    """Where a rule may be looked for, the surest first."""
    return (key, (key.file, key.group, key.name), (key.name,))
