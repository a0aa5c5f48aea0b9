"""What the dashboard does about alerts on every screen: the bell, the keys for a runbook and a capture, and what
became of captures. The base of the Dashboard; the alert screen itself is tui.alerts.
"""

from __future__ import annotations

from collections.abc import Sequence

from razorprof.model.alert import AlertBoard, CaptureNote
from razorprof.model.target import Identity
from razorprof.render.alert_detail import capture_words
from razorprof.render.alerts import AlertRow, Standing, told_first
from razorprof.render.text import cut_end, printable
from razorprof.render.thresholds import Level
from razorprof.session.view import Controls
from razorprof.tui.alerts import AlertsPane
from razorprof.tui.asking import Asking

_LONGEST = 200  # cells of a note that is said


class Alarming(Asking):
    """An Asking that keeps an eye on alerts: `attend` is called with each state that is drawn."""

    def __init__(self, controls: Controls, *, rings: bool) -> None:
        """rings: whether what begins to fire rings the terminal's bell."""
        super().__init__()
        self.controls = controls
        self.current: Identity | None = None  # who is on the screen
        self.alerts: Sequence[AlertRow] = ()
        self._rings = rings
        self._firing: frozenset[object] = frozenset()
        self._notes: dict[object, str] | None = None  # state of each capture that was told; None before the first

    def say(self, words: str, found: Level = Level.FINE) -> None:
        """Tell something for a few seconds."""
        raise NotImplementedError

    def attend(self, rows: Sequence[AlertRow], board: AlertBoard | None) -> None:
        """Ring for what begins to fire, tell what became of captures. Says nothing at once: this is a draw."""
        self.alerts = rows
        firing = frozenset(row.key for row in rows if row.standing is Standing.FIRING and not row.silenced)
        if self._rings and firing - self._firing:
            self.bell()
        self._firing = firing
        notes = {_key(note): note for note in (board.captures if board is not None else ())}
        news = [note for key, note in notes.items() if (self._notes or {}).get(key) != note.state]
        if self._notes is not None and news:
            words, level = _told(max(news, key=lambda note: note.time))
            self.call_later(self.say, words, level)
        self._notes = {key: note.state for key, note in notes.items()}

    async def action_runbook(self) -> None:
        pane = self.pane
        if not isinstance(pane, AlertsPane):
            told = told_first(self.alerts)
            if told is None:
                self.say("nothing fires: choose an alert on its screen", Level.LOOK)
                return
            await self._go("alerts")
            pane = self.pane
            if isinstance(pane, AlertsPane):
                pane.back()
                pane.choose(told)
        if isinstance(pane, AlertsPane) and pane.runbook():
            self.draw()
        else:
            self.say("no alert is chosen", Level.LOOK)

    def action_capture(self) -> None:
        pane = self.pane
        target = pane.target.identity if isinstance(pane, AlertsPane) and pane.target is not None else None
        target = target or self.current
        if target is not None:
            reason = self.controls.capture(target)
            words = f"no capture of {target.pid}: {printable(reason)}" if reason else f"capturing {target.pid} ..."
            self.say(words, Level.LOOK if reason else Level.FINE)


def _key(note: CaptureNote) -> object:
    return note.name, note.alert, note.time, note.pid


def _told(note: CaptureNote) -> tuple[str, Level]:
    whose = f" of {note.pid}" if note.pid is not None else ""
    words = cut_end(printable(f"capture {note.name}{whose}: {capture_words(note)}"), _LONGEST)
    return words, {"failed": Level.ACT, "partial": Level.LOOK, "skipped": Level.LOOK}.get(note.state, Level.FINE)
