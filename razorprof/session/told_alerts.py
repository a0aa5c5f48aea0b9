"""Alerts of a recording as they were told live: the board of any moment, out of changes. For session.player."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from razorprof.model.alert import Alert, AlertBoard, AlertChange, AlertState, Health, RuleKey, RuleStatus
from razorprof.model.labels import Labels

_KEPT = 900.0  # seconds for which an alert that was resolved is told


class ToldAlerts:
    """changes: in the order of their times."""

    def __init__(self, changes: Sequence[AlertChange]) -> None:
        self._changes = changes
        self._rules = dict.fromkeys(change.alert.rule for change in changes)
        self._at = 0
        self._now: dict[tuple[RuleKey, Labels], Alert] = {}

    def board(self, time: float) -> AlertBoard | None:
        """What was told up to `time`, Unix seconds; None where nothing is ever told."""
        if not self._changes:
            return None
        place = bisect_right(self._changes, time, key=lambda change: change.time)
        if place < self._at:
            self._at, self._now = 0, {}
        for change in self._changes[self._at : place]:
            key = change.alert.rule, change.alert.labels
            self._now.pop(key, None)
            if change.after is not AlertState.INACTIVE or change.before is AlertState.FIRING:
                self._now[key] = change.alert
        self._at = place
        active = [alert for alert in self._now.values() if alert.state is not AlertState.INACTIVE]
        over = [alert for alert in self._now.values() if (alert.resolved_at or -_KEPT) >= time - _KEPT]
        over = [alert for alert in over if alert.state is AlertState.INACTIVE]
        rules = tuple(RuleStatus(key, "alerting", "", Health.GOOD, evaluated=time) for key in self._rules)
        return AlertBoard((*active, *over), rules, since=self._changes[0].time)
