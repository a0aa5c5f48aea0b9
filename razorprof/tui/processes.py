"""The screen of all targets: one row each, the sickest first, and their sum."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.message import Message

from razorprof.model.target import Identity, Life
from razorprof.render.processes import SORTS, are_mixed, cells, columns, deviation_lines, select_rows, sum_line
from razorprof.render.snapshot import Snapshot
from razorprof.render.table import rule_line
from razorprof.render.thresholds import level
from razorprof.tui.canvas import Lines
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table


class ProcessesPane(ListPane):
    """Enter shows the target under the cursor on all other screens."""

    SORTS = SORTS

    class Chosen(Message):
        """A target was chosen."""

        def __init__(self, identity: Identity) -> None:
            super().__init__()
            self.identity = identity

    def compose(self) -> ComposeResult:
        yield Lines(id="rule")
        yield Table(id="table")
        yield Lines(id="sum")

    def draw(self, scene: Scene) -> None:
        palette = scene.palette
        rows = [scene.collector.row(scene.state, status) for status in scene.state.targets]
        note = f"{len(rows)} targets"
        if any(row.deviation is not None for row in rows):
            note += ", off: distance from the siblings"
        self.query_one("#rule", Lines).show(
            [*self._sick(rows, scene), rule_line(self.title("processes"), scene.width - 1, palette, note=note)]
        )
        current, mixed = scene.snapshot.target.pid, are_mixed(rows)
        self.table.show(
            columns(mixed),
            self.ranked(rows),
            cells=lambda row: cells(row, palette, current, mixed),
            key=lambda row: row.target.identity,
            palette=palette,
            sort=self.sort_key,
            reverse=self.turned,
            empty=self.empty(rows, "no targets"),
        )
        self.query_one("#sum", Lines).show([sum_line(rows, scene.width, palette)])

    def ranked(self, rows: Sequence[Snapshot]) -> list[Snapshot]:
        """The rows that are not filtered away, in the order of the screen."""
        return select_rows(rows, self.text, self.sort_key, self.turned)

    def _sick(self, rows: Sequence[Snapshot], scene: Scene) -> list[Text]:
        off = [row for row in rows if row.life is not Life.GONE and level("deviation", abs(row.deviation or 0.0))]
        return deviation_lines(off, scene.width, scene.palette)

    def detail(self) -> bool:
        row = self.table.chosen
        if row is None:
            return False
        self.post_message(self.Chosen(row.target.identity))
        return True


def default_order(rows: Sequence[Snapshot]) -> list[Snapshot]:
    """The order of this screen before anybody has changed it."""
    return select_rows(rows, "", SORTS[0], reverse=False)
