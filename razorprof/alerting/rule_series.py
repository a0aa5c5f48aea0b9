"""The series that a rule writes: a group of the store for each rule, a row for each evaluation.

What an evaluation does not write any more is stale at once. A series belongs to whoever wrote it first and still
does: another rule, or a source. To write the same value as well is no matter (two rules of one name, both firing);
another value is an error, and so is one at the moment when its owner said that the series has ended, as in
Prometheus. Used by alerting.rule_runs; only the pipeline's thread.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from razorprof.model.labels import NO_LABELS, Labels
from razorprof.model.series import is_stale
from razorprof.query.labelsets import shown
from razorprof.store.group import DUPLICATE, OUT_OF_ORDER, Row
from razorprof.store.memory import MemoryStore

Written = tuple[Labels, float]


class RuleSeries:
    """Owns one group of the store."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._group = store.group(NO_LABELS)
        self._row = Row(())
        self._others: frozenset[Labels] = frozenset()  # of what the last evaluation wrote, what belongs to others

    def write(self, time: float, series: Sequence[Written]) -> str:
        """Write the values at `time`, Unix seconds; series written before and not now become stale. What went
        wrong, empty if nothing did."""
        ended = {name for name in self._others if self._has_ended(name, time)}
        wrong = ""
        if ended:
            wrong = next((_clash(name) for name, _ in series if name in ended), "")
            series = [one for one in series if one[0] not in ended]
        self._others = frozenset()
        if series:
            return self._append(time, series) or wrong
        self.end(time)
        return wrong

    def end(self, time: float) -> None:
        """All that was written has ended."""
        self._group.mark_stale(time)

    def _append(self, time: float, series: Sequence[Written]) -> str:
        labels = tuple(name for name, _ in series)
        if labels != self._row.labels:
            self._row = Row(labels)
        row, drops = self._row, self._group.drops
        before = drops.total() - drops[OUT_OF_ORDER]
        self._group.append_row(time, row, np.array([value for _, value in series], np.float64))
        if drops.total() - drops[OUT_OF_ORDER] == before:
            return ""
        self._row = Row(())  # the next evaluation tries anew
        kept = frozenset() if row.kept is None else frozenset(row.kept.tolist())
        return self._refused(dict(row.refused), [one for place, one in enumerate(series) if place not in kept])

    def _refused(self, reasons: dict[str, int], series: Iterable[Written]) -> str:
        """What is wrong with having been refused: nothing where a series has the same value from somebody else."""
        if reasons.pop(DUPLICATE, 0):
            self._others = frozenset(name for name, _ in series)
            for name, value in series:
                if not _same(self._store.last(name), value):
                    return _clash(name)
        return ", ".join(f"{count} series not stored: {reason}" for reason, count in reasons.items())

    def _has_ended(self, name: Labels, time: float) -> bool:
        """Whether a stale marker stands at just this moment."""
        found = self._store.read(name, time, time)
        return found is not None and bool(is_stale(found.values[-1:])[0])


def _clash(name: Labels) -> str:
    return f"duplicate sample for timestamp: {shown(name)} is written by somebody else"


def _same(known: float | None, value: float) -> bool:
    return known is None or known == value or (math.isnan(known) and math.isnan(value))
