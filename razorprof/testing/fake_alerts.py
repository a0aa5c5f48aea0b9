"""Alerting with a script, for FakeView: rules, and alerts that come and go at given ticks.

Deterministic, as all of it: the board and the ALERTS series at a time follow from the script alone. What a rule
says is not evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from razorprof.model.alert import Alert, AlertBoard, AlertState, CaptureNote, Health, RuleKey, RuleStatus
from razorprof.model.labels import Labels
from razorprof.model.series import STALE_BITS, Series
from razorprof.model.target import Identity
from razorprof.testing.fake_view import START, FakeTarget

FILE = "rules/worker.yml"
_INTERVAL = 5.0  # seconds between evaluations
_KEPT = 900.0  # seconds for which a resolved alert is told
_STALE = float(np.array([STALE_BITS]).view(np.float64)[0])


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert of a rule. Ticks (seconds since START): active from which on, fired at which, over at which; None
    for not yet. value: what the rule's query answers."""

    rule: str
    labels: Labels
    active: float
    fired: float | None = None
    over: float | None = None
    value: float = 1.0
    annotations: Mapping[str, str] = field(default_factory=dict)
    silenced: bool = False

    def state(self, seconds: float) -> AlertState | None:
        """None before it began, and once a pending one is dropped or a resolved one forgotten."""
        if seconds < self.active:
            return None
        if self.over is not None and seconds >= self.over:
            return AlertState.INACTIVE if self.fired is not None and seconds - self.over < _KEPT else None
        return AlertState.FIRING if self.fired is not None and seconds >= self.fired else AlertState.PENDING


@dataclass(slots=True)
class FakeAlerts:
    """What a session's alerting would say. captures: with their ticks as times; file: of all rules."""

    rules: Sequence[RuleStatus] = ()
    episodes: Sequence[Episode] = ()
    captures: Sequence[CaptureNote] = ()
    error: str = ""
    file: str = FILE

    def board(self, time: float) -> AlertBoard:
        """As of a time, Unix seconds."""
        evaluated = time - (time - START) % _INTERVAL
        rules = tuple(
            replace(
                rule,
                key=rule.key._replace(file=self.file, place=place),
                evaluated=evaluated,
                health=Health.BAD if rule.error else Health.GOOD,
            )
            for place, rule in enumerate(self.rules)
        )
        keys = {rule.key.name: rule.key for rule in rules}
        alerts = [
            self._alert(one, keys[one.rule], state, evaluated)
            for one in self.episodes
            if (state := one.state(time - START)) is not None
        ]
        alerts.sort(key=lambda alert: alert.state is AlertState.INACTIVE)
        notes = tuple(replace(n, time=START + n.time) for n in self.captures if START + n.time <= time)
        silenced = frozenset(_labels(one) for one in self.episodes if one.silenced)
        return AlertBoard(tuple(alerts), rules, notes, silenced, self.error, START)

    def series(self, start: float, end: float) -> Iterator[Series]:
        """The ALERTS series with their samples in [start, end]."""
        for one in self.episodes:
            for state in (AlertState.PENDING, AlertState.FIRING):
                times = np.arange(START, end + 0.001, _INTERVAL)
                held = np.array([one.state(time - START) is state for time in times.tolist()], bool)
                ended = ~held & np.append([False], held[:-1])
                kept = (held | ended) & (times >= start)
                if kept.any():
                    labels = _labels(one).with_(__name__="ALERTS", alertstate=state.value)
                    yield Series(labels, times[kept], np.where(held, 1.0, _STALE)[kept])

    def _alert(self, one: Episode, key: RuleKey, state: AlertState, evaluated: float) -> Alert:
        return Alert(
            key,
            _labels(one),
            one.annotations,
            state,
            one.value,
            START + one.active,
            None if one.fired is None or state is AlertState.PENDING else START + one.fired,
            START + one.over if one.over is not None and state is AlertState.INACTIVE else None,
            None,
            evaluated,
        )


def rule_status(
    name: str, query: str, *, hold: float = 60.0, kind: str = "alerting", error: str = "", **labels: str
) -> RuleStatus:
    """A rule of the script's one group."""
    key = RuleKey(FILE, "worker", 0, name)
    return RuleStatus(key, kind, query, error=error, seconds=0.0012, hold=hold, labels=labels)


def target_labels(target: FakeTarget) -> Labels:
    """The labels that all series of a target carry, as FakeView gives them."""
    pid, name = str(target.identity.pid), target.status.target.name
    return Labels(job=name, instance=f"host/{pid}", pid=pid, runtime=target.status.runtime)


def capture_of(identity: Identity, name: str, alert: str, tick: float, **more: str) -> CaptureNote:
    """A capture at a tick."""
    return CaptureNote(name, alert, tick, identity.pid, **more)


def _labels(one: Episode) -> Labels:
    return one.labels.with_(alertname=one.rule)
