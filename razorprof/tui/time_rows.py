"""Rows of the time screen, lines of its plot: a series of the target, or an expression with its newest answer."""

from __future__ import annotations

from dataclasses import dataclass

from razorprof.render.figures import in_unit
from razorprof.render.plot import Line
from razorprof.render.series_names import legend_names
from razorprof.render.trace import Trace
from razorprof.tui.expressions import Answer

SeriesKey = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series, a counter as its rate."""

    key: SeriesKey
    trace: Trace
    base: str = ""  # the unit that the metric declares

    @property
    def name(self) -> str:
        name, labels = self.key
        inside = ", ".join(f'{label}="{value}"' for label, value in labels)
        return f"{name}{{{inside}}}" if inside else name

    @property
    def unit(self) -> str:
        name = self.key[0]
        if not name.endswith("_total"):
            return _level_unit(name, self.base)
        return {"seconds": "ratio", "bytes": "bytes/s"}.get(_level_unit(name[:-6], self.base), "/s")

    @property
    def lines(self) -> list[Line]:
        return [(self.name, self.trace.times, self.trace.values)]

    def figures(self) -> tuple[str, str, str]:
        """Last, least, most."""
        trace, unit = self.trace, self.unit
        return in_unit(trace.now, unit), in_unit(trace.low, unit), in_unit(trace.high, unit)


@dataclass(frozen=True, slots=True)
class ExpressionRow:
    """A typed expression. on: whether it is plotted; else nobody asked for its answer."""

    answer: Answer
    on: bool = True

    @property
    def key(self) -> SeriesKey:
        return expression_key(self.answer.text)

    @property
    def name(self) -> str:
        return self.answer.text

    @property
    def unit(self) -> str:
        """That of the metric, while its name is kept: then the values are its own."""
        units = {_level_unit(labels.get("__name__", "")) for labels, _, _ in self.answer.series}
        return units.pop() if len(units) == 1 else ""

    @property
    def lines(self) -> list[Line]:
        series = self.answer.series
        names = legend_names([labels for labels, _, _ in series]) if len(series) > 1 else [self.name]
        return [(name, times, values) for name, (_, times, values) in zip(names, series, strict=False)]

    def figures(self) -> tuple[str, str, str]:
        """Last, or how many series; least, most."""
        if not self.on:
            return "", "", ""
        values, unit = self.answer.values, self.unit
        low, high = (float(values.min()), float(values.max())) if len(values) else (None, None)
        if self.answer.error:
            last = "error"
        elif len(self.answer.series) == 1:
            last = in_unit(self.answer.last, unit)
        else:
            last = f"{len(self.answer.series)} series" if self.answer.series else "no series"
        return last, in_unit(low, unit), in_unit(high, unit)


def expression_key(text: str) -> SeriesKey:
    """The key of an expression's row: no metric is without a name."""
    return "", (("", text),)


def _level_unit(name: str, base: str = "") -> str:
    """The unit of a metric that is no counter, or of a counter's total as it stands."""
    for unit in ("seconds", "bytes"):
        if base == unit or name.endswith(f"_{unit}"):
            return unit
    return "ratio" if name.endswith("_ratio") else ""
