"""A figure over time, ready to be drawn: the points without stale markers, what they were least and most, how
they grow. Derived from a store's Series; counters become rates here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from razorprof.model.series import Floats, Series

_NONE: Floats = np.zeros(0)
_SHORTEST_TREND = 20.0  # seconds: a slope over less is noise, and a person would act on it


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Times ascending, values finite."""

    times: Floats = field(default_factory=lambda: _NONE)
    values: Floats = field(default_factory=lambda: _NONE)

    @property
    def now(self) -> float | None:
        return float(self.values[-1]) if len(self.values) else None

    @property
    def low(self) -> float | None:
        return float(self.values.min()) if len(self.values) else None

    @property
    def high(self) -> float | None:
        return float(self.values.max()) if len(self.values) else None

    def growth(self) -> float | None:
        """Change per second (least squares over all points); None where too little was seen."""
        if len(self.values) < 4 or self.times[-1] - self.times[0] < _SHORTEST_TREND:
            return None
        times = self.times - self.times.mean()
        return float((times * (self.values - self.values.mean())).sum() / (times * times).sum())


EMPTY = Trace()


def level_trace(series: Series | None) -> Trace:
    """A gauge as it is."""
    if series is None:
        return EMPTY
    fine = np.isfinite(series.values)
    return Trace(series.times[fine], series.values[fine])


def growth_trace(counter: Trace) -> Trace:
    """What a counter grew by since the point before; a reset gives no point."""
    if len(counter.values) < 2:
        return EMPTY
    grown = np.diff(counter.values)
    fine = (np.diff(counter.times) > 0) & (grown >= 0)
    return Trace(counter.times[1:][fine], grown[fine])


def rate_trace(series: Series | None) -> Trace:
    """A counter's growth per second between neighbouring points; a reset gives no point."""
    trace = level_trace(series)
    if len(trace.values) < 2:
        return EMPTY
    seconds = np.diff(trace.times)
    grown = np.diff(trace.values)
    fine = (seconds > 0) & (grown >= 0)
    return Trace(trace.times[1:][fine], grown[fine] / seconds[fine])
