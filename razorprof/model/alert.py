"""Alerts as they are told: states and changes. What decides them is alerting's; who is told, session's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from razorprof.model.labels import Labels


class AlertState(StrEnum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class RuleKey(NamedTuple):
    """Which rule: file, group, its place in the group from 0, and its name."""

    file: str
    group: str
    place: int
    name: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of one rule, as of its last evaluation. Times are Unix seconds.

    labels: of the query's result without its name, those of the rule, and alertname; annotations: expanded text,
    untrusted; value: the query's, at the last evaluation that had one; active_at: since when the condition holds;
    fired_at: since when it fires; resolved_at: when it ceased to fire, then the state is INACTIVE;
    keep_firing_since: when the condition ceased to hold while keep_firing_for lets it fire on; evaluated: time of
    the evaluation that this tells.
    """

    rule: RuleKey
    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    state: AlertState = AlertState.PENDING
    value: float = 0.0
    active_at: float = 0.0
    fired_at: float | None = None
    resolved_at: float | None = None
    keep_firing_since: float | None = None
    evaluated: float = 0.0

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert went from one state to another: to pending, to firing, resolved (firing to inactive), or dropped
    (pending to inactive)."""

    time: float
    before: AlertState
    alert: Alert

    @property
    def after(self) -> AlertState:
        return self.alert.state


class Health(StrEnum):
    """Whether the last evaluation of a rule worked."""

    UNKNOWN = "unknown"
    GOOD = "ok"
    BAD = "err"


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """How a rule fares. error: of the last evaluation, empty where it worked; seconds: what that took; series:
    how many results it gave; kind: alerting or recording; interval, limit: its group's."""

    key: RuleKey
    kind: str
    query: str
    health: Health = Health.UNKNOWN
    error: str = ""
    evaluated: float | None = None
    seconds: float = 0.0
    series: int = 0
    hold: float = 0.0
    keep_firing: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    interval: float = 0.0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class CaptureNote:
    """A capture that an alert asked for. folder: where it lies, made when the alert fired; state: running, done,
    partial, failed or skipped; detail: why, or what of it failed. pid: of the target."""

    name: str
    alert: str
    time: float
    pid: int | None = None
    folder: str = ""
    state: str = "running"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AlertBoard:
    """All of alerting at one tick, for screens and documents. alerts: pending and firing ones first, then those
    that resolved lately; error: why the rules in force are not those of the file (a bad file keeps the old ones);
    since: when the first evaluation was, Unix seconds."""

    alerts: tuple[Alert, ...] = ()
    rules: tuple[RuleStatus, ...] = ()
    captures: tuple[CaptureNote, ...] = ()
    silenced: frozenset[Labels] = frozenset()
    error: str = ""
    since: float | None = None
