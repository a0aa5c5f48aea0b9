"""The panel "application": the application's own figures, which no screen of ours knows, with their histories.

Reached through its entry point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.text import Text

from razorprof.plugin.panels import PanelSize, PanelView
from razorprof.render import figures
from razorprof.render.spark import buckets, sparkline
from razorprof.render.text import cut_middle, printable
from razorprof.render.trace import level_trace, rate_trace

# Families that razorprof or a runtime's own client gives, or that are parts of others.
OURS = ("process_", "python_", "container_", "razorprof_", "scrape_", "go_", "jvm_", "promhttp_", "ALERTS")
PARTS = ("_bucket", "_sum", "_created", "_info")
HISTORY = 120.0
_SPARK, _VALUE = 24, 12


class Application:
    """A line for each series: name with labels, value (a counter's growth a second), history."""

    name: ClassVar[str] = "application"
    title: ClassVar[str] = "the application's own figures"
    needs: ClassVar[tuple[str, ...]] = ()

    def render(self, view: PanelView, size: PanelSize) -> RenderableType:
        own = [one for one in view.series() if not _is_known(one[0])]
        if not own:
            return Text("none: name the target by url: or port:, or look for its page with --probe")
        own.sort(key=lambda one: (one[0], sorted(one[1].items())))
        room = size.height if len(own) <= size.height else size.height - 1
        lines = [_line(view, name, labels, value, size.width) for name, labels, value in own[: max(0, room)]]
        if len(own) > len(lines):
            lines.append(Text(f"and {len(own) - len(lines)} more", no_wrap=True))
        return Group(*lines)


def _is_known(name: str) -> bool:
    return name == "up" or name.startswith(OURS) or name.endswith(PARTS)


def _line(view: PanelView, name: str, labels: Mapping[str, str], value: float, width: int) -> Text:
    is_counter = name.endswith(("_total", "_count"))
    series = view.history(name, seconds=HISTORY, **labels)
    trace = rate_trace(series) if is_counter else level_trace(series)
    shown = figures.rate(trace.now) if is_counter else figures.in_unit(value, _unit(name))
    inside = ",".join(f"{label}={text}" for label, text in labels.items())
    words = printable(f"{name}{{{inside}}}" if inside else name)
    spark = _SPARK if width >= 60 else 0
    room = max(1, width - _VALUE - spark - 2)
    line = Text(f"{cut_middle(words, room):<{room}} {shown:>{_VALUE}}", no_wrap=True)
    if spark:
        points = buckets(trace.times, trace.values, spark, end=view.time, seconds=HISTORY)
        line.append(" " + sparkline(points, low=0.0 if is_counter else None))
    return line


def _unit(name: str) -> str:
    return next((unit for unit in ("bytes", "seconds", "ratio") if name.endswith(f"_{unit}")), "")
