"""Which screens there are: their names, and how each is made when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping

from razorprof.render.glyphs import Glyphs
from razorprof.tui.actions import ACTIONS, shown_keys
from razorprof.tui.alerts import AlertsPane
from razorprof.tui.functions import FunctionsPane
from razorprof.tui.garbage import GcPane
from razorprof.tui.overview import OverviewPane
from razorprof.tui.pages import HelpPane, MemoryPane
from razorprof.tui.processes import ProcessesPane
from razorprof.tui.scene import Pane
from razorprof.tui.threads import ThreadsPane


def make_pane(name: str, keys: Mapping[str, str], glyphs: Glyphs, *, colour: bool) -> Pane:
    """The screen of that name. keys: action name -> keys in force, for the help and for hints."""
    if name == "time":
        from razorprof.tui.timeline import TimePane  # late: it loads plotext at the first plot

        return TimePane(plain=glyphs.plain, colour=colour)
    if name == "panels":
        from razorprof.tui.panels import PanelsPane  # late: it loads the plugins

        return PanelsPane()
    if name == "help":
        return HelpPane([(shown_keys(keys[action.name]), action.what) for action in ACTIONS])
    if name == "alerts":
        return AlertsPane(keys)
    return _PANES[name]()


_PANES: dict[str, type[Pane]] = {
    "overview": OverviewPane,
    "functions": FunctionsPane,
    "threads": ThreadsPane,
    "gc": GcPane,
    "memory": MemoryPane,
    "processes": ProcessesPane,
}
