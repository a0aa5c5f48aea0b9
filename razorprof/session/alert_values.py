"""An alert's value in words, against the limit of its rule: ``812 MiB > 768 MiB``.

For whoever tells people of alerts: the dashboard, the batch text, `check`.
"""

from __future__ import annotations

import math
import re

from razorprof.alerting.thresholds import Reading
from razorprof.render import figures
from razorprof.render.catalog import FIGURES
from razorprof.render.text import cut_middle, printable

_LONGEST = 60  # cells of a limit that is an expression
_ZEROS = re.compile(r"\.(\d*?)0+(?!\d)")


def value_words(value: float, reading: Reading) -> str:
    """The value, and the comparison where the rule makes one. Safe to print."""
    threshold = reading.threshold
    if threshold is None:
        return _shown(value * reading.scale, reading.unit)
    words = _shown(value * threshold.scale, threshold.unit)
    operator = threshold.operator
    if threshold.limit is None:
        return f"{words} {operator} {cut_middle(printable(threshold.right), _LONGEST)}"
    if operator == "==":
        return words  # both sides are the same
    scaled = threshold.limit * threshold.scale
    limit = _limit(scaled, threshold.unit)
    if words == _shown(scaled, threshold.unit) and value != threshold.limit:
        off = _shown(abs(value - threshold.limit) * threshold.scale, threshold.unit)
        return f"{words} {operator} {limit} by {off}"
    return f"{words} {operator} {limit}"


def subject_words(reading: Reading) -> str:
    """What the value is of, in the dashboard's word for the figure, else the metric's name. Safe to print."""
    for figure in FIGURES.values():
        if figure.metric == reading.metric and figure.rate is reading.is_rate and not figure.labels:
            return figure.label
    return printable(reading.metric)


def _limit(value: float, unit: str) -> str:
    """Somebody chose it: told as short as it was, 90 % and not 90.0 %."""
    if unit == "ratio":
        return f"{value * 100:.4g} %"
    if unit == "seconds" and 1 <= value < math.inf:
        return figures.span(value)
    if unit == "" and float(value).is_integer() and abs(value) < 1e5:
        return f"{value:.0f}"
    return _ZEROS.sub(lambda found: f".{found[1]}" if found[1] else "", _shown(value, unit))


def _shown(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else '+'}Inf"
    return figures.percent(value, 0) if unit == "ratio" and abs(value) >= 1 else figures.in_unit(value, unit)
