"""How rules fare and what evaluating them costs, as series: counterparts of Prometheus's own prometheus_rule_*.

Called by session.alert_desk once a tick; the label rule_group is FILE;GROUP, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from razorprof.model.alert import Health, RuleStatus
from razorprof.model.histogram import HistogramState
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.metric import Metric, Sample, counter, gauge, histogram

EVALUATIONS = counter("razorprof_rule_evaluations_total", "", "Evaluations of rules.", "rule_group")
FAILURES = counter(
    "razorprof_rule_evaluation_failures_total", "", "Evaluations of rules that failed.", "rule_group"
)
DURATION = histogram("razorprof_rule_evaluation_duration_seconds", "seconds", "Durations of evaluations of rules.")
LAST_TIME = gauge(
    "razorprof_rule_group_last_evaluation_timestamp_seconds",
    "seconds",
    "When a group of rules was last evaluated.",
    "rule_group",
)
LAST_DURATION = gauge(
    "razorprof_rule_group_last_duration_seconds",
    "seconds",
    "Duration of the last evaluation of a group of rules.",
    "rule_group",
)
LAST_SAMPLES = gauge(
    "razorprof_rule_group_last_evaluation_samples",
    "",
    "Results that the last evaluation of a group of rules gave.",
    "rule_group",
)
INTERVAL = gauge(
    "razorprof_rule_group_interval_seconds", "seconds", "Interval between evaluations of a group.", "rule_group"
)
RULES = gauge("razorprof_rule_group_rules", "", "Rules of a group.", "rule_group")
METRICS: tuple[Metric, ...] = (
    EVALUATIONS, FAILURES, DURATION, LAST_TIME, LAST_DURATION, LAST_SAMPLES, INTERVAL, RULES,
)  # fmt: skip
_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_MOST_GROUPS = 200


@dataclass(slots=True)
class _Counted:
    evaluations: int = 0
    failures: int = 0


class RuleMetrics:
    """Counts since the start. Of groups that are no more, nothing is told."""

    def __init__(self) -> None:
        self._counted: dict[str, _Counted] = {}
        self._durations = HistogramState(_BOUNDS)

    def note(self, statuses: Sequence[RuleStatus], time: float) -> None:
        """Take how the rules fare after the evaluations at `time`."""
        groups = {_name(status) for status in statuses}
        self._counted = {name: self._counted.get(name) or _Counted() for name in groups}
        for status in statuses:
            if status.evaluated == time:
                counted = self._counted[_name(status)]
                counted.evaluations += 1
                counted.failures += status.health is Health.BAD
                self._durations.observe(status.seconds)

    def samples(self, statuses: Sequence[RuleStatus]) -> Iterator[Sample]:
        """The figures, of at most 200 groups."""
        groups: dict[str, list[RuleStatus]] = {}
        for status in statuses:
            groups.setdefault(_name(status), []).append(status)
        for name, members in list(groups.items())[:_MOST_GROUPS]:
            labels, counted = Labels(rule_group=name), self._counted.get(name) or _Counted()
            yield Sample(EVALUATIONS, float(counted.evaluations), labels)
            yield Sample(FAILURES, float(counted.failures), labels)
            yield Sample(RULES, float(len(members)), labels)
            yield Sample(INTERVAL, members[0].interval, labels)
            times = [status.evaluated for status in members if status.evaluated is not None]
            if times:
                yield Sample(LAST_TIME, max(times), labels)
                yield Sample(LAST_DURATION, sum(status.seconds for status in members), labels)
                yield Sample(LAST_SAMPLES, float(sum(status.series for status in members)), labels)
        yield from self._durations.samples(DURATION, NO_LABELS)


def _name(status: RuleStatus) -> str:
    return f"{status.key.file};{status.key.group}"
