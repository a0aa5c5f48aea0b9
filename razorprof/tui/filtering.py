"""The line that a list is filtered by, and the keys that are typed before it stands: the Dashboard's base.

Keys of one write (a paste, a slow ssh) are handed on before the first of them has been obeyed; those behind the
key that opens the filter would be taken for commands. They are kept until the field has the focus. What a filter
hides is the pane's matter.
"""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.message import Message

from razorprof.tui.scene import Pane

_PATIENCE = 2.0  # seconds that keys are kept at most, should no field open


class Filtering(App[None]):
    """An app that has one filter field at its bottom, asked for by `action_filter`."""

    def __init__(self) -> None:
        super().__init__()
        self.filter_keys: frozenset[str] = frozenset()  # those that open a field, as Textual names them
        self._early: list[events.Key] | None = None  # None: keys go their usual way
        self._is_opening = False  # a field is on its way, however long its screen takes to stand

    @property
    def pane(self) -> Pane | None:
        """The pane that would be filtered; None before the first."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw again."""
        raise NotImplementedError

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded and self._keep(event):
            return
        await super().on_event(event)

    async def action_filter(self) -> None:
        from textual.widgets import Input  # late: not everybody filters

        self._is_opening = True
        pane = self.pane
        if pane is not None and not self.query("#filter") and pane.filter(pane.filtered()):
            field = Input(
                pane.filtered(), placeholder="filter: part of a name", id="filter", classes="typed", compact=True
            )
            await self.mount(field)
            self.screen.set_focus(field)  # at once: Widget.focus() comes later, behind keys that wait already
        await self._release()

    def on_input_changed(self, event: Message) -> None:
        if self.pane is not None:
            self.pane.filter(getattr(event, "value", ""))
        self.draw()

    def on_input_submitted(self, event: Message) -> None:
        self.close_filter()
        if self.pane is not None:
            self.pane.arrive()
        self.draw()

    def close_filter(self) -> bool:
        """Take the field away; whether there was one."""
        found = self.query("#filter")
        for field in found:
            field.remove()
        return bool(found)

    async def _escape(self) -> None:
        """What the key does to an open field."""
        self.close_filter()
        if self.pane is not None:
            self.pane.filter("")

    def _keep(self, event: events.Key) -> bool:
        if self._early is not None:
            if not (event.is_printable or event.key in ("backspace", "enter", "escape")):
                return False  # the keys that end or suspend us
            self._early.append(event)
            return True
        if event.key in self.filter_keys and not self.query(".typed") and not self.screen.is_modal:
            kept = self._early = []
            self.set_timer(_PATIENCE, lambda: self._give_up(kept))
        return False

    def _give_up(self, kept: list[events.Key]) -> None:
        if self._early is kept and not self._is_opening:
            self._early = None

    async def _release(self) -> None:
        """Type the kept keys into the field."""
        from textual.widgets import Input

        early, self._early, self._is_opening = self._early, None, False
        for event in early or ():
            field = next(iter(self.query(".typed").results(Input)), None)
            if field is None:
                return
            if event.key == "backspace":
                field.action_delete_left()
            elif event.key == "enter":
                await field.action_submit()
            elif event.key == "escape":
                await self._escape()
            elif event.character:
                field.insert_text_at_cursor(event.character)
