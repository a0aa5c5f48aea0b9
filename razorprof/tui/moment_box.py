"""The line that a time of the recording is typed into. Says what was entered by a message. Opened by
tui.replay_app."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from razorprof.errors import UsageError
from razorprof.render.palette import Palette
from razorprof.render.text import cut_end, printable
from razorprof.tui.canvas import Lines

MomentParser = Callable[[str], float]  # Unix seconds; raises UsageError
_USAGE = "a time: 03:12, +90s after the start, -5m before the end; enter goes there, esc leaves"


class MomentBox(Vertical):
    """parse: reads what is typed."""

    DEFAULT_CSS = """
    MomentBox { dock: bottom; height: 2; background: $panel; }
    MomentBox Input { height: 1; border: none; padding: 0 1; background: $panel; }
    MomentBox Lines { height: 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Entered(Message):
        """A moment, Unix seconds."""

        def __init__(self, time: float) -> None:
            super().__init__()
            self.time = time

    class Left(Message):
        """Nothing was entered."""

    def __init__(self, palette: Palette, parse: MomentParser) -> None:
        super().__init__()
        self._palette, self._parse = palette, parse

    def compose(self) -> ComposeResult:
        yield Input(placeholder="03:12", classes="typed", compact=True, max_length=60)
        yield Lines()

    def on_mount(self) -> None:
        self._say(_USAGE)

    def focus_field(self) -> None:
        """Let what is typed from now on stand here."""
        self.screen.set_focus(self.query_one(Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(_USAGE)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self.post_message(self.Left())
            return
        try:
            moment = self._parse(event.value)
        except UsageError as error:
            self._say(f"{error}: {error.hint}", bad=True)
            return
        self.post_message(self.Entered(moment))

    def on_resize(self, event: events.Resize) -> None:
        self._say(_USAGE)

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def _say(self, words: str, *, bad: bool = False) -> None:
        style = self._palette.act if bad else self._palette.dim
        width = max(1, self.app.size.width - 2)
        self.query_one(Lines).show([Text(" " + cut_end(printable(words), width), style, no_wrap=True)])
