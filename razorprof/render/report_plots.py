"""Figures over time as inline SVG with axes and units. For the HTML report; drawn by us, so that it needs
nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from razorprof.render import figures
from razorprof.render.report_markup import text
from razorprof.render.trace import Trace

_WIDTH, _HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 10, 10, 22
_MOST_POINTS = 720


@dataclass(frozen=True, slots=True)
class Plot:
    """label: what is drawn; show: from base units to text."""

    label: str
    trace: Trace
    show: Callable[[float | None], str]


def plot_figure(plot: Plot) -> str:
    """One plot with its caption; empty where there are no two points."""
    points = _thinned(plot.trace)
    if len(points) < 2:
        return ""
    start, end = points[0][0], points[-1][0]
    values = [value for _, value in points]
    unit = _unit(plot, max(map(abs, values)))
    ticks = [unit * tick for tick in axis_ticks(min(values) / unit, max(values) / unit)]
    low, high = ticks[0], ticks[-1]
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(time: float) -> float:
        return _LEFT + width * (time - start) / ((end - start) or 1.0)

    def y(value: float) -> float:
        return _TOP + height * (1 - (value - low) / ((high - low) or 1.0))

    lines = [
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{text(plot.show(tick))}</text>'
        for tick in ticks
    ]
    lines += [
        f'<text x="{x(start + tick):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{tick:g} s</text>'
        for tick in axis_ticks(0.0, end - start)[:-1]
    ]
    curve = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in points)
    lines.append(f'<polyline class="curve" points="{curve}"/>')
    trace = plot.trace
    words = f"{plot.show(trace.low)} to {plot.show(trace.high)}, last {plot.show(trace.now)}"
    return (
        f'<figure><figcaption>{text(plot.label)} <span class="dim">{text(words)}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(f"{plot.label}: {words}")}">'
        f"{''.join(lines)}</svg></figure>\n"
    )


def axis_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers from at most `low` to at least `high`; from 0 where that is not far."""
    if low >= 0 and (low <= 0.5 * high or low == high):
        low = 0.0
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _unit(plot: Plot, most: float) -> float:
    """What the ticks are round numbers of: sizes are written in powers of 1,024."""
    if plot.show not in (figures.size, figures.size_rate) or most < 1:
        return 1.0
    return float(1024 ** min(5, int(math.log(most, 1024))))


def _thinned(trace: Trace) -> Sequence[tuple[float, float]]:
    every = max(1, len(trace.times) // _MOST_POINTS)
    return [
        (float(time), float(value))
        for time, value in zip(trace.times[::every], trace.values[::every], strict=True)
    ]
