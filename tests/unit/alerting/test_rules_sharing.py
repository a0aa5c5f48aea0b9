"""Rules share what they ask at one time, and none sees less than it would see by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from razorprof.alerting.evaluator import Evaluator, EvaluatorOptions
from razorprof.alerting.rule_file import examine
from razorprof.model.alert import Alert
from razorprof.model.labels import Labels
from razorprof.query.sharing import Shared
from razorprof.store.memory import MemoryStore
from razorprof.store.view import Matcher, MatchOp
from tests.unit.alerting.by_hand import START, Session, alerting, group, recording

RULES = """
groups:
- name: first
  interval: 10s
  rules:
  - {record: sum_x, expr: sum by (job) (x)}
  - {alert: Warm, expr: sum by (job) (x) > 4, for: 20s, labels: {severity: warning}}
  - {alert: Hot, expr: sum by (job) (x) > 7, for: 10s, keep_firing_for: 20s, labels: {severity: critical}}
  - {alert: Recorded, expr: sum_x > 7}
  - {record: sum_x, expr: max by (job) (x), labels: {of: max}}
  - {alert: RecordedAgain, expr: sum_x > 7}
  - {alert: Any, expr: 'sum({__name__=~"sum_.+"}) > 9'}
  - {alert: Alerts, expr: 'count by (job) (ALERTS{alertstate="firing",alertname=~"Warm|Hot"}) > 0'}
  - alert: Asks
    expr: count(sum_x) > 1
    annotations: {most: '{{ with query "max(sum_x)" }}{{ . | first | value }}{{ end }}'}
- name: second
  interval: 10s
  query_offset: 10s
  rules:
  - {record: sum_x:late, expr: sum by (job) (x)}
  - {alert: Late, expr: sum_x:late > 7 or sum_x > 7}
"""


def story(seed: int) -> Iterator[tuple[float, dict[str, float]]]:
    """Times and values of series of three jobs, some missing for a while."""
    chance = random.Random(seed)
    values = {f"{job}{number}": 2.0 for job in "abc" for number in range(3)}
    for step in range(60):
        for name in values:
            values[name] = max(0.0, values[name] + chance.choice([-1.5, -0.5, 0.0, 0.5, 1.5]))
        there = {name: value for name, value in values.items() if chance.random() > 0.1}
        yield START + 10.0 * step, there


def told(seed: int) -> tuple[list[tuple[Alert, ...]], list[tuple[Labels, list[float]]]]:
    """The alerts after each evaluation, and all series at the end."""
    examined = examine(RULES, "r.yml")
    assert not examined.problems
    store = MemoryStore()
    evaluator = Evaluator([examined.file], store, store, EvaluatorOptions())
    sources, alerts = store.group(Labels()), []
    for time, values in story(seed):
        names = [Labels(__name__="x", job=name[0], n=name[1]) for name in values]
        sources.append_row(time, sources.resolve(names), np.array(list(values.values())))
        evaluator.evaluate(time)
        assert not [status.error for status in evaluator.statuses() if status.error]
        alerts.append(evaluator.alerts())
    found = store.select([Matcher("__name__", MatchOp.REGEX, ".+")], 0, 1e12)
    return alerts, sorted(
        ((one.labels, one.values.view("u8").tolist()) for one in found), key=lambda one: repr(one[0])
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alerts_and_series_are_those_of_rules_that_share_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing = told(seed)
    monkeypatch.setattr(Shared, "loaded", lambda *_: None)
    monkeypatch.setattr(Shared, "value", lambda *_: None)
    alone = told(seed)
    assert alone[0] == sharing[0]
    assert alone[1] == sharing[1]
    assert {alert.name for alerts in sharing[0] for alert in alerts} >= {"Warm", "Hot", "Recorded", "Late", "Asks"}


def test_a_rule_sees_what_the_one_before_it_wrote_though_it_was_asked_for_earlier() -> None:
    run = Session(
        group(
            alerting("Before", "r == 1"),
            recording("r", "x"),
            alerting("After", "r == 1"),
            alerting("Firing", 'ALERTS{alertname="After"}'),
        )
    )
    assert run.tick(0, {"x": 1}) == ["After inactive>firing", "Firing inactive>firing"]
    assert run.tick(60, {"x": 2}) == ["Before inactive>firing", "After firing>inactive", "Firing firing>inactive"]
