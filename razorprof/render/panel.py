"""A panel's renderable as lines of the screen: in its size, without control characters, or why there are none.

The guard of the border to panels. For the dashboard and the conformance kit.
"""

from __future__ import annotations

import io
from functools import partial
from itertools import islice

from rich.console import Console
from rich.protocol import is_renderable
from rich.segment import Segment
from rich.text import Text

from razorprof.errors import RazorprofError
from razorprof.plugin.loading import Failure, guard
from razorprof.plugin.panels import Panel, PanelSize, PanelView
from razorprof.render.text import printable

_MOST_SEGMENTS = 20_000  # of one panel: a renderable may go on for ever


def panel_lines(panel: Panel, view: PanelView, size: PanelSize) -> list[Text] | Failure:
    """At most size.height lines of at most size.width cells, or the failure that the panel came to."""
    try:
        return guard(panel.name, partial(_draw, panel, view, size))
    except RazorprofError as error:
        return Failure(panel.name, str(error), error)


def lacks(panel: Panel, view: PanelView) -> str:
    """What the panel needs and the target does not give; empty where it can be drawn."""
    if not panel.needs or {name for name, _, _ in view.series()}.intersection(panel.needs):
        return ""
    return printable(", ".join(panel.needs[:4]))


def _draw(panel: Panel, view: PanelView, size: PanelSize) -> list[Text]:
    made = panel.render(view, size)
    if isinstance(made, str):
        made = Text(made)
    if not is_renderable(made):
        raise TypeError(f"it gave {type(made).__name__}, which is no renderable")
    console = Console(
        file=io.StringIO(), width=size.width, height=size.height, force_terminal=True, color_system="truecolor"
    )
    options = console.options.update(width=size.width, height=None)
    segments = islice(console.render(made, options), _MOST_SEGMENTS)
    shown = [segment for segment in segments if not segment.control]
    lines = Segment.split_and_crop_lines(shown, size.width, include_new_lines=False, pad=False)
    return [_line(segments, size.width) for segments in islice(lines, size.height)]


def _line(segments: list[Segment], width: int) -> Text:
    line = Text(no_wrap=True)
    for segment in segments:
        line.append(printable(segment.text), segment.style)
    line.truncate(width)  # what stands for a control character is wider than it
    return line
