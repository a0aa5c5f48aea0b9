"""Widgets that draw ready lines: still ones (Lines) and ones that scroll (Pager).

Textual's own DataTable costs 40 ms a tick at 120x40; here a tick costs what changed: lines are compared with
those on the screen, and only the different ones are drawn again. Every screen of the dashboard is made of
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

MOVES: list[BindingType] = [
    Binding("up,k", "move(-1)", show=False),
    Binding("down,j", "move(1)", show=False),
    Binding("pageup", "page(-1)", show=False),
    Binding("pagedown", "page(1)", show=False),
    Binding("home", "edge(-1)", show=False),
    Binding("end", "edge(1)", show=False),
]


_FAINT = Style(dim=True)


class Canvas(Widget):
    """A widget whose lines are strips that `line_at` makes. Subclasses call `redraw` when something may
    differ."""

    DEFAULT_CSS = "Canvas { height: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn: list[Strip] = []

    def line_at(self, y: int) -> Text:
        """The line of row `y` of the widget."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again the lines that differ from what is on the screen."""
        width, height = self.size
        style = self.rich_style
        fresh = [self._strip(y, width, style) for y in range(height)]
        old, self._drawn = self._drawn, fresh
        if len(old) != len(fresh):
            self.refresh()
            return
        changed = [y for y, (before, after) in enumerate(zip(old, fresh, strict=True)) if before != after]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        # A resize comes here before anybody called redraw: then what was drawn has another size.
        if (
            y < len(self._drawn)
            and len(self._drawn) == self.size.height
            and self._drawn[y].cell_length == self.size.width
        ):
            return self._drawn[y]
        return self._strip(y, self.size.width, self.rich_style)

    def on_resize(self, event: events.Resize) -> None:
        self.redraw()

    def _strip(self, y: int, width: int, style: Style) -> Strip:
        line = self.line_at(y)
        if line.style and not line.spans:
            line.stylize(line.style)  # Text.render leaves out the style of a text without spans
        segments = list(line.render(self.app.console))
        return Strip(segments).adjust_cell_length(width).apply_style(style)


class Lines(Canvas):
    """Lines that stand still."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: Sequence[Text] = ()

    def show(self, lines: Sequence[Text]) -> None:
        """Show these lines, and be as high as they are."""
        if len(lines) != len(self.lines):
            self.styles.height = len(lines)
        self.lines = lines
        self.redraw()

    def line_at(self, y: int) -> Text:
        return self.lines[y].copy() if y < len(self.lines) else Text()


class Pager(Canvas, can_focus=True):
    """Lines of which a part is seen; the movement keys and the wheel scroll."""

    BINDINGS: ClassVar[list[BindingType]] = MOVES

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: Sequence[Text] = ()
        self.top = 0

    def show(self, lines: Sequence[Text], *, rewind: bool = False) -> None:
        """Show these lines, from the first one if `rewind`."""
        self.lines = lines
        self.go_to(0 if rewind else self.top)

    def go_to(self, top: int) -> None:
        """Show the lines from `top` on."""
        self.top = max(0, min(top, len(self.lines) - self.size.height))
        self.redraw()

    def line_at(self, y: int) -> Text:
        place = self.top + y
        line = self.lines[place] if place < len(self.lines) else Text()
        below = len(self.lines) - self.top - self.size.height
        if below <= 0 or y != self.size.height - 1:
            return line
        note = f" ▼ {below + 1} more lines "  # else nobody would look for them; the line under it is one of them
        line = Text()
        line.append(note.rjust(self.size.width - 1), _FAINT)
        return line

    def action_move(self, step: int) -> None:
        self.go_to(self.top + step)

    def action_page(self, step: int) -> None:
        self.go_to(self.top + step * max(1, self.size.height - 1))

    def action_edge(self, step: int) -> None:
        self.go_to(0 if step < 0 else len(self.lines))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.go_to(self.top - 3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.go_to(self.top + 3)
