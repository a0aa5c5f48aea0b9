"""Rules as values: what a rule file says, checked. Read by alerting.rule_file, run by alerting.evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from razorprof.alerting.template import Template
from razorprof.model.alert import RuleKey
from razorprof.query.engine import Query


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """hold: seconds for which the condition has to last (`for`); keep_firing: for which the alert goes on after it
    (`keep_firing_for`); line: where it stands in its file."""

    key: RuleKey
    query: Query
    hold: float = 0.0
    keep_firing: float = 0.0
    labels: Mapping[str, Template] = field(default_factory=dict)
    annotations: Mapping[str, Template] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """The key's name is that of the series that it writes; labels replace those of the result."""

    key: RuleKey
    query: Query
    labels: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


Rule = AlertingRule | RecordingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that run in order, at the same time. interval: seconds, None where the file gives none; limit: the
    most alerts or series of a rule, 0 for no limit; offset: seconds by which queries look back (query_offset);
    labels: of the group, which its rules have among theirs already."""

    file: str
    name: str
    rules: tuple[Rule, ...] = ()
    interval: float | None = None
    limit: int = 0
    offset: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class RuleFile:
    """path: as it was given; groups: in the file's order, names unique."""

    path: str
    groups: tuple[RuleGroup, ...] = ()
