"""Rules over series, at a given time: alert states, recorded series, ALERTS and ALERTS_FOR_STATE.

Never asks a clock: time comes from the tick, so that live, replayed and tested runs agree. One thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from razorprof.alerting.group_run import GroupRun, series_of
from razorprof.alerting.restore import patience, placed, restored
from razorprof.alerting.rule_runs import AlertingRun, Surroundings
from razorprof.alerting.rule_series import RuleSeries
from razorprof.alerting.rules import RuleFile
from razorprof.model.alert import Alert, AlertChange, RuleStatus
from razorprof.query.limits import DEFAULT_LIMITS, Limits
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView


@dataclass(frozen=True, slots=True)
class EvaluatorOptions:
    """interval: seconds between evaluations of groups that give none; grace: see Prometheus's
    --rules.alert.for-grace-period; resolved_seconds: how long an alert that was resolved is kept."""

    interval: float = 15.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    grace: float = 600.0
    resolved_seconds: float = 900.0
    limits: Limits = DEFAULT_LIMITS


class Evaluator:
    """Owns the state of all alerts. view: where queries look; store: where results are written (what the view
    shows, too, so that later rules see them)."""

    def __init__(
        self,
        files: Sequence[RuleFile],
        view: SeriesView,
        store: MemoryStore,
        options: EvaluatorOptions | None = None,
    ) -> None:
        options = EvaluatorOptions() if options is None else options
        self._options = options
        self._around = Surroundings(
            view,
            store,
            options.limits,
            options.resolved_seconds,
            dict(options.external_labels),
            options.external_url,
        )
        self._ending: list[RuleSeries] = []  # of rules that are no more: stale at the next tick
        self._groups = self._made(files)

    def evaluate(self, time: float) -> tuple[AlertChange, ...]:
        """Run the groups that are due at `time`, Unix seconds, never going back: a group is due once for each
        multiple of its interval that has passed. What changed, in order. Never raises for what a rule does: that
        is its status."""
        self._around.shared.begin()  # sources have written
        due = [group for group in self._groups.values() if group.is_due(time)]
        changed = tuple(change for group in due for change in group.evaluate(time))
        for series in self._ending:
            series.end(time)
        self._ending = []
        self._around.shared.begin()
        return changed

    def alerts(self) -> tuple[Alert, ...]:
        """Pending, firing, and those resolved within the last `resolved_seconds`, in the order of their rules."""
        return tuple(alert for rule in self._alerting() for alert in rule.alerts.values())

    def statuses(self) -> tuple[RuleStatus, ...]:
        """How each rule fares."""
        return tuple(rule.status for group in self._groups.values() for rule in group.rules)

    def adopt(self, files: Sequence[RuleFile]) -> None:
        """Other rules from now on. In groups of the same name and file, rules of the same name and labels keep
        their alerts, as Prometheus does at a reload; the alerts of rules that are no more are dropped without a
        word."""
        old, self._groups = self._groups, self._made(files)
        for name, group in self._groups.items():
            if name in old:
                self._ending += group.take_over(old.pop(name))
        self._ending += series_of(old.values())

    def remembered(self) -> tuple[Alert, ...]:
        """What a state file keeps over a restart."""
        return self.alerts()

    def recall(self, alerts: Sequence[Alert], time: float) -> None:
        """Take up alerts of before a restart at `time`, before the first evaluation. Raises nothing: what fits no
        rule is left."""
        options = self._options
        intervals = {id(rule): group.interval for group in self._groups.values() for rule in group.rules}
        for alert, rule in placed(alerts, self._alerting()):
            known = restored(alert, rule, time, options.grace, options.resolved_seconds)
            if known is not None:
                rule.alerts[known.labels] = known
                wait = patience(known, rule, intervals[id(rule)], options.limits.look_back / 1000)
                rule.waiting[known.labels] = time + wait

    def _made(self, files: Sequence[RuleFile]) -> dict[tuple[str, str], GroupRun]:
        """A group stands once for its file and name, however often it is given."""
        made: dict[tuple[str, str], GroupRun] = {}
        for file in files:
            for group in file.groups:
                if (group.file, group.name) not in made:
                    interval = group.interval or self._options.interval
                    made[group.file, group.name] = GroupRun(group, interval, self._around)
        return made

    def _alerting(self) -> list[AlertingRun]:
        return [
            rule for group in self._groups.values() for rule in group.rules if isinstance(rule, AlertingRun)
        ]  # fmt: skip
