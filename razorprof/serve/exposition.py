"""A view as a /metrics page, in either format: what lives at the last tick, family by family.

There are no time stamps and no _created series. What is no number of its kind is left out: half a histogram, a
counter below zero; and what rules write: a Prometheus that scrapes the page and evaluates the same rules would get
each of those series twice. How a series is written is serve.families'. Called by serve.pages; not for HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.utils import floatToGoString

from razorprof.model.alert import AlertBoard
from razorprof.model.labels import Labels
from razorprof.model.metric import Metric
from razorprof.serve.families import Family, Line, TextFormat, family_of, lines_of, valid_labels
from razorprof.serve.newest import newest
from razorprof.session.view import View

_Member = tuple[Line, float]
_number: Callable[[float], str] = floatToGoString
_LAST_BUCKET, _COUNT, _SUM = (0, math.inf), (1, 0.0), (2, 0.0)


class Exposition:
    """Writes pages of one view. One thread at a time."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lines: dict[Labels, Line | None] = {}  # of the living series; None: it cannot be told
        self._declared: dict[str, Metric] = {}

    def render(self, form: TextFormat) -> bytes:
        """The whole page, as of the last tick."""
        families: dict[Family, list[_Member]] = {}
        for line, value in self._living():
            families.setdefault(line.family, []).append((line, value))
        pieces: list[str] = []
        for family in sorted(families, key=lambda one: one.name):
            members: Iterable[_Member] = families[family]
            if family.type == "counter":
                members = [member for member in members if member[1] >= 0]  # NaN is not
            elif family.type == "histogram":
                members = list(_whole_histograms(members))
            if members:
                pieces.append(family.head(form))
                pieces += [f"{line.before}{_number(value)}\n" for line, value in members]
        if form is TextFormat.OPEN_METRICS:
            pieces.append("# EOF\n")
        return "".join(pieces).encode()

    def _living(self) -> list[_Member]:
        """The living series that can be told. `_lines` holds those afterwards, and no others."""
        declared = {metric.name: metric for metric in self._view.metrics()}
        # what is declared later may change how a name is told
        before = self._lines if declared.keys() == self._declared.keys() else {}
        self._declared = declared
        state = self._view.state()
        hidden = written_by_rules(state.alerts)
        living = newest(self._view, state.time)
        if hidden:
            living = [(labels, value) for labels, value in living if labels["__name__"] not in hidden]
        self._lines = {labels: before[labels] for labels, _ in living if labels in before}
        if len(self._lines) < len(living):
            self._lines |= _new_lines([labels for labels, _ in living], self._lines, declared)
        lines = self._lines
        return [(line, value) for labels, value in living if (line := lines[labels]) is not None]


def written_by_rules(board: AlertBoard | None) -> frozenset[str]:
    """The names of the series that rules write; none where there are no rules."""
    if board is None:
        return frozenset()
    return frozenset({"ALERTS", "ALERTS_FOR_STATE", *(s.key.name for s in board.rules if s.kind == "recording")})


def _new_lines(
    living: Sequence[Labels], known: Mapping[Labels, Line | None], declared: Mapping[str, Metric]
) -> dict[Labels, Line | None]:
    """Lines for those living series that have none yet."""
    there = set(living)
    found: dict[Labels, Line | None] = {}
    families: dict[Family, dict[Labels, Labels]] = {}  # series as they are written -> as they are
    by_name: dict[str, Family] = {}
    for labels in living:
        if labels in known:
            continue
        valid = valid_labels(labels)
        name = valid["__name__"]
        family = by_name.get(name) or by_name.setdefault(name, family_of(name, declared))
        members = families.setdefault(family, {})
        # made valid, it may look like another one: of two that are told apart by nothing, a scrape takes either
        if valid != labels and (valid in there or valid in members):
            found[labels] = None
        else:
            members[valid] = labels
    for family, members in families.items():
        found |= zip(members.values(), lines_of(family, members), strict=True)
    return found


def _whole_histograms(members: Iterable[_Member]) -> Iterator[_Member]:
    """Each label set's buckets, count and sum, in order. One without its last bucket, count or sum, or with a
    bound that is no number, is left out."""
    groups: dict[Labels, list[_Member]] = {}
    for member in members:
        groups.setdefault(member[0].group, []).append(member)
    for group in groups.values():
        group.sort(key=lambda member: member[0].rank)
        ranks = [line.rank for line, _ in group]
        if ranks[-3:] == [_LAST_BUCKET, _COUNT, _SUM] and ranks[0] != (0, -math.inf):
            yield from group
