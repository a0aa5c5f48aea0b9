"""The screen "panels": the pieces that plugins draw, one below the other.

One that fails, lacks what it needs or takes too long costs its own lines; one that hangs would hold up the screen,
as code in this thread cannot be stopped.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from razorprof.plugin.loading import Failure, Loaded, panels
from razorprof.plugin.panels import Panel, PanelSize
from razorprof.render.memory import sentence
from razorprof.render.panel import lacks, panel_lines
from razorprof.render.table import rule_line
from razorprof.render.text import printable
from razorprof.render.thresholds import Level
from razorprof.session.panel_view import TargetView
from razorprof.tui.pages import PagePane
from razorprof.tui.scene import Scene

LONGEST_DRAW, MOST_SLOW = 0.2, 3  # seconds; draws in a row after which a panel is left out
LEAST_LINES = 3
_FRAME = 4  # lines of the screen that are not the pane's


class PanelsPane(PagePane):
    """All panels that are installed, in the order of their names."""

    def __init__(self, found: Sequence[Loaded[Panel]] | None = None) -> None:
        """found: the panels, None for those that are installed."""
        super().__init__()
        self._panels = panels() if found is None else found
        self._slow: Counter[str] = Counter()

    def lines_of(self, scene: Scene) -> list[Text]:
        identity = scene.snapshot.target.identity
        status = next(one for one in scene.state.targets if one.target.identity == identity)
        view = TargetView(scene.collector.view, status, scene.state.time)
        each = max(LEAST_LINES, (scene.height - _FRAME) // max(1, len(self._panels)) - 1)
        size = PanelSize(scene.width - 2, each)
        lines: list[Text] = []
        for loaded in self._panels:
            lines += self._panel(loaded, view, size, scene)
        return lines or [sentence("no panels are installed", scene.width, scene.palette, Level.FINE)]

    def _panel(self, loaded: Loaded[Panel], view: TargetView, size: PanelSize, scene: Scene) -> list[Text]:
        panel, width, palette = loaded.plugin, scene.width, scene.palette

        def head(title: str, note: str = "") -> Text:
            return rule_line(printable(title)[:80], width - 1, palette, note=printable(note)[:80])

        def left_out(name: str, why: str) -> list[Text]:
            return [head(name), sentence(f"left out: {printable(why)}", width, palette, Level.LOOK)]

        if panel is None:
            return left_out(loaded.report.name, loaded.report.error)
        if self._slow[panel.name] >= MOST_SLOW:
            return left_out(panel.title, f"it took longer than {LONGEST_DRAW:g} s to draw, {MOST_SLOW} times")
        missing = lacks(panel, view)
        if missing:
            return [
                head(panel.title),
                sentence(f"this target gives none of {missing}", width, palette, Level.FINE),
            ]
        began = time.monotonic()
        drawn = panel_lines(panel, view, size)
        took = time.monotonic() - began
        self._slow[panel.name] = self._slow[panel.name] + 1 if took > LONGEST_DRAW else 0
        if isinstance(drawn, Failure):
            return left_out(panel.title, drawn.error)
        note = "" if loaded.report.distribution == "razorprof" else loaded.report.distribution
        return [head(panel.title, note), *(Text(" ", no_wrap=True).append_text(line) for line in drawn)]
