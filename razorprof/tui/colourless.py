"""What stands in for colours under NO_COLOR: a filter before the terminal, and a palette of weights.

Textual's own filter leaves greys on a black background, which are colours too.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from razorprof.render.palette import Palette


class NoColour(LineFilter):
    """Takes colours off all widgets alike; bold, dim, reverse and underline stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, None if style is None else style.without_color, control)
            for text, style, control in segments
        ]


COLOURLESS = Palette(
    dim=Style(dim=True),
    title=Style(bold=True),
    head=Style(bold=True),
    rule=Style(dim=True),
    accent=Style(bold=True),
    select=Style(reverse=True),
    look=Style(bold=True),
    act=Style(bold=True),
    gone=Style(dim=True),
    flame=(Style(reverse=True), Style(reverse=True, bold=True), Style(reverse=True, underline=True)),
)
