"""Rules over series, at a given time: alert states, recorded series, ALERTS and ALERTS_FOR_STATE.

Never asks a clock: time comes from the tick, so that live, replayed and tested runs agree. One thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
        raise NotImplementedError

    def evaluate(self, time: float) -> tuple[AlertChange, ...]:
        """Run the groups that are due at `time`, Unix seconds, never going back: a group is due once for each
        multiple of its interval that has passed. What changed, in order. Never raises for what a rule does: that
        is its status."""
        raise NotImplementedError

    def alerts(self) -> tuple[Alert, ...]:
        """Pending, firing, and those resolved within the last `resolved_seconds`, in the order of their rules."""
        raise NotImplementedError

    def statuses(self) -> tuple[RuleStatus, ...]:
        """How each rule fares."""
        raise NotImplementedError

    def adopt(self, files: Sequence[RuleFile]) -> None:
        """Other rules from now on. Groups that are the same keep their alerts, as Prometheus does at a reload; the
        alerts of rules that are no more are dropped without a word."""
        raise NotImplementedError

    def remembered(self) -> tuple[Alert, ...]:
        """What a state file keeps over a restart."""
        raise NotImplementedError

    def recall(self, alerts: Sequence[Alert], time: float) -> None:
        """Take up alerts of before a restart at `time`, before the first evaluation. Raises nothing: what fits no
        rule is left."""
        raise NotImplementedError
