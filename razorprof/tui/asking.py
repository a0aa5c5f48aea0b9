"""The line for expressions, beside the one for filters: the Dashboard's base.

What is plotted is the time screen's matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from razorprof.render.palette import Palette
from razorprof.tui.filtering import Filtering

if TYPE_CHECKING:
    from razorprof.tui.expression_box import ExpressionBox


class Asking(Filtering):
    """A Filtering that opens a line for a PromQL expression on `action_expression`."""

    @property
    def palette(self) -> Palette:
        """The colours in force."""
        raise NotImplementedError

    async def _go(self, name: str) -> None:
        """Show a screen."""
        raise NotImplementedError

    async def action_expression(self) -> None:
        """Open the line, on the time screen; it begins with the expression under the cursor there."""
        from textual.widgets import Input

        from razorprof.tui.expression_box import ExpressionBox
        from razorprof.tui.timeline import TimePane

        if self.query("#expression"):
            return
        self._is_opening = True
        if not isinstance(self.pane, TimePane):
            await self._go("time")
        self.close_filter()
        pane = self.pane
        if isinstance(pane, TimePane):
            box = ExpressionBox(pane.names, self.palette, pane.expression)
            await self.mount(box)
            field = box.query_one(Input)
            self.screen.set_focus(field)
            field.focus()  # again, later: a screen that has just come asks for it later too
        await self._release()

    def on_expression_box_entered(self, event: ExpressionBox.Entered) -> None:
        from razorprof.tui.timeline import TimePane

        self._leave()
        if isinstance(self.pane, TimePane):
            self.pane.put(event.text, event.instead)
        self.draw()

    def on_expression_box_left(self, event: events.Event) -> None:
        self._leave()
        self.draw()

    def close_filter(self) -> bool:
        for box in self.query("#expression"):
            box.remove()
        return super().close_filter()

    async def _escape(self) -> None:
        if self.query("#expression"):
            self._leave()
        else:
            await super()._escape()

    def _leave(self) -> None:
        self.close_filter()
        if self.pane is not None:
            self.pane.arrive()
