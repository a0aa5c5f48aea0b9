"""A flame graph with a selection: arrow keys move it, zooming draws the chosen box over the whole width."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from razorprof.model.profile import Node
from razorprof.render.flame import Box, Path, box_text, find, flame_lines, lay_out_flame
from razorprof.render.palette import PLAIN, Palette
from razorprof.tui.canvas import Canvas


class FlameView(Canvas, can_focus=True):
    """`show` gives it a tree; selection and zoom are paths of names and so survive the next tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "side(-1)", show=False),
        Binding("right,l", "side(1)", show=False),
        Binding("up,k", "depth(-1)", show=False),
        Binding("down,j", "depth(1)", show=False),
    ]

    class Moved(Message):
        """Another box is chosen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.palette: Palette = PLAIN
        self.zoomed: Path = ()
        self.chosen: Path = ()
        self._root: Node | None = None
        self._whole = 0.0
        self._laid: list[list[Box]] = []
        self._lines: list[Text] = []

    def show(self, root: Node, whole: float, palette: Palette) -> None:
        """Draw this tree, keeping zoom and selection where they still exist. whole: the weight that is 100 %."""
        self._root, self._whole, self.palette = root, whole, palette
        self._lay_out()

    def reset(self) -> None:
        """Back to the root."""
        self.zoomed = self.chosen = ()

    def zoom(self) -> bool:
        """Draw the chosen box over the whole width."""
        if self.chosen == self.zoomed:
            return False
        self.zoomed = self.chosen
        self._lay_out()
        return True

    def zoom_out(self) -> bool:
        """One zoom back; False when there was none."""
        if not self.zoomed:
            return False
        self.zoomed = ()
        self._lay_out()
        return True

    def status(self, width: int) -> str:
        """The chosen box in words."""
        node = find(self._root, self.chosen) if self._root is not None else None
        if node is None or self._root is None:
            return ""
        return box_text(node, self._whole, width)

    def line_at(self, y: int) -> Text:
        return self._lines[y] if y < len(self._lines) else Text()

    def action_side(self, step: int) -> None:
        row = next((row for row in self._laid if any(b.path == self.chosen for b in row)), [])
        place = next((i for i, b in enumerate(row) if b.path == self.chosen), None)
        if place is not None and 0 <= place + step < len(row):
            self._choose(row[place + step].path)

    def action_depth(self, step: int) -> None:
        if step < 0:
            if len(self.chosen) > len(self.zoomed):
                self._choose(self.chosen[:-1])
            return
        row = next((r for r in self._laid if any(b.path[:-1] == self.chosen and b.path for b in r)), [])
        below = [box for box in row if box.path[:-1] == self.chosen and box.path]
        if below:
            self._choose(max(below, key=lambda box: box.width).path)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        row = self._laid[event.y] if event.y < len(self._laid) else []
        for box in row:
            if box.x <= event.x < box.x + box.width:
                self._choose(box.path)

    def _choose(self, path: Path) -> None:
        self.chosen = path
        self._lay_out()
        self.post_message(self.Moved())

    def _lay_out(self) -> None:
        if self._root is None:
            return
        if find(self._root, self.zoomed) is None:
            self.zoomed = ()
        if find(self._root, self.chosen) is None or self.chosen[: len(self.zoomed)] != self.zoomed:
            self.chosen = self.zoomed
        root = find(self._root, self.zoomed) or self._root
        width, height = self.size
        self._laid = lay_out_flame(root, width, height, self.zoomed)
        self._lines = flame_lines(self._laid, width, self.palette, self.chosen if self.has_focus else None)
        self.redraw()

    def on_focus(self) -> None:
        self._lay_out()

    def on_blur(self) -> None:
        self._lay_out()
