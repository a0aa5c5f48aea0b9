"""Rules that run: one object for each rule, with its alerts, its series and how it fares.

A group (alerting.group_run) evaluates its rules in order. What goes wrong with one is its status, never an
exception: the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from razorprof.alerting.alert_states import Found, advanced, changes
from razorprof.alerting.rule_series import RuleSeries, Written
from razorprof.alerting.rules import AlertingRule, RecordingRule, Rule
from razorprof.alerting.template import Template, TemplateData
from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError
from razorprof.model.alert import Alert, AlertChange, AlertState, Health, RuleStatus
from razorprof.model.labels import NO_LABELS, Labels
from razorprof.query.engine import Query, compile_query
from razorprof.query.errors import EvaluationFailed
from razorprof.query.labelsets import shown
from razorprof.query.limits import Limits
from razorprof.query.sharing import Shared
from razorprof.query.values import Scalar, Vector
from razorprof.store.memory import MemoryStore
from razorprof.store.view import SeriesView

logger = logging.getLogger(__name__)

NAME, ALERT_NAME, ALERT_STATE = "__name__", "alertname", "alertstate"
ALERTS, FOR_STATE = "ALERTS", "ALERTS_FOR_STATE"
_CLOCK = SystemClock()  # for how long a rule takes; when it is comes from the tick
Answer = list[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all rules of a group share. offset: seconds by which their queries look back, and by which what they
    write stands back; limit: the most results of one rule, 0 for any number; writers: see RuleSeries; shared: what
    queries of one evaluation have in common."""

    view: SeriesView
    store: MemoryStore
    limits: Limits
    resolved_seconds: float
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    offset: float = 0.0
    limit: int = 0
    writers: dict[Labels, RuleSeries] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared)

    def ask(self, query: Query, time: float) -> Answer:
        """What a rule's query answers; a scalar is one element without labels. Raises as `Query.instant`."""
        value = query.instant(self.view, time, self.limits, shared=self.shared)
        match value:
            case Vector():
                return list(zip(value.labels, value.values[0].tolist(), strict=True))
            case Scalar():
                return [(NO_LABELS, float(value.values[0]))]
        raise EvaluationFailed("rule result is not a vector or scalar", value=query.text[:80])


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation did. series: how many results the query gave; error: empty where it worked."""

    series: int = 0
    changed: tuple[AlertChange, ...] = ()
    error: str = ""


class AlertingRun:
    """An alerting rule."""

    kind = "alerting"

    def __init__(self, rule: AlertingRule, around: Surroundings) -> None:
        self.rule = rule
        self.alerts: dict[Labels, Alert] = {}
        self.waiting: dict[Labels, float] = {}  # alerts of before a restart: until when they may be missing
        self.series = RuleSeries(around.store, around.writers)
        self.status = _status(rule, self.kind, _texts(rule.labels), _texts(rule.annotations))
        self._around = around
        self._is_plain = all(template.is_plain for template in rule.labels.values())
        self._named: dict[Labels, Labels] = {}  # of a result -> of its alert, where those depend on nothing else
        self._names: dict[Labels, tuple[Labels, Labels]] = {}  # of an alert -> of its two series

    def evaluate(self, time: float) -> Evaluated:
        """Take the alerts to `time`. Raises what the query raises, and EvaluationFailed: nothing changes then."""
        around, before = self._around, self.alerts
        found = self._found(around.ask(self.rule.query, time - around.offset), time)
        self.waiting = {name: until for name, until in self.waiting.items() if until > time and name not in found}
        after = advanced(
            self.rule, before, found, time, resolved_seconds=around.resolved_seconds, waiting=self.waiting
        )
        active = [alert for alert in after.values() if alert.state is not AlertState.INACTIVE]
        if 0 < around.limit < len(active):
            self.alerts, self.waiting = {}, {}
            told = tuple(changes(before, {}, time))
            return Evaluated(0, told, f"exceeded limit of {around.limit} with {len(active)} alerts")
        self.alerts = after
        for name in (ALERTS, FOR_STATE):
            around.shared.wrote(name)
        wrong = self.series.write(time - around.offset, self._written(active))
        return Evaluated(len(found), tuple(changes(before, after, time)), wrong)

    def _found(self, answer: Answer, time: float) -> dict[Labels, Found]:
        """The alerts that the result stands for."""
        around = self._around

        def ask(text: str) -> Answer:
            return around.ask(compile_query(text), time)

        found: dict[Labels, Found] = {}
        if len(self._named) > 2 * len(answer) + 16:
            self._named = {}
        for labels, value in answer:
            data = TemplateData(labels, value, time, around.external_labels, around.external_url, ask)
            name = self._named.get(labels)
            if name is None:
                own = {label: template.expand(data) for label, template in self.rule.labels.items()}
                name = labels.with_(own, **{NAME: "", ALERT_NAME: self.rule.key.name})
                if self._is_plain:
                    self._named[labels] = name
            if name in found:
                raise EvaluationFailed(
                    "vector contains metrics with the same labelset after applying alert labels",
                    value=shown(name),
                    hint="let no label of the rule take away what tells the series apart",
                )
            annotations = {label: template.expand(data) for label, template in self.rule.annotations.items()}
            found[name] = Found(value, annotations)
        return found

    def _written(self, active: Sequence[Alert]) -> list[Written]:
        if len(self._names) > 2 * len(active) + 16:
            self._names = {}
        written: list[Written] = []
        for alert in active:
            names = self._names.get(alert.labels)
            if names is None or names[0][ALERT_STATE] != alert.state:
                names = self._names[alert.labels] = self._series_of(alert)
            written += ((names[0], 1.0), (names[1], float(alert.active_at // 1)))
        return written

    def _series_of(self, alert: Alert) -> tuple[Labels, Labels]:
        """As Prometheus names them: a label of the rule that expands to nothing stands there unexpanded."""
        own = {**self.status.labels, **alert.labels, ALERT_NAME: self.rule.key.name}
        return Labels({**own, NAME: ALERTS, ALERT_STATE: alert.state.value}), Labels({**own, NAME: FOR_STATE})


class RecordingRun:
    """A recording rule."""

    kind = "recording"

    def __init__(self, rule: RecordingRule, around: Surroundings) -> None:
        self.rule = rule
        self.series = RuleSeries(around.store, around.writers)
        self.status = _status(rule, self.kind, rule.labels, {})
        self._around = around
        self._labels = {**rule.labels, NAME: rule.key.name}
        self._names: dict[Labels, Labels] = {}

    def evaluate(self, time: float) -> Evaluated:
        """Write what the query answers at `time`. Raises what the query raises, and EvaluationFailed."""
        around = self._around
        answer = around.ask(self.rule.query, time - around.offset)
        if len(self._names) > 2 * len(answer) + 16:
            self._names = {}
        written: dict[Labels, float] = {}
        for labels, value in answer:
            name = self._names.get(labels)
            if name is None:
                name = self._names[labels] = labels.with_(self._labels)
            if name in written:
                raise EvaluationFailed(
                    "vector contains metrics with the same labelset after applying rule labels",
                    value=shown(name),
                    hint="let no label of the rule take away what tells the series apart",
                )
            written[name] = value
        if 0 < around.limit < len(written):
            return Evaluated(error=f"exceeded limit of {around.limit} with {len(written)} series")
        around.shared.wrote(self.rule.key.name)
        wrong = self.series.write(time - around.offset, list(written.items()))
        return Evaluated(len(written), (), wrong)


RuleRun = AlertingRun | RecordingRun


def run(rule: RuleRun, time: float) -> tuple[AlertChange, ...]:
    """Evaluate a rule; what goes wrong becomes its status. What changed."""
    started = _CLOCK.monotonic()
    try:
        done = rule.evaluate(time)
    except RazorprofError as error:
        done = Evaluated(error=str(error))
    except Exception as error:  # a bug that one expression meets must not silence all other rules
        done = Evaluated(error=f"{type(error).__name__}: {error}")
        if done.error != rule.status.error:
            logger.debug("rule %s of %s", rule.rule.key.name, rule.rule.key.file, exc_info=True)
    rule.status = replace(
        rule.status,
        health=Health.BAD if done.error else Health.GOOD,
        error=done.error,
        evaluated=time,
        seconds=_CLOCK.monotonic() - started,
        series=done.series,
    )
    return done.changed


def _status(
    rule: Rule, kind: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> RuleStatus:  # fmt: skip
    hold, keep = (rule.hold, rule.keep_firing) if isinstance(rule, AlertingRule) else (0.0, 0.0)
    return RuleStatus(
        rule.key, kind, rule.query.text, hold=hold, keep_firing=keep, labels=labels, annotations=annotations
    )


def _texts(templates: Mapping[str, Template]) -> dict[str, str]:
    return {name: template.text for name, template in templates.items()}
