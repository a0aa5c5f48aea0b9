"""The screen of all targets: one row each, the sickest first, and their sum."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.message import Message

from razorprof.model.target import Identity
from razorprof.render.processes import COLUMNS, SORTS, cells, select_rows, sum_line
from razorprof.render.table import rule_line
from razorprof.render.text import cut_middle, printable
from razorprof.tui.canvas import Lines
from razorprof.tui.scene import Pane, Scene
from razorprof.tui.table import Table


class ProcessesPane(Pane):
    """Enter shows the target under the cursor on all other screens."""

    class Chosen(Message):
        """A target was chosen."""

        def __init__(self, identity: Identity) -> None:
            super().__init__()
            self.identity = identity

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.sort_key = SORTS[0]
        self.turned = False

    def compose(self) -> ComposeResult:
        yield Lines(id="rule")
        yield Table(id="table")
        yield Lines(id="sum")

    def arrive(self) -> None:
        self._table.focus()

    def draw(self, scene: Scene) -> None:
        palette = scene.palette
        rows = [scene.collector.row(scene.state, status) for status in scene.state.targets]
        title = "processes"
        if self.text:
            title += f", matching {cut_middle(printable(self.text), 20)}"
        note = f"{len(rows)} targets"
        if any(row.deviation is not None for row in rows):
            note += ", off: distance from the siblings"
        self.query_one("#rule", Lines).show([rule_line(title, scene.width - 1, palette, note=note)])
        current = scene.snapshot.target.pid
        self._table.show(
            COLUMNS,
            select_rows(rows, self.text, self.sort_key, self.turned),
            cells=lambda row: cells(row, palette, current),
            key=lambda row: row.target.identity,
            palette=palette,
            sort=self.sort_key,
            reverse=self.turned,
            empty=f"nothing matches {printable(self.text)}" if rows else "no targets",
        )
        self.query_one("#sum", Lines).show([sum_line(rows, scene.width, palette)])

    def filter(self, text: str) -> bool:
        self.text = text
        self._table.rewind()
        return True

    def filtered(self) -> str:
        return self.text

    def sort(self) -> bool:
        self.sort_key = SORTS[(SORTS.index(self.sort_key) + 1) % len(SORTS)]
        self._table.rewind()
        return True

    def reverse(self) -> bool:
        self.turned = not self.turned
        self._table.rewind()
        return True

    def detail(self) -> bool:
        row = self._table.chosen
        if row is None:
            return False
        self.post_message(self.Chosen(row.target.identity))
        return True

    @property
    def _table(self) -> Table:
        return self.query_one(Table)
