"""What an alert went through, as a strip of cells: from its ALERTS series, as Prometheus keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from rich.text import Text

from razorprof.model.alert import AlertState
from razorprof.model.series import Series, is_stale
from razorprof.render.palette import Palette

LOOKBACK = 300.0  # seconds for which a sample speaks where none follows, as in a query
_SPANS = (300.0, 900.0, 3600.0)
_CELLS = {None: " ", AlertState.INACTIVE: "▁", AlertState.PENDING: "▄", AlertState.FIRING: "█"}
_ORDER = (None, AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING)

Strip = tuple[AlertState | None, ...]


def history_span(seen: float) -> float:
    """Seconds that a strip covers, of alerts that were watched for `seen` seconds."""
    return next((span for span in _SPANS if seen <= span), _SPANS[-1])


def state_strip(series: Sequence[Series], count: int, *, end: float, seconds: float, seen: float) -> Strip:
    """The worst state in each of `count` equal parts of the last `seconds` before `end`, oldest first; None for
    the time before the last `seen` seconds, of which nothing is known. series: those of one alert, or of one rule.

    Parts are aligned to the epoch: what was drawn moves left as a whole.
    """
    if count <= 0 or seconds <= 0:
        return ()
    step = seconds / count
    oldest = math.floor(end / step) - count + 1
    begin = end - seen
    ranks = [1 if (oldest + place + 1) * step > begin else 0 for place in range(count)]
    for one in series:
        state = one.labels.get("alertstate")
        rank = 3 if state == AlertState.FIRING else 2 if state == AlertState.PENDING else 0
        for start, stop in _spans(one, end):
            first, last = math.floor(start / step) - oldest, math.ceil(stop / step) - 1 - oldest
            for place in range(max(0, first), min(count - 1, max(first, last)) + 1):
                ranks[place] = max(ranks[place], rank)
    return tuple(_ORDER[rank] for rank in ranks)


def strip_of_spans(
    spans: Iterable[tuple[AlertState, float, float]], start: float, end: float, count: int
) -> Strip:
    """The worst state in each of `count` equal parts of [start, end], INACTIVE where there is none. spans: states,
    from when and until when."""
    ranks = [1] * max(0, count)
    step = (end - start) / max(1, count) or 1.0
    for state, begin, over in spans:
        if not ranks or over < start or begin > end:
            continue
        first = max(0, min(count - 1, math.floor((begin - start) / step)))
        last = max(first, min(count - 1, math.ceil((over - start) / step) - 1))
        for place in range(first, last + 1):
            ranks[place] = max(ranks[place], _ORDER.index(state))
    return tuple(_ORDER[rank] for rank in ranks)


def strip_text(strip: Strip) -> str:
    """High where it fired, half where it was pending, a line where nothing was wrong, blank where unknown."""
    return "".join(_CELLS[state] for state in strip)


def coloured_strip(strip: Strip, palette: Palette) -> Text:
    """The same in colours."""
    styles = {AlertState.FIRING: palette.act, AlertState.PENDING: palette.look}
    return Text.assemble(*((_CELLS[state], styles.get(state, palette.dim) if state else "") for state in strip))


def _spans(series: Series, end: float) -> Iterator[tuple[float, float]]:
    """From when to when the samples speak."""
    if not len(series.times):
        return
    until = np.minimum(np.append(series.times[1:], end), series.times + LOOKBACK)
    holds = ~is_stale(series.values) & (series.values > 0)
    for start, stop in zip(series.times[holds].tolist(), until[holds].tolist(), strict=True):
        yield start, max(start, stop)
