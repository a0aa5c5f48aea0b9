"""A line that one thing is typed into, with words below it: the base of those for moments and for names of marks.

Says what was entered by a message of the subclass. Opened by tui.replay_app.
"""

from __future__ import annotations

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


class EntryBox(Vertical):
    """USAGE: the words; LONGEST: of what is typed."""

    USAGE: ClassVar[str] = ""
    LONGEST: ClassVar[int] = 60
    DEFAULT_CSS = """
    EntryBox { dock: bottom; height: 2; background: $panel; }
    EntryBox Input { height: 1; border: none; padding: 0 1; background: $panel; }
    EntryBox Lines { height: 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Left(Message):
        """Nothing was entered."""

    def __init__(self, palette: Palette, example: str) -> None:
        """example: what could be typed; shown while nothing is."""
        super().__init__()
        self._palette, self._example = palette, example

    def entered(self, text: str) -> Message | None:
        """What to say of a text; None where it is nothing. Raises UsageError for one that cannot be meant."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield Input(placeholder=self._example, classes="typed", compact=True, max_length=self.LONGEST)
        yield Lines()

    def on_mount(self) -> None:
        self._say(self.USAGE)

    def focus_field(self) -> None:
        """Let what is typed from now on stand here."""
        self.screen.set_focus(self.query_one(Input))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(self.USAGE)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            message = self.entered(event.value)
        except UsageError as error:
            self._say(f"{error}: {error.hint}", bad=True)
            return
        self.post_message(self.Left() if message is None else message)

    def on_resize(self, event: events.Resize) -> None:
        self._say(self.USAGE)

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def _say(self, words: str, *, bad: bool = False) -> None:
        style = self._palette.act if bad else self._palette.dim
        width = max(1, self.app.size.width - 2)
        self.query_one(Lines).show([Text(" " + cut_end(printable(words), width), style, no_wrap=True)])
