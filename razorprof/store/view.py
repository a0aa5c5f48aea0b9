"""How series are read: what queries, rules and the dashboard see, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.model.series import Floats, Series


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


@dataclass(frozen=True, slots=True, eq=False)
class SeriesBlock:
    """Series that share their time stamps, as columns. labels: S label sets; times: (N,) Unix seconds, ascending;
    values: (N, S), which may hold stale markers and MISSING_BITS (no sample of that series at that time; a column
    may hold nothing else)."""

    labels: tuple[Labels, ...]
    times: Floats
    values: Floats


def blocks_of(series: Iterable[Series]) -> list[SeriesBlock]:
    """One block for each series: for views that do not keep columns."""
    return [SeriesBlock((one.labels,), one.times, one.values.reshape(-1, 1)) for one in series]


class SeriesView(Protocol):
    """Read access to series."""

    def select(self, matchers: Sequence[Matcher], start: float, end: float) -> list[Series]:
        """Series that fulfil all matchers, with their samples in [start, end], Unix seconds. Series without
        a sample there are left out. The arrays belong to the caller."""

    def blocks(self, matchers: Sequence[Matcher], start: float, end: float) -> list[SeriesBlock]:
        """The same as `select`, series that share their time stamps together: for whoever computes on many. A
        label set appears in one block only. Callers do not write into the arrays: they may be the store's own."""

    def metrics(self) -> Iterable[Metric]:
        """All metrics declared so far."""
