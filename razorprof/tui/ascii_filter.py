"""The last filter before the terminal: every character that it cannot show, replaced by one that it can."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from razorprof.render.glyphs import Glyphs


class AsciiFilter(LineFilter):
    """Reaches all widgets alike, Textual's own (palette, scroll bars) included."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(enabled=glyphs.plain)
        self._glyphs = glyphs

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        apply = self._glyphs.apply
        return [Segment(apply(text), style, control) for text, style, control in segments]
