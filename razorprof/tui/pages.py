"""Screens that are only lines: memory, help; the base of those that are."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult

from razorprof.render.guide import guide_lines
from razorprof.render.memory import memory_lines
from razorprof.tui.canvas import Pager
from razorprof.tui.scene import Pane, Scene


class PagePane(Pane):
    """Lines that `lines_of` makes, in a pager."""

    def compose(self) -> ComposeResult:
        yield Pager()

    def arrive(self) -> None:
        self.query_one(Pager).focus()

    def draw(self, scene: Scene) -> None:
        self.query_one(Pager).show(self.lines_of(scene))

    def lines_of(self, scene: Scene) -> list[Text]:
        """The page."""
        raise NotImplementedError


class MemoryPane(PagePane):
    """Kinds of memory, growth, the container's limit."""

    def lines_of(self, scene: Scene) -> list[Text]:
        return memory_lines(scene.snapshot, scene.width, scene.palette, scene.mark)


class HelpPane(PagePane):
    """Keys, colours, how to read."""

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def lines_of(self, scene: Scene) -> list[Text]:
        return guide_lines(self._keys, scene.width, scene.palette)
