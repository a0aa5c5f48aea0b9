"""Line plots of series over time, drawn by plotext. For plots that a person asks for, not for what is always on.

plotext has one figure for the whole process: it is touched only in `plot_series`, under a lock, and is imported
at the first plot (0.3 s). Called by the time screen and by `query --plot`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from rich.style import Style
from rich.text import Text

from razorprof.model.series import Floats
from razorprof.render import figures
from razorprof.render.text import cut_middle, printable

Line = tuple[str, Floats, Floats]  # label, times in Unix seconds, values
_COLOURS = ("#6cb6ff", "#f0a35e", "#7ee787", "#d2a8ff", "#f0c052", "#ff7b72")
_AXES = Style(color="#7f8b9b")  # calm, and readable on dark and on light
_PLAIN_MARKERS = "*ox+#%"
_LEAST = (24, 6)
_lock = threading.Lock()


def plot_series(
    lines: Sequence[Line],
    width: int,
    height: int,
    *,
    title: str = "",
    unit: str = "",
    colour: bool = True,
    plain: bool = False,
) -> Text:
    """A plot of `width` by `height` cells with a legend in its first line.

    Times are labelled in local time of day, values in `unit` (seconds, bytes, bytes/s, ratio, /s or none).
    Values that are no number are left out. plain: ASCII markers. Without colour, lines are told apart by their
    markers.
    """
    drawn = [found for found in map(_finite, lines) if len(found[1])]
    if width < _LEAST[0] or height < _LEAST[1]:
        return Text(cut_middle("too small for a plot", max(1, width)))
    if not drawn:
        return Text("nothing to plot yet".center(width))
    marked = plain or (not colour and len(drawn) > 1)
    text = Text(no_wrap=True)
    text.append_text(_legend(drawn, width, title, colour=colour, marked=marked))
    text.append("\n")
    plot = Text.from_ansi(_draw(drawn, width, height - 1, unit, colour=colour, marked=marked), no_wrap=True)
    if colour:
        plot.stylize_before(_AXES)
    text.append_text(plot)
    return text


def _draw(drawn: Sequence[Line], width: int, height: int, unit: str, *, colour: bool, marked: bool) -> str:
    with _lock:
        import plotext

        plotext.terminal.limit(False, False)  # else a plot is never larger than the terminal, 80x24 in a pipe
        figure = plotext.figure
        figure.clear()
        try:
            figure.theme("colorless")
            figure.plot_size(width, height)
            for place, (_, times, values) in enumerate(drawn):
                symbol = _PLAIN_MARKERS[place % len(_PLAIN_MARKERS)] if marked else "braille"
                pixel = plotext.pixel(_rgb(_COLOURS[place % len(_COLOURS)])) if colour else None
                signal = figure.signal(times.tolist(), values.tolist(), marker=plotext.marker(symbol, pixel))
                signal.lines(len(times) > 1)
                figure.draw(signal)
            low, high = _span([values for _, _, values in drawn])
            ticks = _nice_ticks(low, high, max(2, height // 4), unit)
            figure.ruler("y").lim(min(low, ticks[0]), max(high, ticks[-1]))
            figure.ruler("y").ticks(ticks, [figures.in_unit(tick, unit) for tick in ticks])
            start = min(float(times[0]) for _, times, _ in drawn)
            end = max(float(times[-1]) for _, times, _ in drawn)
            moments = np.linspace(start, end, max(2, min(6, width // 22))).tolist() if end > start else [start]
            figure.ruler("x").ticks(moments, [_time_of_day(moment) for moment in moments])
            text: str = figure.build().string(not colour)
        finally:
            figure.clear()
    return text.rstrip("\n")


def _finite(line: Line) -> Line:
    label, times, values = line
    fine = np.isfinite(values) & np.isfinite(times)
    return label, times[fine], values[fine]


def _span(values: Sequence[Floats]) -> tuple[float, float]:
    low = min(float(v.min()) for v in values)
    high = max(float(v.max()) for v in values)
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return min(low, max(0.0, low - room)), high + room
    return low, high


def _nice_ticks(low: float, high: float, count: int, unit: str) -> list[float]:
    """About `count` round values that span low to high; bytes are round in powers of two."""
    base = 2.0 if unit.startswith("bytes") else 10.0
    raw = (high - low) / max(1, count - 1)
    magnitude = base ** math.floor(math.log(raw, base))
    steps = (1, 2) if base == 2.0 else (1, 2, 2.5, 5, 10)
    step = magnitude * next(s for s in steps if s * magnitude >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [place * step for place in range(first, max(last, first + 1) + 1)]


def _legend(drawn: Sequence[Line], width: int, title: str, *, colour: bool, marked: bool) -> Text:
    line = Text(" ", no_wrap=True)
    if title:
        line.append(cut_middle(printable(title), width - 2), Style(bold=True))
        line.append("  ")
    each = max(10, (width - line.cell_len) // len(drawn) - 4)
    for place, (label, _, _) in enumerate(drawn):
        style = Style(color=_COLOURS[place % len(_COLOURS)]) if colour else Style()
        line.append(_PLAIN_MARKERS[place % len(_PLAIN_MARKERS)] if marked else "●", style)
        line.append(f" {cut_middle(printable(label), each)}  ")
    line.truncate(width, pad=True)
    return line


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _time_of_day(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%H:%M:%S")
