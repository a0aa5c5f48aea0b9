"""The series that a rule writes: a group of the store for each rule, a row for each evaluation.

What an evaluation does not write any more is stale at once. A series belongs to whoever wrote it first and still
does: another rule, or a source. To write the same value as well is no matter (two rules of one name, both firing),
another value is an error, as in Prometheus. Used by alerting.rule_runs; only the pipeline's thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from razorprof.model.labels import NO_LABELS, Labels
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

    def write(self, time: float, series: Sequence[Written]) -> str:
        """Write the values at `time`, Unix seconds; series written before and not now become stale. What went
        wrong, empty if nothing did."""
        if not series:
            self.end(time)
            return ""
        labels = tuple(name for name, _ in series)
        if labels != self._row.labels:
            self._row = Row(labels)
        drops = self._group.drops
        before = drops.total() - drops[OUT_OF_ORDER]
        self._group.append_row(time, self._row, np.array([value for _, value in series], np.float64))
        if drops.total() - drops[OUT_OF_ORDER] == before:
            return ""
        reasons, self._row = dict(self._row.refused), Row(())  # the next evaluation tries anew
        return self._wrong(series, reasons)

    def end(self, time: float) -> None:
        """All that was written has ended."""
        self._group.mark_stale(time)

    def _wrong(self, series: Sequence[Written], reasons: dict[str, int]) -> str:
        """Why values were refused, unless their series have the same from somebody else."""
        if reasons.pop(DUPLICATE, 0):
            own = {labels for labels, _ in self._group.live()}
            for labels, value in series:
                if labels not in own and not _same(self._store.last(labels), value):
                    return f"duplicate sample for timestamp: {shown(labels)} is written by somebody else"
        return ", ".join(f"{count} series not stored: {reason}" for reason, count in reasons.items())


def _same(known: float | None, value: float) -> bool:
    return known is None or known == value or (math.isnan(known) and math.isnan(value))
