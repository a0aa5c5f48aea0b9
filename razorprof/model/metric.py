"""What is measured, and one measurement of it. Names follow CONTRACT: base units, counters end in _total."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from razorprof.model.labels import NO_LABELS, Labels


class MetricKind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Quality(StrEnum):
    """How far a figure can be trusted."""

    EXACT = "exact"
    SAMPLED = "sampled"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Metric:
    """A declared metric. `unit` is a base unit (seconds, bytes, ratio) or empty for plain counts.

    A histogram's samples are written with the metric of its family and carry the suffix in `Sample.suffix`
    (``_bucket`` with label ``le``, ``_sum``, ``_count``).
    """

    name: str
    kind: MetricKind
    unit: str
    help: str
    labels: tuple[str, ...] = ()


def counter(name: str, unit: str, help: str, *labels: str) -> Metric:
    """Declare a counter; its name ends in _total."""
    return Metric(name, MetricKind.COUNTER, unit, help, labels)


def gauge(name: str, unit: str, help: str, *labels: str) -> Metric:
    """Declare a gauge."""
    return Metric(name, MetricKind.GAUGE, unit, help, labels)


def histogram(name: str, unit: str, help: str, *labels: str) -> Metric:
    """Declare a histogram (cumulative buckets, sum and count)."""
    return Metric(name, MetricKind.HISTOGRAM, unit, help, labels)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series. A source gives only its own labels; job, instance, pid and runtime are added."""

    metric: Metric
    value: float
    labels: Labels = NO_LABELS
    suffix: str = ""

    @property
    def name(self) -> str:
        """The series' name: the metric's, with a histogram's suffix."""
        return self.metric.name + self.suffix if self.suffix else self.metric.name
