"""A verdict on rules at one moment, in the terms of the Monitoring Plugins: what a check says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from razorprof.model.alert import Alert, RuleKey


class Mark(IntEnum):
    """The value is the exit code of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


WORST_FIRST = (Mark.CRITICAL, Mark.WARNING, Mark.UNKNOWN, Mark.OK)  # what is known to be wrong comes first


def worst(marks: list[Mark]) -> Mark:
    """The one that counts where there are several; OK where there are none."""
    return min(marks, key=WORST_FIRST.index, default=Mark.OK)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a value is compared with. operator: value OPERATOR limit holds where the alert is active."""

    operator: str
    limit: float


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """An alert that is pending or fires. since: when its condition began to hold, Unix seconds."""

    mark: Mark
    alert: Alert
    severity: str = ""
    threshold: Threshold | None = None
    runbook: str = ""

    @property
    def since(self) -> float:
        return self.alert.active_at


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What became of a rule. reason: why nothing can be said (then it is UNKNOWN), empty where something can;
    needs: seconds that it has to be watched for, None where that is not the point."""

    key: RuleKey
    mark: Mark
    state: str = "inactive"
    reason: str = ""
    needs: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A left-hand value of a rule's comparison. labels: what tells it from others of the rule; unit: of the
    plugins' output (s, B, c or empty); mark: what an alert of the rule would be; compared: the left-hand side as
    PromQL, untrusted, empty where it is not known."""

    rule: str
    labels: Mapping[str, str]
    value: float
    unit: str = ""
    threshold: Threshold | None = None
    mark: Mark = Mark.WARNING
    compared: str = ""


class Sight(StrEnum):
    """How what was judged was seen: by watching for it, in a recording, or by asking who watches."""

    WATCHED = "watched"
    RECORDED = "recorded"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Judgement:
    """time: of the last evaluation, Unix seconds; seconds: for which was watched, None where that is not known;
    problems: what else makes it unknown; targets: what was watched, in words."""

    mark: Mark
    time: float = 0.0
    seconds: float | None = None
    alerts: tuple[AlertFinding, ...] = ()
    rules: tuple[RuleFinding, ...] = ()
    figures: tuple[Figure, ...] = ()
    problems: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    sight: Sight = Sight.WATCHED
