"""The screen of a recording's moments: marks, changes of alerts and spikes, to go to with enter.

Spikes are looked for when the screen is opened. The rows are of all targets.
"""

from __future__ import annotations

from bisect import bisect_right

from textual.app import ComposeResult
from textual.message import Message

from razorprof.render.moments import MOMENT_COLUMNS, MomentRow, moment_cells
from razorprof.render.table import rule_line
from razorprof.session.played_moments import moments_of
from razorprof.session.player import Player
from razorprof.tui.canvas import Lines
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table


class MomentsPane(ListPane):
    """The cursor stands on the moment that is shown until it is moved."""

    class Chosen(Message):
        """Go to this time, Unix seconds."""

        def __init__(self, time: float) -> None:
            super().__init__()
            self.time = time

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player

    def compose(self) -> ComposeResult:
        yield Lines(id="rule")
        yield Table(id="table")

    def draw(self, scene: Scene) -> None:
        rows, trouble = moments_of(self._player)
        shown = [row for row in rows if row.holds(self.text)] if self.text else rows
        palette = scene.palette
        place = bisect_right([row.time for row in shown], self._player.time)
        note = trouble or f"{place} of {len(shown)} up to here; enter goes there"
        rule = rule_line(self.title("moments"), scene.width - 1, palette, note=note)
        self.query_one("#rule", Lines).show([rule])
        self.table.show(
            MOMENT_COLUMNS,
            shown,
            cells=lambda row: moment_cells(row, palette),
            key=lambda row: row,
            palette=palette,
            empty=self.empty(rows, "no mark, no alert and no spike"),
        )

    def detail(self) -> bool:
        row = self.table.chosen
        if not isinstance(row, MomentRow):
            return False
        self.post_message(self.Chosen(row.time))
        return True
