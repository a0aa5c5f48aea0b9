"""The line that the name of a mark is typed into. Says what was entered by a message. Opened by tui.replay_app."""

from __future__ import annotations

from typing import ClassVar

from textual.message import Message

from razorprof.session.user_marks import LONGEST_NAME
from razorprof.tui.entry_box import EntryBox


class MarkBox(EntryBox):
    """Nothing typed is the example."""

    USAGE: ClassVar[str] = "a name for this moment; enter sets the mark, esc leaves"
    LONGEST: ClassVar[int] = LONGEST_NAME

    class Entered(Message):
        """A name."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def entered(self, text: str) -> Message | None:
        return self.Entered(text.strip() or self._example)
