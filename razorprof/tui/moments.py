"""The screen of a recording's moments: marks, changes of alerts and spikes, to go to with enter.

Spikes are looked for when the screen is opened. The rows are of all targets.
"""

from __future__ import annotations

from bisect import bisect_right

from textual.app import ComposeResult
from textual.message import Message

from razorprof.errors import ToolFailed
from razorprof.model.alert import AlertState
from razorprof.render.figures import duration
from razorprof.render.moments import MOMENT_COLUMNS, MomentKind, MomentRow, moment_cells
from razorprof.render.replay_line import clock_text
from razorprof.render.series_names import series_text
from razorprof.render.spikes import spike_words
from razorprof.render.table import rule_line
from razorprof.render.text import printable
from razorprof.render.thresholds import Level
from razorprof.session.player import Player
from razorprof.tui.canvas import Lines
from razorprof.tui.list_pane import ListPane
from razorprof.tui.scene import Scene
from razorprof.tui.table import Table

_LEVELS = {AlertState.FIRING: Level.ACT, AlertState.PENDING: Level.LOOK}


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
        rows, trouble = self._rows()
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

    def _rows(self) -> tuple[list[MomentRow], str]:
        player = self._player
        start = player.ticks[0]
        rows = [
            MomentRow(mark.time, mark.time - start, MomentKind.MARK, f"{mark.kind}: {mark.text}")
            for mark in player.marks
        ]
        for course in player.courses:
            what = series_text(course.labels.without("alertname", "pid", "instance", "job", "runtime"))
            pid = course.labels.get("pid", "")
            for state, begin, over in course.states(player.ticks[-1] + 1):
                words = f"{course.rule.name} {state.value} for {duration(over - begin)} {what}"
                rows.append(MomentRow(begin, begin - start, MomentKind.ALERT, words, pid, _LEVELS[state]))
        trouble = ""
        tried = player.backtest.end if player.backtest is not None else None
        if tried is not None and tried < player.ticks[-1]:
            trouble = f"alerts up to {clock_text(tried)}: rules were tried no further yet"
        try:
            for one in player.spikes:
                words = spike_words(one.figure.figure, one.spike)
                level = Level.LOOK
                row = MomentRow(one.tick, one.tick - start, MomentKind.SPIKE, words, str(one.target.pid), level)
                rows.append(row)
        except ToolFailed as error:
            trouble = f"no spikes: {printable(str(error))}"
        return sorted(rows, key=lambda row: row.time), trouble
