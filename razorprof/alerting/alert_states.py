"""From state to state: what an evaluation makes of the alerts of one rule. Pure; alerting.rule_runs calls it.

The order of the questions is Prometheus's (rules/alerting.go). Times are compared in whole milliseconds, so that
0.3 s after 0.0 s is 0.3 s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from razorprof.alerting.rules import AlertingRule
from razorprof.model.alert import Alert, AlertChange, AlertState
from razorprof.model.labels import Labels

Alerts = Mapping[Labels, Alert]


@dataclass(frozen=True, slots=True)
class Found:
    """An element of a query's result, as the alert that it stands for."""

    value: float
    annotations: Mapping[str, str]


def advanced(
    rule: AlertingRule,
    before: Alerts,
    found: Mapping[Labels, Found],
    time: float,
    *,
    resolved_seconds: float,
    waiting: Collection[Labels] = (),
) -> dict[Labels, Alert]:
    """The alerts after an evaluation at `time` that found these labels: known ones first, in their order.

    waiting: alerts of before a restart that stay as they are while they are not found.
    """
    after: dict[Labels, Alert] = {}
    for labels, alert in before.items():
        one = found.get(labels)
        if one is not None:
            after[labels] = _seen(rule, labels, alert, one, time)
        elif labels in waiting and alert.state is not AlertState.INACTIVE:
            after[labels] = replace(alert, evaluated=time)
        elif (missed := _missed(rule, alert, time, resolved_seconds)) is not None:
            after[labels] = missed
    for labels in sorted(found.keys() - before.keys(), key=lambda one: tuple(one.items())):
        after[labels] = _seen(rule, labels, None, found[labels], time)
    return after


def changes(before: Alerts, after: Alerts, time: float) -> Iterator[AlertChange]:
    """What is different: alerts that are there in their order, then those that are gone without having been
    resolved (pending ones that were dropped, all of a rule that gave too many)."""
    for labels, alert in after.items():
        was = before[labels].state if labels in before else AlertState.INACTIVE
        if alert.state is not was:
            yield AlertChange(time, was, alert)
    for labels, alert in before.items():
        if labels not in after and alert.state is not AlertState.INACTIVE:
            yield AlertChange(time, alert.state, replace(alert, state=AlertState.INACTIVE, evaluated=time))


def lasted(since: float, time: float, seconds: float) -> bool:
    """Whether it is `seconds` or more from `since` to `time`."""
    return _millis(time) - _millis(since) >= _millis(seconds)


def is_kept(alert: Alert, time: float, resolved_seconds: float) -> bool:
    """Whether an alert that was resolved is still remembered."""
    since = alert.resolved_at
    return since is not None and _millis(time) - _millis(since) <= _millis(resolved_seconds)


def _seen(rule: AlertingRule, labels: Labels, alert: Alert | None, found: Found, time: float) -> Alert:
    """An alert whose condition holds. One that was resolved is a new one."""
    state, since, fired_at = AlertState.PENDING, time, None
    if alert is not None and alert.state is not AlertState.INACTIVE:
        state, since, fired_at = alert.state, alert.active_at, alert.fired_at
    # not `replace`, which costs more than all the rest: a rule may have a thousand of them
    alert = Alert(rule.key, labels, found.annotations, state, found.value, since, fired_at, None, None, time)
    return _held(rule, alert, time)


def _missed(rule: AlertingRule, alert: Alert, time: float, resolved_seconds: float) -> Alert | None:
    """An alert whose condition does not hold (any more); None for one that is dropped."""
    match alert.state:
        case AlertState.PENDING:
            return None
        case AlertState.INACTIVE:
            old = alert.resolved_at is None or _millis(time) - _millis(alert.resolved_at) > _millis(
                resolved_seconds
            )
            return None if old else replace(alert, evaluated=time)
    since = alert.keep_firing_since
    if rule.keep_firing > 0:
        since = time if since is None else since
        if not lasted(since, time, rule.keep_firing):
            return _held(rule, replace(alert, keep_firing_since=since, evaluated=time), time)
    return replace(alert, state=AlertState.INACTIVE, resolved_at=time, keep_firing_since=since, evaluated=time)


def _held(rule: AlertingRule, alert: Alert, time: float) -> Alert:
    """Pending fires once it lasted; firing is pending again where a reload made `for` longer than it lasted."""
    is_long_enough = lasted(alert.active_at, time, rule.hold)
    if alert.state is AlertState.PENDING and is_long_enough:
        return replace(alert, state=AlertState.FIRING, fired_at=time)
    if alert.state is AlertState.FIRING and not is_long_enough:
        return replace(alert, state=AlertState.PENDING, fired_at=None, keep_firing_since=None)
    return alert


def _millis(seconds: float) -> int:
    return round(seconds * 1000)
