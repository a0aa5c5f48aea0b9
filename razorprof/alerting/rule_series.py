"""The series that a rule writes: a group of the store for each rule, a row for each evaluation.

What an evaluation does not write any more is stale at once. Several rules may write one series (two of one name,
say): as in Prometheus, who comes first at a moment writes it, and the others may say the same; another value, or
any once the first said that the series has ended, is an error. A series of somebody else (a source) is left alone.
Used by alerting.rule_runs; only the pipeline's thread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from razorprof.model.labels import NO_LABELS, Labels
from razorprof.query.labelsets import shown
from razorprof.store.group import DUPLICATE, OUT_OF_ORDER, Row
from razorprof.store.memory import MemoryStore

Written = tuple[Labels, float]


class RuleSeries:
    """Owns one group of the store. writers: shared by all rules of an evaluator, who wrote which series last."""

    def __init__(self, store: MemoryStore, writers: dict[Labels, RuleSeries]) -> None:
        self._store = store
        self._group = store.group(NO_LABELS)
        self._writers = writers
        self._time = -math.inf  # of the last evaluation that wrote
        self._asked: tuple[Labels, ...] | None = ()  # what it wanted to write; None: look anew
        self._row = Row(())  # what was written
        self._ended: frozenset[Labels] = frozenset()  # what was not any more

    def write(self, time: float, series: Sequence[Written]) -> str:
        """Write the values at `time`, Unix seconds; series written before and not now become stale. What went
        wrong, empty if nothing did."""
        self._forget_ended()
        labels = tuple(name for name, _ in series)
        wrong = ""
        if labels != self._asked:
            series, wrong = self._resolve(time, series)
            labels = tuple(name for name, _ in series)
        self._time = time
        if series:
            return self._append(time, labels, [value for _, value in series]) or wrong
        self._group.mark_stale(time)
        return wrong

    def end(self, time: float) -> None:
        """All that was written, and not taken over by another rule, has ended."""
        self.write(time, ())
        self._forget_ended()

    def _resolve(self, time: float, series: Sequence[Written]) -> tuple[list[Written], str]:
        """What of the series is ours to write at `time`, and what is wrong with the rest."""
        own: list[Written] = []
        wrong = ""
        for name, value in series:
            other = self._writers.get(name)
            if other is None or other is self or other._time < time:
                if other is not None and other is not self:
                    other._give_up(name)
                self._writers[name] = self
                own.append((name, value))
            elif name in other._ended or not _same(self._store_value(name, time), value):
                wrong = wrong or _clash(name)
        kept = {name for name, _ in own}
        self._ended = frozenset(
            name for name in self._row.labels if name not in kept and self._writers.get(name) is self
        )
        self._asked = tuple(name for name, _ in own) if len(own) == len(series) else None
        return own, wrong

    def _append(self, time: float, labels: tuple[Labels, ...], values: Sequence[float]) -> str:
        if labels != self._row.labels:
            self._row = Row(labels)
        row, drops = self._row, self._group.drops
        before = drops.total() - drops[OUT_OF_ORDER]
        self._group.append_row(time, row, np.array(values, np.float64))
        if drops.total() - drops[OUT_OF_ORDER] == before:
            return ""
        kept = frozenset() if row.kept is None else frozenset(row.kept.tolist())
        refused = {labels[place]: value for place, value in enumerate(values) if place not in kept}
        self._asked, self._row = None, Row(tuple(name for name in labels if name not in refused))
        for name in refused:
            self._writers.pop(name, None)
        return self._refused(dict(row.refused), refused)

    def _refused(self, reasons: dict[str, int], series: Mapping[Labels, float]) -> str:
        """What is wrong with having been refused: nothing where a source gives the same value."""
        if reasons.pop(DUPLICATE, 0):
            for name, value in series.items():
                if not _same(self._store.last(name), value):
                    return _clash(name)
        return ", ".join(f"{count} series not stored: {reason}" for reason, count in reasons.items())

    def _give_up(self, name: Labels) -> None:
        """Another rule goes on with a series of ours."""
        self._asked = None
        if name not in self._ended:
            self._group.release(name)

    def _forget_ended(self) -> None:
        for name in self._ended:
            if self._writers.get(name) is self:
                del self._writers[name]
        self._ended = frozenset()

    def _store_value(self, name: Labels, time: float) -> float | None:
        found = self._store.read(name, time, time)
        return None if found is None else float(found.values[-1])


def _clash(name: Labels) -> str:
    return f"duplicate sample for timestamp: {shown(name)} is written by somebody else"


def _same(known: float | None, value: float) -> bool:
    return known is None or known == value or (math.isnan(known) and math.isnan(value))
