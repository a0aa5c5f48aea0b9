"""Answers of `query` for people: a table of one moment, series with their times, or a plot.

JSON is query.http_json's. Called by cli.query.
"""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Style
from razorprof.model.labels import Labels
from razorprof.query.http_json import format_scalar, format_value
from razorprof.query.values import RangeVector, Scalar, Text, Value, Vector
from razorprof.render.series_names import legend_names, series_text
from razorprof.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from razorprof.query.engine import RangeResult

MOST_PLOTTED = 12
_PLOT_HEIGHT = 24
_WIDEST_PLOT = 200


def print_instant(value: Value, time: float) -> None:
    """What an expression is at one time, which is told on stderr."""
    match value:
        case Scalar():
            output.print_text(format_scalar(float(value.values[0])))
        case Text():
            output.print_text(printable(value.text))
        case RangeVector():
            for window in value.windows:
                low, high = int(window.low[0]), int(window.high[0])
                times = window.times[low:high].tolist()
                for place, labels in enumerate(window.labels):
                    numbers = window.values[low:high, place].tolist()
                    _print_points(labels, zip(times, numbers, strict=True))
        case Vector():
            _print_vector(value)
    output.say(f"at {time_text(round(time * 1000))}")


def print_range(answer: RangeResult) -> None:
    """Each series with the times at which it has a value."""
    vector, times = answer.vector, answer.times.tolist()
    if not vector.labels:
        output.say("no series")
    for place, labels in enumerate(vector.labels):
        numbers, marks = vector.values[:, place].tolist(), vector.present[:, place].tolist()
        _print_points(labels, ((t, v) for t, v, there in zip(times, numbers, marks, strict=True) if there))


def print_plot(answer: RangeResult) -> None:
    """All series in one plot, as wide as the terminal."""
    from razorprof.render.plot import plot_series

    vector = answer.vector
    seconds = answer.times / 1000
    if not vector.labels:
        output.say("no series")
        return
    lines = []
    for place, name in enumerate(legend_names(vector.labels[:MOST_PLOTTED])):
        there = vector.present[:, place]
        lines.append((name, seconds[there], vector.values[there, place]))
    width = min(_WIDEST_PLOT, output.terminal_width() - 1)
    height = max(8, min(_PLOT_HEIGHT, shutil.get_terminal_size().lines - 3))
    color = output.color_wanted(sys.stdout)
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    plot = plot_series(lines, width, height, colour=color, plain=plain)
    if color:
        from rich.console import Console

        Console(file=sys.stdout, width=width, highlight=False).print(plot, no_wrap=True, crop=True)
    else:
        output.print_text("\n".join(line.rstrip() for line in plot.plain.splitlines()))
    more = len(vector.labels) - MOST_PLOTTED
    if more > 0:
        output.say(f"and {more} more series: plot fewer with topk({MOST_PLOTTED}, ...), or see all with --json")


def time_text(millis: int) -> str:
    """RFC 3339 in UTC, with milliseconds where there are any; Unix seconds where the calendar ends."""
    try:
        moment = datetime.fromtimestamp(millis // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{millis / 1000:.3f}"
    fraction = f".{millis % 1000:03d}" if millis % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _print_vector(vector: Vector) -> None:
    if not vector.labels:
        output.say("no series")
        return
    rows = [
        (series_text(labels), format_value(number))
        for labels, number in zip(vector.labels, vector.values[0].tolist(), strict=True)
    ]
    output.print_table([Column("SERIES", flexible=True), Column("VALUE", right=True)], rows)


def _print_points(labels: Labels, points: Iterable[tuple[int, float]]) -> None:
    head = Cell(printable(series_text(labels)), Style.HEADING)
    color = output.color_wanted(sys.stdout)
    output.print_text(f"\x1b[{head.style.value}m{head.text}\x1b[0m" if color else head.text)
    for time, number in points:
        output.print_text(f"  {time_text(time)}  {format_value(number)}")
