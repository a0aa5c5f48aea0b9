"""The highest values in a recording, series by series: gauges as they are, counters by their growth a second.

For the command show, which tells a person where to look. Pure; series come from rzp_series.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from razorprof.model.labels import Labels
from razorprof.model.metric import Metric, MetricKind
from razorprof.model.series import Series, is_stale

RATE_SECONDS = 5.0  # over which growth is looked at: shorter ones show the grain of the kernel's clock


@dataclass(frozen=True, slots=True)
class Peak:
    """labels: of the series; per_second: a counter's growth; value at `time`, Unix seconds (for growth, the end of
    its five seconds); mean: over the whole time; unit: as declared."""

    name: str
    labels: Labels
    value: float
    time: float
    mean: float
    unit: str = ""
    per_second: bool = False


def peaks(series: Iterable[Series], metrics: Iterable[Metric]) -> list[Peak]:
    """One for each series of a gauge or a counter that has a finite value, in the order of their names."""
    known = {metric.name: metric for metric in metrics}
    found = []
    for one in series:
        metric = known.get(one.name)
        if metric is None or metric.kind is MetricKind.HISTOGRAM:
            continue
        peak = _growth(one, metric) if metric.kind is MetricKind.COUNTER else _height(one, metric)
        if peak is not None:
            found.append(peak)
    return sorted(found, key=lambda peak: (peak.name, tuple(peak.labels.items())))


def _height(series: Series, metric: Metric) -> Peak | None:
    fine = np.isfinite(series.values)
    if not fine.any():
        return None
    values, times = series.values[fine], series.times[fine]
    place = int(values.argmax())
    mean = float(np.mean(values))
    return Peak(series.name, series.labels, float(values[place]), float(times[place]), mean, metric.unit)


def _growth(series: Series, metric: Metric) -> Peak | None:
    """A counter that begins anew counts from zero."""
    fine = np.isfinite(series.values) & ~is_stale(series.values)
    values, times = series.values[fine], series.times[fine]
    if len(values) < 2:
        return None
    steps = np.diff(values)
    risen = np.concatenate(([0.0], np.cumsum(np.where(steps < 0, values[1:], steps))))
    last = np.searchsorted(times, times + RATE_SECONDS, "left")
    inside = last < len(times)
    if inside.any():
        first, last = np.flatnonzero(inside), last[inside]
    else:
        first, last = np.array([0]), np.array([len(times) - 1])
    rates = (risen[last] - risen[first]) / (times[last] - times[first])
    place = int(rates.argmax())
    mean = float(risen[-1] / (times[-1] - times[0]))
    highest, when = float(rates[place]), float(times[last[place]])
    if mean > highest:  # it rose in the first and last seconds, which no five seconds hold
        highest, when = mean, float(times[-1])
    return Peak(series.name, series.labels, highest, when, mean, metric.unit, per_second=True)
