"""How series are told in the formats of Prometheus: family, TYPE, HELP, UNIT, and the text before a value.

All of it is written by prometheus_client. That takes 15 microseconds a series, and of one tick to the next only
values change: so the text before the value is kept, by serve.exposition, for as long as the series lives. Text
of targets is told as it is: Prometheus must store the series that the application has. Whoever prints it to a
terminal makes it safe there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import exposition as plain_text
from prometheus_client.metrics_core import Metric as LibraryMetric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind

_PARTS = ("_bucket", "_sum", "_count")
_ZERO = "0.0"  # as the library writes the value that lines are made with


class TextFormat(StrEnum):
    """The formats of a page; the value is its Content-Type."""

    PLAIN = plain_text.CONTENT_TYPE_PLAIN_0_0_4
    OPEN_METRICS = openmetrics.CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Family:
    """How a metric is told. name: in OpenMetrics, hence a counter's without _total."""

    name: str
    type: str
    help: str = ""
    unit: str = ""

    def head(self, form: TextFormat) -> str:
        """The lines before its samples."""
        return _written(self, (), form)


@dataclass(frozen=True, slots=True)
class Line:
    """One series. before: its name and labels, up to the value; group, rank: of a histogram's parts, which label
    set they belong to and in which order they stand."""

    family: Family
    before: str
    group: Labels
    rank: tuple[int, float] = (0, 0.0)


def family_of(name: str, declared: Mapping[str, Metric]) -> Family:
    """The family of a series' name. What was not declared is `unknown`."""
    metric = declared.get(name)
    if metric is None:
        for part in _PARTS:
            whole = declared.get(name.removesuffix(part)) if name.endswith(part) else None
            if whole is not None and whole.kind is MetricKind.HISTOGRAM:
                return Family(whole.name, "histogram", whole.help, whole.unit)
        return Family(name, "unknown")
    if metric.kind is MetricKind.GAUGE:
        return Family(name, "gauge", metric.help, metric.unit)
    base = name.removesuffix("_total")
    if metric.kind is MetricKind.COUNTER and name.endswith("_total") and base and base not in declared:
        return Family(base, "counter", metric.help, metric.unit)
    # a counter that an application named by rules of its own, or one with a namesake
    return Family(name, "unknown", metric.help, metric.unit)


def valid_labels(labels: Labels) -> Labels:
    """The same with what UTF-8 cannot take (the lone surrogates of names that are no text) as \\uNNNN."""
    if all(text.isascii() for text in labels.values()):
        return labels
    return Labels({name: _valid(text) for name, text in labels.items()})


def lines_of(family: Family, series: Iterable[Labels]) -> list[Line]:
    """A line for each of a family's series, whose labels are valid."""
    series = list(series)
    samples = [Sample(one["__name__"], dict(one.without("__name__")), 0.0) for one in series]
    text = _written(family, samples, TextFormat.PLAIN)  # the same in both formats
    rows = text.split("\n")[-len(series) - 1 : -1]
    return [
        Line(family, row.removesuffix(_ZERO), *_place(family, one)) for one, row in zip(series, rows, strict=True)
    ]


def _place(family: Family, labels: Labels) -> tuple[Labels, tuple[int, float]]:
    """Where in its family a series stands: buckets in ascending order, then count and sum."""
    if family.type != "histogram":
        return labels, (0, 0.0)
    group = labels.without("__name__", "le")
    part = labels["__name__"][len(family.name) :]
    if part != "_bucket":
        return group, (2 if part == "_sum" else 1, 0.0)
    try:
        bound = float(labels.get("le", ""))
    except ValueError:
        bound = math.nan
    return group, (0, -math.inf if math.isnan(bound) else bound)


def _valid(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class _One(Collector):
    """A registry of one family."""

    def __init__(self, metric: LibraryMetric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[LibraryMetric]:
        return (self._metric,)


def _written(family: Family, samples: Iterable[Sample], form: TextFormat) -> str:
    """The family's text as prometheus_client writes it, without the end mark."""
    # the library would add a unit to a name that does not end with it
    unit = family.unit if family.unit and family.name.endswith(f"_{family.unit}") else ""
    metric = LibraryMetric(family.name, _valid(family.help), family.type, unit)
    metric.samples.extend(samples)
    # all names fit the old rules: the scheme for newer ones changes nothing here, and looks at less
    if form is TextFormat.PLAIN:
        return plain_text.generate_latest(_One(metric), escaping=openmetrics.ALLOWUTF8).decode()
    text: bytes = openmetrics.generate_latest(_One(metric), escaping=openmetrics.ALLOWUTF8)  # type: ignore[no-untyped-call]
    return text.decode().removesuffix("# EOF\n")
