"""How series are read: what queries, rules and the dashboard see, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from razorprof.model.metric import Metric
from razorprof.model.series import Series


class MatchOp(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label condition as in PromQL; the metric's name is the label __name__."""

    label: str
    op: MatchOp
    value: str


def equal(label: str, value: str) -> Matcher:
    """The condition label = value."""
    return Matcher(label, MatchOp.EQUAL, value)


class SeriesView(Protocol):
    """Read access to series."""

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        """Series that fulfil all matchers, with their samples in [start, end], Unix seconds. Series without
        a sample there are left out. The arrays belong to the caller."""

    def metrics(self) -> Iterable[Metric]:
        """All metrics declared so far."""
