"""What frames every screen: title, verdict and tabs above, own cost below. Drawn by the app at every tick."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rich.text import Text
from textual.geometry import Size

from razorprof.render.alerts import AlertRow, alert_line, tab_mark
from razorprof.render.headline import footer_line, tabs_line, title_line, verdict_lines
from razorprof.render.palette import Palette
from razorprof.render.snapshot import Snapshot
from razorprof.render.text import cut_end, printable
from razorprof.render.thresholds import Level
from razorprof.session.view import SessionState
from razorprof.tui.actions import shown_keys
from razorprof.tui.collect import own_cost

TABS = ("overview", "functions", "threads", "gc", "memory", "alerts", "time", "panels", "processes")
_HIDDEN = ("panels",)  # until it is on the screen: nine tabs do not fit into 80 cells
_LABELS = {"processes": "all"}  # eight tabs must fit into 80 cells


@dataclass(frozen=True)
class Chrome:
    """keys: action name -> keys in force; screen: the one shown; said: a message in place of the tabs; alerts: of
    all targets."""

    state: SessionState
    snapshot: Snapshot
    width: int
    palette: Palette
    keys: Mapping[str, str]
    screen: str
    said: tuple[str, Level] | None = None
    paused: bool = False
    alerts: Sequence[AlertRow] = ()

    def head(self) -> list[Text]:
        """Title, verdict, and tabs or a message."""
        targets, place = self.state.targets, ""
        if len(targets) > 1:
            identities = [status.target.identity for status in targets]
            place = f"target {identities.index(self.snapshot.target.identity) + 1} of {len(targets)}"
        title = title_line(
            self.snapshot, self.width, self.palette, interval=self.state.interval, place=place, paused=self.paused
        )
        return [title, *verdict_lines(self.snapshot, self.width, self.palette), self._last_line()]

    def foot(self, now: float) -> list[Text]:
        """What fires, what watching costs, and how old the figures are at `now`, Unix seconds."""
        keys = (f"{self._first_key('help')} help", f"{self._first_key('quit')} quit")
        cost = own_cost(self.state, self.snapshot, now)
        if self.paused:
            cost = replace(cost, interval=math.inf)  # old figures are what was asked for
        footer = footer_line(cost, self.width, self.palette, keys=keys)
        return [footer] if self.alert is None else [self.alert.copy(), footer]

    @cached_property
    def alert(self) -> Text | None:
        """The line about what fires."""
        keys = [(self._first_key(name), name) for name in ("runbook", "capture")]
        several = len(self.state.targets) > 1
        return alert_line(self.alerts, self.width, self.palette, several=several, keys=keys)

    def tab_at(self, x: int, y: int) -> str:
        """The screen whose tab is at this cell of the head, empty where there is none."""
        if y != len(self.head()) - 1 or self.said is not None:
            return ""
        _, cells = self._tabs
        return next((name for name, place in zip(self._shown, cells, strict=True) if x in place), "")

    def _last_line(self) -> Text:
        if self.said is None:
            return self._tabs[0]
        words, found = self.said
        line = Text(" ", no_wrap=True)
        line.append(cut_end(words, self.width - 2), self.palette.of(found) if found else self.palette.accent)
        return line

    @cached_property
    def _tabs(self) -> tuple[Text, list[range]]:
        mark, style = tab_mark(self.alerts, self.palette)
        labels = {name: _LABELS.get(name, name) for name in self._shown}
        labels["alerts"] += f" {mark}" if mark else ""
        tabs = [(self._first_key(name), label) for name, label in labels.items()]
        styles = {} if style is None else {labels["alerts"]: style}
        return tabs_line(tabs, labels.get(self.screen, self.screen), self.width, self.palette, styles)

    @property
    def _shown(self) -> list[str]:
        several = len(self.state.targets) > 1
        hidden = _HIDDEN if several else (*_HIDDEN, "processes")
        return [name for name in TABS if name not in hidden or self.screen == name]

    def _first_key(self, action: str) -> str:
        return (shown_keys(self.keys[action]).split() or [""])[0]


def too_small_line(snapshot: Snapshot, size: Size, least: tuple[int, int], palette: Palette) -> Text:
    """All that a terminal below `least` gets: that it is too small, and the verdict."""
    line = Text(f"{size.width}x{size.height}: needs {least[0]}x{least[1]}. ", palette.look, no_wrap=True)
    words = snapshot.verdict.words if snapshot.verdict is not None else "too little seen yet"
    line.append(cut_end(printable(words), max(0, size.width - line.cell_len)), palette.value)
    return line
