"""Histories and shares as block characters: sparklines, curves and bars, always exactly as wide as asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from razorprof.model.series import Floats
from razorprof.render.glyphs import BAR, BAR_PARTS, SPARKS, TRACK

_HOLD = 3.0  # usual distances between points: a longer silence is a gap and is drawn as one


def buckets(times: Floats, values: Floats, count: int, *, end: float, seconds: float) -> list[float | None]:
    """Means of `count` equal spans of the last `seconds` before `end`, oldest first; None where there is
    nothing.

    Where points are rarer than spans, a value holds until the next one, for three usual distances at most.
    Spans are aligned to the epoch, not to `end`: what was drawn stays as it was and moves left as a whole.
    """
    if count <= 0 or seconds <= 0:
        return []
    step = seconds / count
    newest = math.floor(end / step)
    sums = [0.0] * count
    hits = [0] * count
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        place = math.floor(time / step) - newest + count - 1
        if 0 <= place < count and not math.isnan(value):
            sums[place] += value
            hits[place] += 1
    means = [total / n if n else None for total, n in zip(sums, hits, strict=True)]
    if len(times) > 1:
        _hold(means, int(_HOLD * float(np.median(np.diff(times))) / step))
    return means


def bucket_sums(times: Floats, values: Floats, count: int, *, end: float, seconds: float) -> list[float]:
    """Sums over the same spans that `buckets` takes means of: for events, of which a span has none or some."""
    if count <= 0 or seconds <= 0:
        return []
    step = seconds / count
    newest = math.floor(end / step)
    sums = [0.0] * count
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        place = math.floor(time / step) - newest + count - 1
        if 0 <= place < count:
            sums[place] += value
    return sums


def area(values: Sequence[float | None], rows: int, *, low: float, high: float) -> list[str]:
    """A filled curve, `rows` lines high, the top one first: one cell wide per value, a blank where there is
    none. What is at `low` is still a line of an eighth of a cell."""
    eighths = len(SPARKS) * rows
    span = high - low
    lines = []
    for row in reversed(range(rows)):
        cells = []
        for value in values:
            if value is None or not math.isfinite(value):
                cells.append(" ")
                continue
            level = round((value - low) / span * eighths) if span > 0 else 1
            part = max(1, min(eighths, level)) - row * len(SPARKS)
            cells.append(" " if part <= 0 else SPARKS[min(part, len(SPARKS)) - 1])
        lines.append("".join(cells))
    return lines


def sparkline(values: Sequence[float | None], *, low: float | None = None, high: float | None = None) -> str:
    """One cell per value, a blank where there is none. Without bounds the scale is from the least to the
    greatest; a history that never changes is drawn at the bottom."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    if not known:
        return " " * len(values)
    bottom = min(known) if low is None else low
    span = (max(known) if high is None else high) - bottom
    top = len(SPARKS) - 1

    def cell(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return " "
        if span <= 0:
            return SPARKS[0]
        return SPARKS[max(0, min(top, int((value - bottom) / span * top + 0.5)))]

    return "".join(map(cell, values))


def bar(ratio: float, width: int) -> str:
    """A bar of `ratio` of `width` cells, in eighths of a cell, padded with blanks."""
    eighths = max(0, min(width * 8, round(ratio * width * 8))) if math.isfinite(ratio) else 0
    whole, rest = divmod(eighths, 8)
    return (BAR * whole + (BAR_PARTS[rest - 1] if rest else "")).ljust(width)


def gauge(ratio: float, width: int) -> str:
    """A bar whose empty part is seen too: how far something is on its way to a limit."""
    filled = bar(ratio, width).rstrip()
    return filled + TRACK * (width - len(filled))


def _hold(means: list[float | None], most: int) -> None:
    """Fill at most `most` empty spans after each known one with its value."""
    held: float | None = None
    empty = 0
    for place, mean in enumerate(means):
        empty = 0 if mean is not None else empty + 1
        if mean is not None:
            held = mean
        elif empty <= most:
            means[place] = held
