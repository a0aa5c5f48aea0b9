"""Takes the samples of one source of one target into its series, and checks them against what was declared.

What does not fit is not stored but counted, by reason. Checked is what is new only: a scrape whose samples are
those of an earlier one, in the same order, costs a comparison and one row. Called by the pipeline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind, Sample
from razorprof.model.series import Floats
from razorprof.store.group import Group, Row
from razorprof.store.memory import MemoryStore

MOST_SERIES = 1_000  # of one source
MOST_TARGET_SERIES = 10_000
UNDECLARED = "undeclared"
KIND_CHANGED = "kind_changed"
BAD_NAME = "bad_name"
BAD_LABEL = "bad_label"
BAD_VALUE = "bad_value"
TOO_MANY_METRICS = "metric_limit"

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_LONGEST_NAME, _LONGEST_VALUE = 256, 4096
_PARTS = ("_bucket", "_sum", "_count")  # of a histogram
_KEPT_ROWS = 4  # figures that are read at slower rates are in some scrapes only
_Keys = tuple[list[Labels], list[Metric], list[str]]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a source may give. metrics: by name; open_ended: it passes on what others name (an application's own
    /metrics), so that metrics are declared as they come, their names need not follow our rules, and labels that
    are ours are renamed to exported_*, as Prometheus does."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    open_ended: bool = False

    def with_(self, metrics: Iterable[Metric], *, open_ended: bool) -> Declaration:
        """This and some more: sources of several runtimes may have the same name."""
        more = {metric.name: metric for metric in metrics}
        return Declaration({**self.metrics, **more}, self.open_ended or open_ended)


class Collector:
    """Owns a group. declaration: None where nothing was declared (events that were not read by a source of ours):
    then metrics are taken as they come, but checked."""

    def __init__(
        self, store: MemoryStore, group: Group, declaration: Declaration | None, ours: Iterable[str] = ()
    ) -> None:
        """ours: names of labels that all series of the group carry."""
        self.group = group
        self._store = store
        self._declaration = declaration
        self._ours = frozenset(ours)
        self._rows: list[_Resolved] = []
        self._drops: Counter[str] = Counter()

    @property
    def drops(self) -> Counter[str]:
        """Samples that were not stored, by reason, since the beginning."""
        return self._drops + self.group.drops

    def append(self, time: float, samples: Iterable[Sample]) -> None:
        """One row: the samples of a scrape."""
        samples = tuple(samples)
        # three lists: far cheaper to make and to compare than one list of tuples
        keys = (
            [sample.labels for sample in samples],
            [sample.metric for sample in samples],
            [sample.suffix for sample in samples],
        )
        resolved = next((known for known in self._rows if known.keys == keys), None)
        if resolved is None:
            resolved = self._resolve(keys)
            self._rows = [resolved, *self._rows[: _KEPT_ROWS - 1]]
        self._drops.update(resolved.drops)
        try:
            values: Floats = np.array([sample.value for sample in samples], dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            good = [sample for sample in samples if _is_number(sample.value)]
            self._drops[BAD_VALUE] += len(samples) - len(good)
            if len(good) < len(samples):
                self.append(time, good)
            return
        if resolved.kept is not None:
            values = values[resolved.kept]
        self.group.append_row(time, resolved.row, values)

    def _resolve(self, keys: _Keys) -> _Resolved:
        series: list[Labels] = []
        kept: list[int] = []
        drops: Counter[str] = Counter()
        for place, (labels, metric, suffix) in enumerate(zip(*keys, strict=True)):
            reason = self._wrong_with(metric, suffix) or self._wrong_labels(labels)
            if reason:
                drops[reason] += 1
                continue
            kept.append(place)
            if self._ours.intersection(labels):
                labels = Labels({f"exported_{n}" if n in self._ours else n: v for n, v in labels.items()})
            series.append(self.group.named(metric.name + suffix, labels))
        places = None if len(kept) == len(keys[0]) else np.array(kept, dtype=np.intp)
        return _Resolved(keys, Row(tuple(series)), places, drops)

    def _wrong_with(self, metric: Metric, suffix: str) -> str:
        """Why samples of this metric are not taken; empty where they are."""
        declaration = self._declaration
        open_ended = declaration is not None and declaration.open_ended
        if declaration is not None and not open_ended and metric.name not in declaration.metrics:
            return UNDECLARED
        name = metric.name + suffix
        if len(name) > _LONGEST_NAME or not _METRIC_NAME.fullmatch(name):
            return BAD_NAME
        if not open_ended and not _name_fits(metric, suffix):
            return BAD_NAME
        self._store.declare([metric])
        declared = self._store.declared(metric.name)
        if declared is None:
            return TOO_MANY_METRICS
        return "" if declared.kind is metric.kind else KIND_CHANGED

    def _wrong_labels(self, labels: Labels) -> str:
        open_ended = self._declaration is not None and self._declaration.open_ended
        for name, value in labels.items():
            if len(name) > _LONGEST_NAME or len(value) > _LONGEST_VALUE or not _LABEL_NAME.fullmatch(name):
                return BAD_LABEL
            if name in self._ours and not open_ended:
                return BAD_LABEL
        return ""


@dataclass(frozen=True, slots=True, eq=False)
class _Resolved:
    """A scrape's samples in their order, checked. kept: the places of those that are taken, None: all."""

    keys: _Keys
    row: Row
    kept: NDArray[np.intp] | None
    drops: Mapping[str, int]


def _name_fits(metric: Metric, suffix: str) -> bool:
    """Whether the name says what the kind is: counters end in _total, only histograms have parts."""
    if metric.kind is MetricKind.HISTOGRAM:
        return suffix in _PARTS
    return not suffix and (metric.kind is not MetricKind.COUNTER or metric.name.endswith("_total"))


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return True
