"""What an evaluation of rules comes to, as a verdict for a runbook or a monitoring plugin.

Severity critical or page is CRITICAL, none is no finding (a heartbeat), any other firing alert WARNING; pending is
told but OK; a rule of which nothing can be said is UNKNOWN, with the reason. Pure. Called for a live check, for a
span of recorded series, and for what another razorprof or Prometheus answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from razorprof.alerting import thresholds
from razorprof.errors import RazorprofError
from razorprof.model.alert import Alert, AlertState, Health, RuleKey, RuleStatus
from razorprof.model.judgement import (
    WORST_FIRST,
    AlertFinding,
    Figure,
    Judgement,
    Mark,
    RuleFinding,
    Threshold,
    worst,
)
from razorprof.query.plan import Selector
from razorprof.query.values import Vector
from razorprof.store.view import SeriesView

MOST_FIGURES = 200
_CRITICAL = ("critical", "page")
_NO_FINDING = "none"
_RUNBOOKS = ("runbook_url", "runbook")
_UNITS = {"seconds": "s", "bytes": "B"}
_COUNT = "c"
_SLACK = 0.001  # seconds
_RANK = {AlertState.FIRING: 0, AlertState.PENDING: 1}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is judged. seconds: for which samples were seen, None where somebody else watched; watched: of a rule,
    since its series are there; missing: of a rule, what it lacks, in words; needs: of a rule, seconds; problems:
    what else is unknown; jobs: of processes that somebody else watches, by pid, None where that is not told."""

    time: float
    statuses: Sequence[RuleStatus]
    alerts: Sequence[Alert]
    seconds: float | None = None
    watched: Mapping[RuleKey, float] = field(default_factory=dict)
    missing: Mapping[RuleKey, str] = field(default_factory=dict)
    needs: Mapping[RuleKey, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    jobs: Mapping[int, str] | None = None


def judge(seen: Evaluation, figures: Sequence[Figure] = ()) -> Judgement:
    """The verdict."""
    active = sorted((a for a in seen.alerts if a.state in _RANK), key=lambda alert: _RANK[alert.state])
    by_rule: dict[RuleKey, list[Alert]] = {}
    for alert in active:
        by_rule.setdefault(alert.rule, []).append(alert)
    limits = {status.key: _threshold(status) for status in seen.statuses}
    rules: list[RuleFinding] = []
    alerts: list[AlertFinding] = []
    for status in seen.statuses:
        found = [_finding(alert, limits[status.key]) for alert in by_rule.get(status.key, ())]
        rule = _rule_finding(status, found, seen)
        rules.append(rule)
        unsure = rule.mark is Mark.UNKNOWN  # what it says rests on too little
        alerts += [replace(one, mark=Mark.UNKNOWN) if unsure else one for one in found]
    marks = [rule.mark for rule in rules] + [Mark.UNKNOWN] * bool(seen.problems)
    return Judgement(
        worst(marks),
        seen.time,
        seen.seconds,
        tuple(sorted(alerts, key=lambda one: WORST_FIRST.index(one.mark))),
        tuple(rules),
        tuple(_sure(figures, rules))[:MOST_FIGURES],
        seen.problems,
        seen.targets,
    )


def _sure(figures: Iterable[Figure], rules: Iterable[RuleFinding]) -> Iterator[Figure]:
    """The figures, without a value where their rule is UNKNOWN: it rests on too little."""
    by_name: dict[str, bool] = {}
    for rule in rules:
        by_name[rule.key.name] = by_name.get(rule.key.name, False) or rule.mark is not Mark.UNKNOWN
    for figure in figures:
        yield figure if by_name.get(figure.rule, True) else replace(figure, value=math.nan)


def figures_of(statuses: Sequence[RuleStatus], view: SeriesView, time: float) -> Iterator[Figure]:
    """The left-hand values of the comparisons of alerting rules, whether they fire or not."""
    for status in statuses:
        limit, found = _threshold(status), thresholds.read_expression(status.query).threshold
        if status.kind != "alerting" or limit is None or found is None or found.value is None:
            continue
        try:
            value = found.value.instant(view, time)
        except RazorprofError:
            continue  # the rule itself says so
        if not isinstance(value, Vector):
            continue
        mark = mark_of(status.labels.get("severity", ""))
        several = len(value.labels) > 1
        common = set.intersection(*(set(labels.items()) for labels in value.labels)) if value.labels else set()
        pairs = zip(value.labels, value.values[0].tolist(), strict=True)
        for labels, number in sorted(pairs, key=lambda pair: tuple(pair[0].items())):
            telling = {name: text for name, text in labels.items() if several and (name, text) not in common}
            yield Figure(status.key.name, telling, number, _unit(found), limit, mark, found.left)


def _rule_finding(status: RuleStatus, alerts: Sequence[AlertFinding], seen: Evaluation) -> RuleFinding:
    states = [one.alert.state for one in alerts]
    state = min(states, key=_RANK.__getitem__).value if states else AlertState.INACTIVE.value
    key, needs = status.key, seen.needs.get(status.key)

    def unknown(reason: str, needed: float | None = None) -> RuleFinding:
        return RuleFinding(key, Mark.UNKNOWN, state, reason, needed, status.error)

    if status.health is Health.BAD:
        return unknown(f"its evaluation fails: {status.error}")
    if status.health is Health.UNKNOWN:
        return unknown("it was not evaluated yet")
    if needs is not None and seen.seconds is not None and needs > seen.seconds + _SLACK:
        return unknown(f"it needs {_span(needs)} of samples", needs)
    if key in seen.missing:
        return unknown(seen.missing[key])
    watched = seen.watched.get(key)
    if needs is not None and watched is not None and watched + _SLACK < needs and seen.seconds is not None:
        late = max(0.0, seen.seconds - watched)
        reason = f"it needs {_span(needs)} of samples, and its series came after {_span(late)}"
        return unknown(reason, late + needs)
    return RuleFinding(key, worst([one.mark for one in alerts]), state)


def _finding(alert: Alert, threshold: Threshold | None) -> AlertFinding:
    severity = alert.labels.get("severity", "")
    mark = mark_of(severity) if alert.state is AlertState.FIRING else Mark.OK
    runbook = next((alert.annotations[name] for name in _RUNBOOKS if alert.annotations.get(name)), "")
    return AlertFinding(mark, alert, severity, threshold, runbook)


def mark_of(severity: str) -> Mark:
    """What an alert of this severity is, once it fires."""
    kind = severity.strip().lower()
    if kind == _NO_FINDING:
        return Mark.OK
    return Mark.CRITICAL if kind in _CRITICAL else Mark.WARNING


def _threshold(status: RuleStatus) -> Threshold | None:
    """Where it is a constant."""
    found = thresholds.read_expression(status.query).threshold
    if found is None or found.limit is None or math.isnan(found.limit):
        return None
    return Threshold(found.operator, found.limit)


def _unit(threshold: thresholds.Threshold) -> str:
    """As the plugins write units, in which only base units count."""
    node = None if threshold.value is None else threshold.value.program.nodes[-1]
    if isinstance(node, Selector) and threshold.metric.endswith("_total") and not threshold.unit:
        return _COUNT
    return _UNITS.get(threshold.unit, "") if threshold.scale == 1.0 else ""


def _span(seconds: float) -> str:
    return f"{math.ceil(seconds * 10) / 10:g} s"
