"""A table that is drawn line by line: a cursor, a sort mark, rows by the thousand of which only the seen are
made.

Used by every list of the dashboard. The cursor stays on its row's key once it was moved; until then it stays on
top, so that the screen shows the hottest and not what was hottest.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message

from razorprof.render.palette import PLAIN, Palette
from razorprof.render.table import Cell, Column, head_line, lay_out, row_line
from razorprof.render.text import cut_end
from razorprof.tui.canvas import MOVES, Canvas


class Table(Canvas, can_focus=True):
    """Rows of any type; `show` says how a row becomes cells and which key it has."""

    BINDINGS: ClassVar[list[BindingType]] = MOVES

    class Opened(Message):
        """A row was clicked twice."""

    class Moved(Message):
        """The cursor was moved."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: Sequence[Any] = ()
        self.cursor = 0
        self.top = 0
        self.palette: Palette = PLAIN
        self._columns: tuple[Column, ...] = ()
        self._cells: Callable[[Any], list[Cell]] = lambda row: []
        self._key: Callable[[Any], Hashable] = id_of
        self._sort = ""
        self._reverse = False
        self._empty = ""
        self._moved = False

    def show(
        self,
        columns: Sequence[Column],
        rows: Sequence[Any],
        *,
        cells: Callable[[Any], list[Cell]],
        key: Callable[[Any], Hashable],
        palette: Palette,
        sort: str = "",
        reverse: bool = False,
        empty: str = "",
    ) -> None:
        """Show these rows. `empty`: what to say when there are none."""
        held = self.chosen_key if self._moved else None
        self._columns, self.rows, self._cells, self._key = tuple(columns), rows, cells, key
        self.palette, self._sort, self._reverse, self._empty = palette, sort, reverse, empty
        if held is not None:
            self.cursor = next((i for i, row in enumerate(rows) if key(row) == held), self.cursor)
        self._settle()

    @property
    def chosen(self) -> Any | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def chosen_key(self) -> Hashable | None:
        row = self.chosen
        return None if row is None else self._key(row)

    def rewind(self) -> None:
        """Back to the first row; the cursor no longer follows a key."""
        self.cursor = self.top = 0
        self._moved = False

    def line_at(self, y: int) -> Text:
        layout = lay_out(self._columns, self.size.width - 1)
        if y == 0:
            return self._head(head_line(layout, self.palette, sort=self._sort, reverse=self._reverse))
        place = self.top + y - 1
        if not self.rows and y == 1:
            return Text(" " + cut_end(self._empty, self.size.width - 2), self.palette.dim)
        if place >= len(self.rows):
            return Text()
        line = row_line(layout, self._cells(self.rows[place]), self.palette)
        if place == self.cursor and self.has_focus:
            line = Text.assemble(("▸", self.palette.accent), line[1:])
            line.pad_right(max(0, self.size.width - line.cell_len))
            line.stylize(self.palette.select)
        return line

    def action_move(self, step: int) -> None:
        self.cursor += step
        self._moved = True
        self._settle()
        self.post_message(self.Moved())

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.size.height - 2))

    def action_edge(self, step: int) -> None:
        self.cursor = 0 if step < 0 else len(self.rows)
        self._moved = step > 0
        self._settle()
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        self._settle()

    def on_click(self, event: events.Click) -> None:
        place = self.top + event.y - 1
        if event.y >= 1 and place < len(self.rows):
            self.cursor = place
            self._moved = True
            self._settle()
            self.post_message(self.Moved())
            if event.chain > 1:
                self.post_message(self.Opened())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_move(3)

    def _settle(self) -> None:
        """Keep the cursor on a row and the row on the screen."""
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        seen = max(1, self.size.height - 1)
        self.top = max(0, min(self.top, len(self.rows) - seen))
        self.top = min(max(self.top, self.cursor - seen + 1), self.cursor)
        self.redraw()

    def _head(self, line: Text) -> Text:
        seen = max(0, self.size.height - 1)
        if len(self.rows) <= seen:
            return line
        note = f" {self.top + 1} to {min(self.top + seen, len(self.rows))} of {len(self.rows)} "
        line.truncate(self.size.width, pad=True)
        if line.plain[-cell_len(note) :].strip():
            return line  # a title stands there: the pane's rule counts the rows
        line.truncate(self.size.width - cell_len(note))
        line.append(note, self.palette.dim)
        return line


def id_of(row: Any) -> Hashable:
    """The key of rows that have none of their own."""
    return id(row)
