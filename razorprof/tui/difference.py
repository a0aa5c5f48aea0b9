"""The screen of what changed between two windows of a recording.

Which ones is session.comparing's matter, the lines are tui.difference_lines'.
"""

from __future__ import annotations

from rich.text import Text

from razorprof.render.text import cut_end, printable
from razorprof.session.comparing import Comparing
from razorprof.tui.difference_lines import difference_lines
from razorprof.tui.pages import PagePane
from razorprof.tui.scene import Scene

_MOST_SMALL = 8  # figures on a small screen: functions are to be seen, too


class DifferencePane(PagePane):
    """Of the target that is shown, as far as it is in both windows."""

    def __init__(self, comparing: Comparing) -> None:
        super().__init__()
        self._comparing = comparing
        self._drawn: tuple[object, list[Text]] | None = None

    def lines_of(self, scene: Scene) -> list[Text]:
        found = self._comparing.found()
        if isinstance(found, str):
            return [Text(f" {cut_end(printable(found), scene.width - 2)}", scene.palette.look, no_wrap=True)]
        key = id(found), scene.snapshot.target.identity, scene.width, scene.compact, scene.palette
        if self._drawn is None or self._drawn[0] != key:
            shown = found.of(scene.snapshot.target.identity)
            most = _MOST_SMALL if scene.compact else 100
            lines = difference_lines(found, shown, scene.width, scene.palette, most_figures=most)
            self._drawn = key, lines
        return self._drawn[1]
